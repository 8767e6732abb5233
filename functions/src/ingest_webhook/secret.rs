//! The secrets that events are signed with. They are read again when a signature does not match, because they may just have been rotated, and
//! every few
//! minutes, because one may have been revoked.

use std::{collections::BTreeMap, time::Duration};

use aws::{SecretStore, StoreError};
use domain::{InvalidSecret, InvalidSignature, Secret, Secrets, SignatureHeaders, Timestamp};
use tokio::sync::Mutex;

use crate::cached_secret::CachedSecret;

/// Senders of invalid signatures must not make us read the secret with every message.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(30);
/// How long a revoked secret may still be accepted while the store answers.
const MAX_AGE: Duration = Duration::from_mins(5);
const PREFIX: &str = "whsec_";

/// Why there are no secrets to verify with.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The store does not return them.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// They are too weak or malformed.
    #[error("the signing secret cannot be used")]
    Invalid(#[from] InvalidSecret),
}

/// Why a message is rejected.
#[derive(Debug, thiserror::Error)]
pub(super) enum VerifyError {
    /// Its signature is missing or invalid.
    #[error(transparent)]
    Signature(#[from] InvalidSignature),
    /// There is no secret to verify it with.
    #[error("the signing secret is not available: {0}")]
    NoSecret(String),
}

/// The secrets that are currently valid.
#[derive(Debug)]
pub struct SigningSecrets(Origin);

#[derive(Debug)]
enum Origin {
    /// A secret given in the setting itself.
    Setting(Secrets),
    /// A secret of this name in the store.
    Stored {
        store: SecretStore,
        name: String,
        read: Mutex<CachedSecret<Secrets>>,
    },
}

impl SigningSecrets {
    /// Reads the secrets that a setting names, or takes the secret that it holds.
    ///
    /// # Errors
    /// When the store does not answer, or a secret is too short to protect anything.
    pub async fn read(store: SecretStore, setting: String) -> Result<Self, SecretsError> {
        if setting.starts_with(PREFIX) {
            return Ok(Self(Origin::Setting(parse(&setting)?)));
        }
        let secrets = parse(&store.read(&setting).await?)?;
        Ok(Self(Origin::Stored {
            store,
            name: setting,
            read: Mutex::new(CachedSecret::fresh(secrets)),
        }))
    }

    /// Verifies that a message is signed with one of them.
    pub(super) async fn verify(
        &self,
        headers: SignatureHeaders<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), VerifyError> {
        let (store, name, read) = match &self.0 {
            Origin::Setting(secrets) => return Ok(secrets.verify(headers, body, now)?),
            Origin::Stored { store, name, read } => (store, name, read),
        };
        let mut read = read.lock().await;
        let hold = match read.value().map(|known| known.verify(headers, body, now)) {
            Some(Ok(())) | None => MAX_AGE,
            Some(Err(InvalidSignature::Mismatch)) => MIN_REFRESH_INTERVAL,
            Some(Err(why)) => return Err(why.into()),
        };
        let secrets = read.refresh(store, name, hold, parse).await;
        let secrets = secrets.map_err(|why| VerifyError::NoSecret(why.to_string()))?;
        Ok(secrets.verify(headers, body, now)?)
    }
}

/// Parses one secret as text, or several as a JSON object of names and secrets, as it is during a rotation.
fn parse(text: &str) -> Result<Secrets, InvalidSecret> {
    let several: Option<BTreeMap<String, String>> = serde_json::from_str(text).ok();
    let several = several.map_or_else(
        || vec![text.to_owned()],
        |named| named.into_values().collect(),
    );
    Secrets::new(
        several
            .iter()
            .map(|text| Secret::parse(text))
            .collect::<Result<_, _>>()?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_several_secrets_are_parsed_and_weak_ones_rejected() {
        let good = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH";
        assert!(parse(&format!("whsec_{good}")).is_ok());
        assert!(parse(&format!(r#"{{"current": "{good}", "previous": "{good}"}}"#)).is_ok());
        for weak in [
            "",
            "{}",
            "whsec_",
            "whsec_c2hvcnQ=",
            r#"{"current": ""}"#,
            "not base64!",
        ] {
            assert!(parse(weak).is_err(), "{weak}");
        }
        assert!(
            parse(&format!(
                r#"{{"current": "{good}", "previous": "c2hvcnQ="}}"#
            ))
            .is_err()
        );
    }
}
