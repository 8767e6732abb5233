//! The minimum throughput of a download.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::FetchLimits;
use crate::Error;

/// Counts bytes in time windows, each of which must reach a minimum.
pub(super) struct Throughput {
    window: Duration,
    min_bytes: u64,
    ends: Instant,
    received: u64,
}

impl Throughput {
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

    /// Waits for the next bytes; fails at the end of a window that has not reached the minimum.
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
