//! The queue of what no repetition will ever do: it calls a person.

use aws_sdk_sqs::Client;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Connection, StoreError, error::sorted};

/// Bytes of an event that a letter carries whole; SQS takes 256 KiB in all.
const MOST_EVENT_BYTES: usize = 200 * 1024;

/// Where what was refused for good is put, with the reason.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    client: Client,
    url: String,
}

impl DeadLetters {
    /// The queue at an address.
    pub fn new(connection: &Connection, url: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            url: url.into(),
        }
    }

    /// Keeps what a function could not deal with, and why. Of what is too long for a message only its beginning is kept, as text.
    ///
    /// # Errors
    /// When SQS does not answer or refuses.
    pub async fn keep(
        &self,
        function: &str,
        event: &impl Serialize,
        why: &str,
    ) -> Result<(), StoreError> {
        let event = serde_json::to_value(event).map_err(StoreError::unreadable)?;
        let letter =
            json!({"refused": {"function": function, "event": shortened(event), "why": why}});
        let send = self.client.send_message().queue_url(&self.url);
        let send = send.message_body(letter.to_string()).send().await;
        send.map_err(sorted).map(drop)
    }
}

fn shortened(event: Value) -> Value {
    let text = event.to_string();
    if text.len() <= MOST_EVENT_BYTES {
        return event;
    }
    // quoted once more, each of its characters may be twice as long
    text[..text.floor_char_boundary(MOST_EVENT_BYTES / 4)].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_any_length_fits_into_a_message() {
        let short = json!({"a": "b"});
        assert_eq!(shortened(short.clone()), short);
        for long in ["\"", "é", "\u{1}"] {
            let kept = shortened(json!({"text": long.repeat(1 << 20)}));
            assert!(kept.is_string());
            assert!(kept.to_string().len() < 250 * 1024, "{long}");
        }
    }
}
