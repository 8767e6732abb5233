//! A download to a file: limited in bytes and time, retried, and gone on with where it broke off.

mod answer;
mod pace;
mod partial;

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

pub(crate) use self::answer::parse_content_range;
use self::{answer::Answer, pace::Pace, partial::Partial};
use crate::{Client, Error, client::readable};

/// An attempt that brought this many bytes before it broke is progress: the count of retries begins anew.
const PROGRESS_BYTES: u64 = 4 << 20;
/// A server that wants to be left alone for longer than this is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(MAX_DOWNLOAD_RETRY_AFTER_S);

/// What a download may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Largest size in bytes.
    pub max_bytes: u64,
    /// Longest time for all of it, retries included.
    pub total: Duration,
    /// How long a server may be silent; also the window over which its speed is measured.
    pub stall: Duration,
    /// Fewest bytes in each such window.
    pub min_bytes_per_stall: u64,
    /// How often it is tried again without progress in between.
    pub retries: usize,
    /// The first wait before a retry; it doubles with each.
    pub first_retry: Duration,
}

impl Default for FetchLimits {
    /// The limits of a source of the product, and 3 retries.
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

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are there.
    pub received: u64,
    /// Bytes of the whole, where the server tells.
    pub total: Option<u64>,
}

/// What was found at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// A file, now in its place.
    Media(MediaFile),
    /// A web page or a streaming playlist, left where it is: something for a program that knows sites.
    Page,
}

/// A file that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// Downloads `url` to `destination`, which appears only when it is whole.
///
/// Until then the bytes lie beside it, with what is needed to go on after the process was killed or the future
/// dropped; an error leaves nothing behind.
///
/// # Errors
/// See [`Error`]; what may pass is tried again before.
pub async fn fetch(
    client: &Client,
    url: &Url,
    destination: &Path,
    limits: &FetchLimits,
    mut on_progress: impl FnMut(Progress),
) -> Result<Fetched, Error> {
    let mut partial = Partial::open(destination, url).await?;
    let tries = try_until_done(client, url, &mut partial, limits, &mut on_progress);
    let result = tokio::time::timeout(limits.total, tries)
        .await
        .unwrap_or(Err(Error::TimedOut(limits.total)));
    match result {
        Ok(true) => Ok(Fetched::Media(partial.finish(destination).await?)),
        Ok(false) => partial.discard().await.map(|()| Fetched::Page),
        Err(why) => {
            // the reason that is worth telling is the first one
            let _ = partial.discard().await;
            Err(why)
        }
    }
}

/// Whether `partial` is whole (or, `false`, the address is a page).
async fn try_until_done(
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
    while !partial.is_whole() {
        let before = partial.received();
        match attempt(client, url, partial, limits, on_progress).await {
            Ok(is_media) => return Ok(is_media),
            Err(setback) => {
                if partial.received() >= before + PROGRESS_BYTES {
                    delays = backoff.build();
                }
                let delay = setback.delay(&mut delays)?;
                tracing::debug!(%url, received = partial.received(), ?delay, "download goes on");
                tokio::time::sleep(delay).await;
            }
        }
    }
    Ok(true)
}

/// An attempt that failed.
struct Setback {
    why: Error,
    /// How long the server wants to be left alone.
    retry_after: Option<Duration>,
}

impl Setback {
    /// How long to wait before the next attempt; the reason of this one if there is to be none.
    fn delay(self, delays: &mut impl Iterator<Item = Duration>) -> Result<Duration, Error> {
        let asked = self.retry_after.unwrap_or_default();
        if asked > LONGEST_WAIT {
            return Err(Error::LeftAlone {
                seconds: asked.as_secs(),
            });
        }
        if !self.why.is_transient() && self.retry_after.is_none() {
            return Err(self.why);
        }
        delays.next().map(|delay| delay.max(asked)).ok_or(self.why)
    }
}

impl From<Error> for Setback {
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
) -> Result<bool, Setback> {
    let mut headers = partial.resume_headers();
    // a compressed body could neither be resumed nor measured
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let response = tokio::time::timeout(limits.stall, client.get(url, &headers))
        .await
        .unwrap_or_else(|_| Err(Error::silent(url)))?;
    match answer::classify(&response)? {
        Answer::Page => return Ok(false),
        Answer::Whole { total } => {
            let validator = answer::validator(&response);
            partial.start_over(validator, total).await?;
        }
        Answer::Rest { from, total }
            if partial.continues_at(from, answer::validator(&response).as_deref()) =>
        {
            partial.expect_total(total);
        }
        Answer::Rest { .. } | Answer::NoSuchRange => {
            partial.start_over(None, None).await?;
            return Err(Error::BrokenOff { received: 0 }.into());
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
    let mut pace = Pace::new(limits);
    partial.check_size(limits.max_bytes)?;
    loop {
        let chunk = match pace.wait_for(response.chunk()).await? {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(why) => {
                partial.flush().await?;
                tracing::debug!(reason = %readable(&why), "connection broke off");
                return Err(Error::BrokenOff {
                    received: partial.received(),
                });
            }
        };
        pace.record(chunk.len());
        partial.write(&chunk).await?;
        partial.check_size(limits.max_bytes)?;
        on_progress(partial.progress());
    }
    partial.flush().await?;
    if partial.is_short() {
        return Err(Error::BrokenOff {
            received: partial.received(),
        });
    }
    Ok(())
}
