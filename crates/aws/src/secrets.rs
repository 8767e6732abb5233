//! Secrets Manager, read only.

use aws_sdk_secretsmanager::Client;

use crate::{Connection, StoreError, error::sorted};

/// Secrets by their names.
#[derive(Debug, Clone)]
pub struct SecretStore {
    client: Client,
}

impl SecretStore {
    /// The store of the account.
    pub fn new(connection: &Connection) -> Self {
        Self {
            client: Client::new(&connection.config),
        }
    }

    /// The text of a secret, as it is now.
    ///
    /// # Errors
    /// When it is not there, or the store does not answer or refuses.
    pub async fn read(&self, name: &str) -> Result<String, StoreError> {
        let secret = self
            .client
            .get_secret_value()
            .secret_id(name)
            .send()
            .await
            .map_err(sorted)?;
        secret
            .secret_string
            .ok_or_else(|| StoreError::Refused("the secret has no text".to_owned()))
    }
}
