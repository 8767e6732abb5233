//! The secrets that events are signed with, read anew when a signature does not fit, as they may just have been rotated, and
//! every few minutes, as one may have been taken back.

use std::{collections::BTreeMap, time::Duration};

use aws::{SecretStore, StoreError};
use domain::{BadSignature, InvalidSecret, Secret, Secrets, SignatureHeaders, Timestamp};
use tokio::sync::Mutex;

use crate::cached_secret::CachedSecret;

/// A stranger must not make us ask for the secret with every message.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(30);
/// A secret that was taken back is believed for no longer than this, if the store can be asked; else until it is too old.
const MAX_AGE: Duration = Duration::from_mins(5);
const PREFIX: &str = "whsec_";

/// Why there are no secrets to verify with.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The store does not hand them out.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it hands out protects nothing.
    #[error("the signing secret cannot be used")]
    Invalid(#[from] InvalidSecret),
}

/// Why a message is not taken for authentic.
#[derive(Debug, thiserror::Error)]
pub(super) enum VerifyError {
    /// It is not signed as it has to be.
    #[error(transparent)]
    Signature(#[from] BadSignature),
    /// Nothing is known to verify it with.
    #[error("the signing secret is not available: {0}")]
    NoSecret(String),
}

/// The secrets that are valid now.
#[derive(Debug)]
pub struct SigningSecrets(Origin);

#[derive(Debug)]
enum Origin {
    /// The setting itself holds the secret.
    Setting(Secrets),
    /// A secret of this name in the store.
    Stored {
        store: SecretStore,
        name: String,
        read: Mutex<CachedSecret<Secrets>>,
    },
}

impl SigningSecrets {
    /// The secrets of a setting: one secret by itself, or the name of one in the store.
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

    /// Whether a message is signed with one of them.
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
            Some(Err(BadSignature::Mismatch)) => MIN_REFRESH_INTERVAL,
            Some(Err(why)) => return Err(why.into()),
        };
        let secrets = read.refresh(store, name, hold, parse).await;
        let secrets = secrets.map_err(|why| VerifyError::NoSecret(why.to_string()))?;
        Ok(secrets.verify(headers, body, now)?)
    }
}

/// One secret as text, or several as a JSON object of names and secrets, as they are while they are rotated.
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
    fn one_or_several_secrets_are_read_and_weak_ones_refused() {
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
