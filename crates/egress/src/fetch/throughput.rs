//! How fast the bytes come.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::FetchLimits;
use crate::Error;

/// Counts bytes in windows of time, each of which must bring its share.
pub(super) struct Pace {
    window: Duration,
    min_bytes: u64,
    ends: Instant,
    received: u64,
}

impl Pace {
    pub(super) fn new(limits: &FetchLimits) -> Self {
        Self {
            window: limits.stall,
            min_bytes: limits.min_bytes_per_stall.max(1),
            ends: Instant::now() + limits.stall,
            received: 0,
        }
    }

    pub(super) fn record(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    /// Waits for the next bytes; through the end of a window only if it brought its share.
    pub(super) async fn wait_for<T>(&mut self, next: impl Future<Output = T>) -> Result<T, Error> {
        let mut next = std::pin::pin!(next);
        loop {
            if let Ok(ready) = timeout_at(self.ends, next.as_mut()).await {
                return Ok(ready);
            }
            if self.received < self.min_bytes {
                return Err(Error::Stalled {
                    min_bytes: self.min_bytes,
                    window: self.window,
                });
            }
            self.received = 0;
            self.ends = Instant::now() + self.window;
        }
    }
}
