//! An SQS queue.

use std::time::Duration;

use aws_sdk_sqs::Client;
use domain::{Fingerprint, Owner};
use serde::Serialize;

use crate::{Connection, StoreError, error::classify};

/// Maximum message delay of SQS.
const MAX_DELAY: Duration = Duration::from_mins(15);

/// An SQS queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// Opens a queue by its URL.
    pub fn new(connection: &Connection, url: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            url: url.into(),
        }
    }

    /// Sends an owner's message with a delay of at most 15 minutes. Each owner's messages form a message group, which makes this standard
    /// queue a fair queue: owners with many messages in flight wait for owners with few.
    ///
    /// # Errors
    /// When SQS cannot be reached or rejects the call.
    pub async fn send(
        &self,
        owner: &Owner,
        message: &impl Serialize,
        delay: Duration,
    ) -> Result<(), StoreError> {
        let body = serde_json::to_string(message).map_err(StoreError::unreadable)?;
        // rounded up, so that a message that arrives early is not sent back at once
        let seconds = delay.min(MAX_DELAY).as_secs_f64().ceil() as i32;
        let send = self.client.send_message().queue_url(&self.url);
        // the name of a group is limited to 128 characters of a restricted set
        let group = Fingerprint::of_bytes(owner.as_str().as_bytes()).to_string();
        let send = send
            .message_body(body)
            .message_group_id(group)
            .delay_seconds(seconds);
        send.send().await.map_err(classify).map(drop)
    }
}
