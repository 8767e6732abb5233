//! A cache key over the inputs of an output.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 over all inputs of an output, truncated to 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Computes the fingerprint of any serialisable value, such as a tuple of options and fingerprints.
    ///
    /// # Panics
    /// When `parts` contains a map whose keys are not strings; no type in this workspace does.
    pub fn of(parts: &impl Serialize) -> Self {
        Self::of_bytes(&serde_json::to_vec(parts).expect("plain data can be written as JSON"))
    }

    /// Computes the fingerprint of raw bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(hex::encode(&Sha256::digest(bytes)[..16]))
    }

    /// Reads a fingerprint written by [`fmt::Display`].
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
