//! A download to a file: limited in size and time, retried, and resumable.

mod partial;
mod response;
mod throughput;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use domain::limits::{
    DOWNLOAD_IDLE_SECONDS, DOWNLOAD_TIMEOUT_SECONDS, MAX_DOWNLOAD_RETRY_AFTER_S, MAX_SOURCE_BYTES,
    MIN_BYTES_PER_SECOND,
};
use reqwest::{
    Response,
    header::{ACCEPT_ENCODING, HeaderValue},
};
use url::Url;

pub(crate) use self::response::parse_content_range;
use self::{partial::Partial, response::Body, throughput::Throughput};
use crate::{Client, Error, client::to_error};

/// An attempt that receives this many bytes counts as progress and resets the retries.
const PROGRESS_BYTES: u64 = 4 << 20;
/// Maximum `Retry-After` that is honoured.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(MAX_DOWNLOAD_RETRY_AFTER_S);

/// Limits of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Maximum size in bytes.
    pub max_bytes: u64,
    /// Timeout of the whole download, including retries.
    pub total: Duration,
    /// Idle timeout; also the time window over which throughput is measured.
    pub stall: Duration,
    /// Minimum of bytes in each time window.
    pub min_bytes_per_stall: u64,
    /// Maximum of consecutive retries without progress.
    pub retries: usize,
    /// Delay before the first retry; it doubles with each.
    pub first_retry: Duration,
}

impl Default for FetchLimits {
    /// The limits of a job's source, and 3 retries.
    fn default() -> Self {
        Self {
            max_bytes: MAX_SOURCE_BYTES,
            total: Duration::from_secs(DOWNLOAD_TIMEOUT_SECONDS),
            stall: Duration::from_secs(DOWNLOAD_IDLE_SECONDS),
            min_bytes_per_stall: DOWNLOAD_IDLE_SECONDS * MIN_BYTES_PER_SECOND,
            retries: 3,
            first_retry: Duration::from_millis(500),
        }
    }
}

/// The progress of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes received.
    pub received: u64,
    /// Size of the file, if the server announces it.
    pub total: Option<u64>,
}

/// The result of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// A media file, complete at its destination.
    Media(MediaFile),
    /// A web page or a streaming playlist, which is not downloaded.
    Page,
}

/// A downloaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFile {
    /// Path of the file.
    pub path: PathBuf,
    /// Size of the file.
    pub bytes: u64,
}

/// Downloads `url` to `destination`, which appears only when it is complete.
///
/// A partial file is stored beside it, so that a download can be resumed after the process was killed or the future dropped; an error
/// removes it.
///
/// # Errors
/// See [`Error`]; transient errors are retried first.
pub async fn fetch(
    client: &Client,
    url: &Url,
    destination: &Path,
    limits: &FetchLimits,
    mut on_progress: impl FnMut(Progress),
) -> Result<Fetched, Error> {
    let mut partial = Partial::open(destination, url).await?;
    let download = retry_until_complete(client, url, &mut partial, limits, &mut on_progress);
    let result = tokio::time::timeout(limits.total, download)
        .await
        .unwrap_or(Err(Error::TimedOut(limits.total)));
    match result {
        Ok(true) => Ok(Fetched::Media(partial.finish(destination).await?)),
        Ok(false) => partial.discard().await.map(|()| Fetched::Page),
        Err(why) => {
            // the first error is the one to report
            let _ = partial.discard().await;
            Err(why)
        }
    }
}

/// Returns `true` when `partial` is complete, `false` if the URL is a page.
async fn retry_until_complete(
    client: &Client,
    url: &Url,
    partial: &mut Partial,
    limits: &FetchLimits,
    on_progress: &mut impl FnMut(Progress),
) -> Result<bool, Error> {
    let backoff = ExponentialBuilder::new()
        .with_min_delay(limits.first_retry)
        .with_max_times(limits.retries);
    let mut delays = backoff.build();
    while !partial.is_complete() {
        let before = partial.received();
        match attempt(client, url, partial, limits, on_progress).await {
            Ok(is_media) => return Ok(is_media),
            Err(failed) => {
                if partial.received() >= before + PROGRESS_BYTES {
                    delays = backoff.build();
                }
                let delay = failed.delay(&mut delays)?;
                tracing::debug!(%url, received = partial.received(), ?delay, "retrying the download");
                tokio::time::sleep(delay).await;
            }
        }
    }
    Ok(true)
}

/// A failed attempt.
struct FailedAttempt {
    why: Error,
    /// Delay that the server asks for.
    retry_after: Option<Duration>,
}

impl FailedAttempt {
    /// Returns the delay before the next attempt, or the error if there is none.
    fn delay(self, delays: &mut impl Iterator<Item = Duration>) -> Result<Duration, Error> {
        let asked = self.retry_after.unwrap_or_default();
        if asked > MAX_RETRY_AFTER {
            return Err(Error::RetryAfter {
                seconds: asked.as_secs(),
            });
        }
        if !self.why.is_transient() && self.retry_after.is_none() {
            return Err(self.why);
        }
        delays.next().map(|delay| delay.max(asked)).ok_or(self.why)
    }
}

impl From<Error> for FailedAttempt {
    fn from(why: Error) -> Self {
        Self {
            why,
            retry_after: None,
        }
    }
}

async fn attempt(
    client: &Client,
    url: &Url,
    partial: &mut Partial,
    limits: &FetchLimits,
    on_progress: &mut impl FnMut(Progress),
) -> Result<bool, FailedAttempt> {
    let mut headers = partial.resume_headers();
    // a compressed body can neither be resumed nor measured
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let response = tokio::time::timeout(limits.stall, client.get(url, &headers))
        .await
        .unwrap_or_else(|_| Err(Error::no_response(url)))?;
    match response::classify(&response)? {
        Body::Page => return Ok(false),
        Body::Complete { total } => {
            let validator = response::validator(&response);
            partial.start_over(validator, total).await?;
        }
        Body::Remainder { from, total }
            if partial.continues_at(from, response::validator(&response).as_deref()) =>
        {
            partial.expect_total(total);
        }
        Body::Remainder { .. } | Body::InvalidRange => {
            partial.start_over(None, None).await?;
            return Err(Error::ConnectionLost { received: 0 }.into());
        }
    }
    receive(response, partial, limits, on_progress).await?;
    Ok(true)
}

async fn receive(
    mut response: Response,
    partial: &mut Partial,
    limits: &FetchLimits,
    on_progress: &mut impl FnMut(Progress),
) -> Result<(), Error> {
    let mut throughput = Throughput::new(limits);
    partial.check_size(limits.max_bytes)?;
    loop {
        let chunk = match throughput.wait_for(response.chunk()).await? {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(why) => {
                partial.flush().await?;
                tracing::debug!(reason = %to_error(&why), "connection lost");
                return Err(Error::ConnectionLost {
                    received: partial.received(),
                });
            }
        };
        throughput.record(chunk.len());
        partial.write(&chunk).await?;
        partial.check_size(limits.max_bytes)?;
        on_progress(partial.progress());
    }
    partial.flush().await?;
    if partial.is_incomplete() {
        return Err(Error::ConnectionLost {
            received: partial.received(),
        });
    }
    Ok(())
}
