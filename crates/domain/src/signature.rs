//! Signatures of events as [Standard Webhooks](https://www.standardwebhooks.com) has them: HMAC-SHA256 over id, time and raw body.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{
    Timestamp,
    ids::is_valid_id,
    limits::{MAX_SIGNATURES, SIGNATURE_TOLERANCE_S},
};

const SECRET_PREFIX: &str = "whsec_";
const SCHEME: &str = "v1,";

/// A secret that sender and receiver share, 24 to 64 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// The text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// What follows `whsec_` is not base64.
    #[error("a signing secret is `whsec_` and base64")]
    Encoding,
    /// It has too few bytes to be safe, or too many.
    #[error("a signing secret has 24 to 64 bytes, got {0}")]
    Length(usize),
    /// There is none at all.
    #[error("there is no signing secret")]
    None,
}

impl Secret {
    /// Reads `whsec_<base64>`; the prefix may be missing.
    ///
    /// # Errors
    /// When it is not base64, or of fewer than 24 or more than 64 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let text = text.trim();
        let bytes = BASE64_STANDARD
            .decode(text.strip_prefix(SECRET_PREFIX).unwrap_or(text))
            .map_err(|_| InvalidSecret::Encoding)?;
        match bytes.len() {
            24..=64 => Ok(Self(bytes)),
            length => Err(InvalidSecret::Length(length)),
        }
    }

    /// The value of `webhook-signature` for a message.
    pub fn sign(&self, id: &str, time: Timestamp, body: &[u8]) -> String {
        let tag = self
            .mac(id, &time.as_seconds().to_string(), body)
            .finalize();
        format!("{SCHEME}{}", BASE64_STANDARD.encode(tag.into_bytes()))
    }

    fn mac(&self, id: &str, time: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The three headers of a signed message, as they came.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignatureHeaders<'a> {
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub signature: Option<&'a str>,
}

/// Why a message is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSignature {
    /// A header is not there.
    #[error("a signature header is missing")]
    Missing,
    /// Id or time are not written as they have to be.
    #[error("a signature header is malformed")]
    Malformed,
    /// It was signed too long ago, or in the future.
    #[error("the signature is too old or too new")]
    Time,
    /// No signature was made with a secret of ours over this very body.
    #[error("no signature fits")]
    Mismatch,
}

/// The secrets that are valid now: one, or several while they are rotated. Never none.
#[derive(Debug, Clone)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// Takes the secrets over.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(secrets: Vec<Secret>) -> Result<Self, InvalidSecret> {
        if secrets.is_empty() {
            return Err(InvalidSecret::None);
        }
        Ok(Self(secrets))
    }

    /// The one to sign with: the first.
    pub fn current(&self) -> &Secret {
        &self.0[0]
    }

    /// Whether a message comes from one who has a secret of ours, sent within five minutes of `now`.
    ///
    /// # Errors
    /// When it does not; the reason is for the log, a stranger is told nothing.
    pub fn verify(
        &self,
        headers: SignatureHeaders<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), InvalidSignature> {
        let (Some(id), Some(time), Some(signatures)) =
            (headers.id, headers.timestamp, headers.signature)
        else {
            return Err(InvalidSignature::Missing);
        };
        if !is_valid_id(id) {
            return Err(InvalidSignature::Malformed);
        }
        let seconds = canonical_seconds(time).ok_or(InvalidSignature::Malformed)?;
        if now.as_seconds().abs_diff(seconds) > SIGNATURE_TOLERANCE_S {
            return Err(InvalidSignature::Time);
        }
        let known = signatures
            .split(' ')
            .take(MAX_SIGNATURES)
            .filter_map(|signature| BASE64_STANDARD.decode(signature.strip_prefix(SCHEME)?).ok());
        for tag in known {
            // the comparison takes as long for a near miss as for a far one
            if self
                .0
                .iter()
                .any(|secret| secret.mac(id, time, body).verify_slice(&tag).is_ok())
            {
                return Ok(());
            }
        }
        Err(InvalidSignature::Mismatch)
    }
}

/// Seconds written as digits alone, as a sender that signs the number and one that signs the text both write them.
fn canonical_seconds(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
