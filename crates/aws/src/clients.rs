//! What is sent to open connections, over API Gateway's management of them.

use std::time::Duration;

use aws_sdk_apigatewaymanagement::{
    Client,
    config::{Builder, retry::RetryConfig, timeout::TimeoutConfig},
    operation::{
        delete_connection::DeleteConnectionError, post_to_connection::PostToConnectionError,
    },
    primitives::Blob,
};

use crate::{Connection, StoreError, error::sorted};

/// How long a message may take, so that a connection which does not move holds nobody up.
const LONGEST: Duration = Duration::from_secs(2);

/// The clients of a WebSocket API.
#[derive(Debug, Clone)]
pub struct Clients {
    client: Client,
}

impl Clients {
    /// Those of the API at an address, which is that of its stage, with `wss` or `ws`.
    pub fn new(connection: &Connection, address: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_timeout(LONGEST)
            .build();
        let config = Builder::from(&connection.config)
            .endpoint_url(address.replacen("ws", "http", 1))
            .timeout_config(timeouts)
            // the pause before a second try is a second at most: it fits in
            .retry_config(RetryConfig::standard().with_max_attempts(2))
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }

    /// Sends a message, at most 128 KB of text; `false` if the connection is gone.
    ///
    /// # Errors
    /// When it is not taken in time or refused.
    pub async fn tell(&self, connection_id: &str, message: &str) -> Result<bool, StoreError> {
        let post = self.client.post_to_connection();
        let post = post
            .connection_id(connection_id)
            .data(Blob::new(message.as_bytes()));
        match post.send().await {
            Ok(_) => Ok(true),
            Err(why) => match why.as_service_error() {
                Some(PostToConnectionError::GoneException(_)) => Ok(false),
                _ => Err(sorted(why)),
            },
        }
    }

    /// Cuts a connection; one that is gone is as good.
    ///
    /// # Errors
    /// When API Gateway does not answer or refuses.
    pub async fn cut(&self, connection_id: &str) -> Result<(), StoreError> {
        let delete = self.client.delete_connection().connection_id(connection_id);
        match delete.send().await {
            Ok(_) => Ok(()),
            Err(why) => match why.as_service_error() {
                Some(DeleteConnectionError::GoneException(_)) => Ok(()),
                _ => Err(sorted(why)),
            },
        }
    }
}
