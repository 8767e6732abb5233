//! The secrets that events are signed with, read anew when a signature does not fit, as they may just have been rotated, and
//! every few minutes, as one may have been taken back.

use std::{collections::BTreeMap, time::Duration};

use aws::{SecretStore, StoreError};
use domain::{BadSignature, InvalidSecret, Secret, Secrets, SignatureHeaders, Timestamp};
use tokio::{sync::Mutex, time::Instant};

/// A stranger must not make us ask for the secret with every message.
const ASK_EVERY: Duration = Duration::from_secs(30);
/// A secret that was taken back is believed for no longer than this, if the store can be asked.
const BELIEVED: Duration = Duration::from_mins(5);
const PREFIX: &str = "whsec_";

/// Why there are no secrets to verify with.
#[derive(Debug, thiserror::Error)]
pub enum NoSecrets {
    /// The store does not hand them out.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it hands out protects nothing.
    #[error("the signing secret cannot be used: {0}")]
    Invalid(#[from] InvalidSecret),
}

/// The secrets that are valid now.
#[derive(Debug)]
pub struct SigningSecrets {
    /// Where they come from; none where the setting itself holds the secret.
    kept: Option<(SecretStore, String)>,
    read: Mutex<(Instant, Secrets)>,
}

impl SigningSecrets {
    /// The secrets of a setting: one secret by itself, or the name of one in the store.
    ///
    /// # Errors
    /// When the store does not answer, or a secret is too short to protect anything.
    pub async fn read(store: SecretStore, setting: String) -> Result<Self, NoSecrets> {
        let kept = (!setting.starts_with(PREFIX)).then_some((store, setting.clone()));
        let secrets = match &kept {
            Some((store, name)) => parse(&store.read(name).await?)?,
            None => parse(&setting)?,
        };
        Ok(Self {
            kept,
            read: Mutex::new((Instant::now(), secrets)),
        })
    }

    /// Whether a message is signed with one of them.
    pub(super) async fn verify(
        &self,
        headers: SignatureHeaders<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), BadSignature> {
        let mut read = self.read.lock().await;
        let verified = read.1.verify(headers, body, now);
        let due = match verified {
            Ok(()) => BELIEVED,
            Err(BadSignature::Mismatch) => ASK_EVERY,
            Err(_) => return verified,
        };
        let Some((store, name)) = self.kept.as_ref().filter(|_| read.0.elapsed() >= due) else {
            return verified;
        };
        read.0 = Instant::now();
        match store.read(name).await.map(|text| parse(&text)) {
            Ok(Ok(secrets)) => read.1 = secrets,
            why => tracing::warn!(?why, "the signing secret cannot be read again"),
        }
        read.1.verify(headers, body, now)
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
