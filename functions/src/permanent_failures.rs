//! What can never be dealt with, however often it comes: it is sent for a person, with the reason, and not tried again.

use std::panic::AssertUnwindSafe;

use aws::{DeadLetters, StoreError};
use futures_util::FutureExt;
use serde::Serialize;

use crate::observe::count;

/// Tells failures that pass from those that do not, for a function to which messages or records come again until it has dealt with them.
#[derive(Debug)]
pub struct PermanentFailures {
    function: &'static str,
    queue: DeadLetters,
}

impl PermanentFailures {
    /// Those of a function, by its name.
    pub fn new(function: &'static str, queue: DeadLetters) -> Self {
        Self { function, queue }
    }

    /// Whether something need not come again: it was dealt with, or never will be and is sent for a person. A failure or a panic is said in
    /// the log, and keeps nobody from the others.
    pub(crate) async fn process(
        &self,
        event: &impl Serialize,
        processing: impl Future<Output = Result<(), StoreError>>,
    ) -> bool {
        match AssertUnwindSafe(processing).catch_unwind().await {
            Ok(Ok(())) => true,
            Ok(Err(why)) if why.is_final() => self.dead_letter(event, &why).await.is_ok(),
            Ok(Err(why)) => {
                tracing::warn!(%why, "processing failed; it will be retried");
                false
            }
            Err(_) => {
                tracing::error!("processing panicked; it will be retried");
                false
            }
        }
    }

    /// Keeps an event for a person.
    ///
    /// # Errors
    /// When the queue does not answer or refuses: the event is to come again.
    pub(crate) async fn dead_letter(
        &self,
        event: &impl Serialize,
        why: &impl std::fmt::Display,
    ) -> Result<(), StoreError> {
        tracing::error!(%why, "processing failed permanently; moving it to the dead-letter queue");
        count(self.function, "Refused");
        let why = why.to_string();
        let sent = self.queue.keep(self.function, event, &why);
        sent.await
            .inspect_err(|why| tracing::error!(%why, "moving to the dead-letter queue failed; it will be retried"))
    }
}
