//! Messages to open WebSocket connections, through API Gateway's management API.

use std::time::Duration;

use aws_sdk_apigatewaymanagement::{
    Client,
    config::{Builder, retry::RetryConfig, timeout::TimeoutConfig},
    operation::{
        delete_connection::DeleteConnectionError, post_to_connection::PostToConnectionError,
    },
    primitives::Blob,
};

use crate::{Connection, StoreError, error::classify};

/// Timeout of a message, so that a stalled connection does not delay others.
const SEND_TIMEOUT: Duration = Duration::from_secs(2);

/// The client connections of a WebSocket API.
#[derive(Debug, Clone)]
pub struct ClientConnections {
    client: Client,
}

impl ClientConnections {
    /// Opens the API whose stage has this `wss` or `ws` URL.
    pub fn new(connection: &Connection, address: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_timeout(SEND_TIMEOUT)
            .build();
        let config = Builder::from(&connection.config)
            .endpoint_url(address.replacen("ws", "http", 1))
            .timeout_config(timeouts)
            // the delay before the second attempt is at most a second and fits in the timeout
            .retry_config(RetryConfig::standard().with_max_attempts(2))
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }

    /// Sends a text message of at most 128 KB; `false` if the connection is closed.
    ///
    /// # Errors
    /// When API Gateway does not accept it in time, or rejects it.
    pub async fn send(&self, connection_id: &str, message: &str) -> Result<bool, StoreError> {
        let post = self.client.post_to_connection();
        let post = post
            .connection_id(connection_id)
            .data(Blob::new(message.as_bytes()));
        match post.send().await {
            Ok(_) => Ok(true),
            Err(why) => match why.as_service_error() {
                Some(PostToConnectionError::GoneException(_)) => Ok(false),
                _ => Err(classify(why)),
            },
        }
    }

    /// Closes a connection; a closed one counts as success.
    ///
    /// # Errors
    /// When API Gateway cannot be reached or rejects the call.
    pub async fn disconnect(&self, connection_id: &str) -> Result<(), StoreError> {
        let delete = self.client.delete_connection().connection_id(connection_id);
        match delete.send().await {
            Ok(_) => Ok(()),
            Err(why) => match why.as_service_error() {
                Some(DeleteConnectionError::GoneException(_)) => Ok(()),
                _ => Err(classify(why)),
            },
        }
    }
}
