//! A queue of SQS.

use std::time::Duration;

use aws_sdk_sqs::Client;
use domain::{Fingerprint, Owner};
use serde::Serialize;

use crate::{Connection, StoreError, error::sorted};

/// The longest that SQS keeps a message back.
const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// A queue by its address.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// A queue by its address.
    pub fn new(connection: &Connection, url: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            url: url.into(),
        }
    }

    /// Sends a message of an owner's that is kept back for a while, at most 15 minutes. Messages of one owner are a group of this standard
    /// queue, which makes it a fair one: who has many of them under way waits for those who have few.
    ///
    /// # Errors
    /// When SQS does not answer or refuses.
    pub async fn send(
        &self,
        owner: &Owner,
        message: &impl Serialize,
        delay: Duration,
    ) -> Result<(), StoreError> {
        let body = serde_json::to_string(message).map_err(StoreError::unreadable)?;
        // rounded up, so that what is early is not sent round again at once
        let seconds = delay.min(LONGEST_DELAY).as_secs_f64().ceil() as i32;
        let send = self.client.send_message().queue_url(&self.url);
        // a group's name has 128 plain characters at most
        let group = Fingerprint::of_bytes(owner.as_str().as_bytes()).to_string();
        let send = send
            .message_body(body)
            .message_group_id(group)
            .delay_seconds(seconds);
        send.send().await.map_err(sorted).map(drop)
    }
}
