//! Read access to Secrets Manager.

use aws_sdk_secretsmanager::Client;

use crate::{Connection, StoreError, error::classify};

/// The secrets of the account.
#[derive(Debug, Clone)]
pub struct SecretStore {
    client: Client,
}

impl SecretStore {
    /// Opens the secret store of the account.
    pub fn new(connection: &Connection) -> Self {
        Self {
            client: Client::new(&connection.config),
        }
    }

    /// Reads the current value of a secret.
    ///
    /// # Errors
    /// When it does not exist, or Secrets Manager cannot be reached or rejects the call.
    pub async fn read(&self, name: &str) -> Result<String, StoreError> {
        let secret = self
            .client
            .get_secret_value()
            .secret_id(name)
            .send()
            .await
            .map_err(classify)?;
        secret
            .secret_string
            .ok_or_else(|| StoreError::Rejected("the secret has no string value".to_owned()))
    }
}
