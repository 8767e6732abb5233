//! What an output was made from, in one short text.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 over everything that an output depends on, as 32 hex digits (the first half).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of any value that can be written as JSON, e.g. a tuple of options and fingerprints.
    ///
    /// # Panics
    /// When `parts` has a map with keys that are not text, which no type here has.
    pub fn of(parts: &impl Serialize) -> Self {
        Self::of_bytes(&serde_json::to_vec(parts).expect("plain data can be written as JSON"))
    }

    /// The fingerprint of raw bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(hex::encode(&Sha256::digest(bytes)[..16]))
    }

    /// Takes a text written by [`fmt::Display`] back.
    pub fn from_text(text: &str) -> Self {
        Self(text.trim().to_owned())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
