//! Event signatures by [Standard Webhooks](https://www.standardwebhooks.com): HMAC-SHA256 over id, time and raw body.

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

/// A secret shared by sender and receiver, 24 to 64 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// The text is not a signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// The text after `whsec_` is not base64.
    #[error("a signing secret must be `whsec_` followed by base64")]
    Encoding,
    /// The secret is too short to be safe, or too long.
    #[error("a signing secret must have 24 to 64 bytes, got {0}")]
    Length(usize),
    /// No secret is configured.
    #[error("no signing secret is configured")]
    None,
}

impl Secret {
    /// Parses `whsec_<base64>`; the prefix is optional.
    ///
    /// # Errors
    /// When it is not base64, or has fewer than 24 or more than 64 bytes.
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

    /// Returns the `webhook-signature` header of a message.
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

/// The three headers of a signed message, as received.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignatureHeaders<'a> {
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub signature: Option<&'a str>,
}

/// Why a signature is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSignature {
    /// A header is missing.
    #[error("a signature header is missing")]
    Missing,
    /// The id or the time has an invalid form.
    #[error("a signature header is malformed")]
    Malformed,
    /// The time is too far in the past or the future.
    #[error("the time of the signature is too far from the current time")]
    Time,
    /// No signature matches this body and a configured secret.
    #[error("no signature matches")]
    Mismatch,
}

/// The secrets that are currently valid: at least one, several during a rotation.
#[derive(Debug, Clone)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// Creates the set.
    ///
    /// # Errors
    /// When `secrets` is empty.
    pub fn new(secrets: Vec<Secret>) -> Result<Self, InvalidSecret> {
        if secrets.is_empty() {
            return Err(InvalidSecret::None);
        }
        Ok(Self(secrets))
    }

    /// Returns the secret to sign with: the first.
    pub fn current(&self) -> &Secret {
        &self.0[0]
    }

    /// Verifies that a message was signed with one of the secrets, within five minutes of `now`.
    ///
    /// # Errors
    /// Returns the reason, which is for the log only: the sender must not see it.
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
        let tags = signatures
            .split(' ')
            .take(MAX_SIGNATURES)
            .filter_map(|signature| BASE64_STANDARD.decode(signature.strip_prefix(SCHEME)?).ok());
        for tag in tags {
            // constant-time comparison
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

/// Parses seconds in canonical decimal form. Senders may sign the number or the text; only this form is the same for both.
fn canonical_seconds(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
