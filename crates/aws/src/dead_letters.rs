//! The dead-letter queue for permanent failures; a message in it raises an alarm.

use aws_sdk_sqs::Client;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Connection, StoreError, error::classify};

/// Largest event that a message contains in full; SQS allows 256 KiB in total.
const MAX_EVENT_BYTES: usize = 200 * 1024;

/// The dead-letter queue for events that failed permanently.
#[derive(Debug, Clone)]
pub struct DeadLetterQueue {
    client: Client,
    url: String,
}

impl DeadLetterQueue {
    /// Opens the queue by its URL.
    pub fn new(connection: &Connection, url: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            url: url.into(),
        }
    }

    /// Sends an event that a function failed to process, with the reason. An event that is too long is truncated to its start, as text.
    ///
    /// # Errors
    /// When SQS cannot be reached or rejects the call.
    pub async fn send(
        &self,
        function: &str,
        event: &impl Serialize,
        why: &str,
    ) -> Result<(), StoreError> {
        let event = serde_json::to_value(event).map_err(StoreError::unreadable)?;
        let letter =
            json!({"refused": {"function": function, "event": truncated(event), "why": why}});
        let send = self.client.send_message().queue_url(&self.url);
        let send = send.message_body(letter.to_string()).send().await;
        send.map_err(classify).map(drop)
    }
}

fn truncated(event: Value) -> Value {
    let text = event.to_string();
    if text.len() <= MAX_EVENT_BYTES {
        return event;
    }
    // as a JSON string each of its characters may take two
    text[..text.floor_char_boundary(MAX_EVENT_BYTES / 4)].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_any_length_fits_into_a_message() {
        let short = json!({"a": "b"});
        assert_eq!(truncated(short.clone()), short);
        for long in ["\"", "é", "\u{1}"] {
            let sent = truncated(json!({"text": long.repeat(1 << 20)}));
            assert!(sent.is_string());
            assert!(sent.to_string().len() < 250 * 1024, "{long}");
        }
    }
}
