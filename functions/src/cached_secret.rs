//! A secret with a cache: refreshed when it is too old, and served stale for a while when the store is unavailable.

use std::{fmt::Display, time::Duration};

use aws::{SecretStore, StoreError};
use domain::limits::STALE_SECRET_S;
use tokio::time::Instant;

/// How long after its reading a value may still be served.
const MAX_STALE: Duration = Duration::from_secs(STALE_SECRET_S);
/// How long the store is not asked again after a failure, so that requests do not wait for it.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// Why there is no usable value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError<E: Display> {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the secret cannot be used: {0}")]
    Invalid(E),
    #[error("the cached secret has expired and could not be read again")]
    TooOld,
}

/// The cached value with the time of its reading, and the time of the last failure.
#[derive(Debug)]
pub(crate) struct CachedSecret<T> {
    value: Option<(Instant, T)>,
    failed: Option<Instant>,
}

impl<T> CachedSecret<T> {
    /// An empty cache.
    pub(crate) const EMPTY: Self = Self {
        value: None,
        failed: None,
    };

    /// A cache with a value that was just read.
    pub(crate) fn fresh(value: T) -> Self {
        Self {
            value: Some((Instant::now(), value)),
            failed: None,
        }
    }

    /// The cached value, unless it is too stale to be served.
    pub(crate) fn value(&self) -> Option<&T> {
        let good = self.value.as_ref();
        good.filter(|(read, _)| read.elapsed() <= MAX_STALE)
            .map(|(_, value)| value)
    }

    /// Reads the secret again if the cached value is older than `max_age`.
    ///
    /// # Errors
    /// When the secret cannot be read or parsed and no cached value may be served.
    pub(crate) async fn refresh<E: Display>(
        &mut self,
        store: &SecretStore,
        name: &str,
        max_age: Duration,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<&T, SecretError<E>> {
        let is_fresh = |at: &Instant, max_age: Duration| at.elapsed() <= max_age;
        let is_current = self
            .value
            .as_ref()
            .is_some_and(|(at, _)| is_fresh(at, max_age));
        let failed = self.failed.is_some_and(|at| is_fresh(&at, RETRY_INTERVAL));
        let is_backing_off = failed && self.value().is_some();
        if !is_current && !is_backing_off {
            let text = store.read(name).await;
            let read = text
                .map_err(SecretError::Store)
                .and_then(|text| parse(&text).map_err(SecretError::Invalid));
            match read {
                Ok(value) => *self = Self::fresh(value),
                Err(why) => {
                    self.failed = Some(Instant::now());
                    if self.value().is_none() {
                        return Err(why);
                    }
                    tracing::warn!(%why, "the secret cannot be refreshed; using the cached value");
                }
            }
        }
        self.value().ok_or(SecretError::TooOld)
    }
}
