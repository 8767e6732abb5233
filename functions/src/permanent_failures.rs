//! Failures that no retry can resolve: the event goes to the dead-letter queue with the reason.

use std::panic::AssertUnwindSafe;

use aws::{DeadLetterQueue, StoreError};
use futures_util::FutureExt;
use serde::Serialize;

use crate::observe::count;

/// Tells permanent failures from temporary ones, for a function whose messages or records are retried until they succeed.
#[derive(Debug)]
pub struct PermanentFailures {
    function: &'static str,
    queue: DeadLetterQueue,
}

impl PermanentFailures {
    /// Those of a function, by its name.
    pub fn new(function: &'static str, queue: DeadLetterQueue) -> Self {
        Self { function, queue }
    }

    /// Processes an event. Returns `false` if it is to be retried; `true` if it succeeded or failed permanently and is in the dead-letter queue.
    /// A failure or
    /// panic is logged and does not affect other events.
    pub(crate) async fn process(
        &self,
        event: &impl Serialize,
        processing: impl Future<Output = Result<(), StoreError>>,
    ) -> bool {
        match AssertUnwindSafe(processing).catch_unwind().await {
            Ok(Ok(())) => true,
            Ok(Err(why)) if why.is_permanent() => self.dead_letter(event, &why).await.is_ok(),
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

    /// Sends an event to the dead-letter queue.
    ///
    /// # Errors
    /// When the queue does not accept it: the event is to be retried.
    pub(crate) async fn dead_letter(
        &self,
        event: &impl Serialize,
        why: &impl std::fmt::Display,
    ) -> Result<(), StoreError> {
        tracing::error!(%why, "processing failed permanently; moving it to the dead-letter queue");
        count(self.function, "Refused");
        let why = why.to_string();
        let sent = self.queue.send(self.function, event, &why);
        sent.await
            .inspect_err(|why| tracing::error!(%why, "moving to the dead-letter queue failed; it will be retried"))
    }
}
