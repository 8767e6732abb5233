//! From what a user names as the source to a video file on this machine: a path, an address of a file, or a site's page.

mod captions;
mod direct;
mod info;
mod process;
mod refusal;
mod site;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

#[cfg(test)]
use domain::limits;
use domain::{ErrorCode, Failure, Fingerprint, Stage, Transcript};
use egress::{Client, Guard};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use url::Url;

const STAGE: Stage = Stage::Download;
/// How long a server may take to be found and connected to.
const CONNECT: Duration = Duration::from_secs(10);
/// Sites whose pages are handed to `yt-dlp` without a look at them first, as many turn away unknown programs.
const SITES: [&str; 13] = [
    "youtube.com",
    "youtu.be",
    "youtube-nocookie.com",
    "vimeo.com",
    "twitch.tv",
    "tiktok.com",
    "x.com",
    "twitter.com",
    "facebook.com",
    "instagram.com",
    "linkedin.com",
    "dailymotion.com",
    "ted.com",
];

/// A source to bring here.
#[derive(Debug, Clone)]
pub(crate) struct Download<'a> {
    /// A path, an `http(s)://` address of a video file, or one of a page that shows a video.
    pub(crate) source: &'a str,
    /// Where downloads are kept, so that a killed run goes on and a finished one is not repeated.
    pub(crate) folder: &'a Path,
    /// BCP 47 tag of the language spoken, if the user knows it: chooses among a site's captions.
    pub(crate) language: Option<&'a str>,
    /// A file of cookies in Netscape's format, for sites that ask for an account.
    pub(crate) cookies: Option<&'a Path>,
    /// Whether private addresses may be reached.
    pub(crate) allow_private_networks: bool,
    /// The folder with `yt-dlp`, `deno` and `ffmpeg`.
    pub(crate) programs: &'a Path,
    /// What it may cost.
    pub(crate) limits: DownloadLimits,
}

/// What a download may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DownloadLimits {
    /// Largest size in bytes.
    pub(crate) max_bytes: u64,
    /// Longest running time of the video, as far as a site tells it before.
    pub(crate) max_duration: Duration,
    /// Longest time for the whole download.
    pub(crate) time: Duration,
    /// How long a server may send nothing.
    pub(crate) stall: Duration,
}

#[cfg(test)]
impl Default for DownloadLimits {
    /// 10 GiB, 4 h of video, within an hour, silent for 30 s at most.
    fn default() -> Self {
        Self {
            max_bytes: limits::MAX_SOURCE_BYTES,
            max_duration: Duration::from_secs(limits::MAX_SOURCE_SECONDS),
            time: Duration::from_secs(limits::DOWNLOAD_TIMEOUT_SECONDS),
            stall: Duration::from_secs(limits::DOWNLOAD_IDLE_SECONDS),
        }
    }
}

/// A source that is here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Downloaded {
    /// The video; the user's own file if a path was given.
    pub(crate) video: PathBuf,
    /// What the site or the address calls it; none for a path.
    pub(crate) title: Option<String>,
    /// The site's captions, if people made them.
    pub(crate) captions: Option<Transcript>,
}

/// What of a site's video is here before its pictures are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ahead {
    /// The site's captions, made by people.
    Captions(Transcript),
    /// The sound by itself, where the site offers it and there are no captions.
    Sound(PathBuf),
}

/// Where a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Web(Url),
}

/// Brings the source here. `ahead` gets its words or its sound as soon as they are here, and is dropped without a word
/// where nothing comes before the video; `progress` gets the part that is done, 0 to 1.
///
/// Dropping the future ends every program that it started. Where a video lies in the web, its download is kept in
/// `folder` and taken again by the next run for the same source.
///
/// # Errors
/// With what is wrong with the source; with `setup_missing` if a program is not there.
pub(crate) async fn download(
    what: &Download<'_>,
    ahead: oneshot::Sender<Ahead>,
    mut progress: impl FnMut(f64),
) -> Result<Downloaded, Failure> {
    let url = match place(what)? {
        Place::File(path) => {
            return Ok(Downloaded {
                video: path,
                title: None,
                captions: None,
            });
        }
        Place::Web(url) => url,
    };
    let folder = what
        .folder
        .join(Fingerprint::of(&(url.as_str(), what.language)).to_string());
    tokio::fs::create_dir_all(&folder)
        .await
        .map_err(|why| Failure::io(STAGE, &folder, &why))?;
    if let Some(done) = finished_before(&folder).await {
        return Ok(done);
    }
    let fetching = from_web(what, &url, &folder, ahead, &mut progress);
    let fetched = tokio::time::timeout(what.limits.time, fetching).await;
    match fetched.unwrap_or_else(|_| Err(refusal::timed_out(what.limits.time))) {
        Ok(done) => remember(&folder, &done).await.map(|()| done),
        Err(failure) => {
            // a failure leaves nothing behind; the one to tell is the first
            let _ = tokio::fs::remove_dir_all(&folder).await;
            Err(failure)
        }
    }
}

/// Tells a path from an address, and refuses an address that is never fetched.
fn place(what: &Download<'_>) -> Result<Place, Failure> {
    let lower = what.source.trim_start().to_ascii_lowercase();
    if lower.starts_with("http:") || lower.starts_with("https:") {
        let parsed = Guard::new(what.allow_private_networks).parse(what.source);
        return parsed
            .map(Place::Web)
            .map_err(|why| refusal::of_egress(&why));
    }
    if lower.contains("://") && !Path::new(what.source).exists() {
        let message = "only files and http:// or https:// addresses can be a source";
        return Err(Failure::input(STAGE, ErrorCode::SourceUnsupported, message));
    }
    Ok(Place::File(PathBuf::from(what.source)))
}

async fn from_web(
    what: &Download<'_>,
    url: &Url,
    folder: &Path,
    ahead: oneshot::Sender<Ahead>,
    progress: &mut impl FnMut(f64),
) -> Result<Downloaded, Failure> {
    let guard = Guard::new(what.allow_private_networks);
    // only yt-dlp knows what to do with cookies
    if what.cookies.is_none() && !is_known_site(url) {
        let client = Client::new(guard.clone(), CONNECT).map_err(|why| refusal::of_egress(&why))?;
        if let Some(done) = direct::fetch(what, &client, url, folder, &mut *progress).await? {
            return Ok(done);
        }
    }
    site::fetch(what, guard, url, folder, ahead, progress).await
}

fn is_known_site(url: &Url) -> bool {
    let host = url.domain().unwrap_or_default().trim_end_matches('.');
    SITES.iter().any(|site| {
        host.strip_suffix(site)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// Captions of a made-up video, for [`crate::fuzzing`].
pub(crate) fn captions_of(file: &[u8], duration_ms: u64) -> Option<Transcript> {
    captions::transcript(file, "en", duration_ms).ok()
}

/// What a page would be taken for, for [`crate::fuzzing`].
pub(crate) fn described(json: &[u8]) {
    if let Ok((info, _)) = info::parse(json) {
        info.duration();
        info.has_sound_apart();
        info.captions_language(Some("en"));
    }
}

/// Written last, so that its presence means that the rest is whole.
fn record(folder: &Path) -> PathBuf {
    folder.join("download.json")
}

async fn finished_before(folder: &Path) -> Option<Downloaded> {
    let bytes = tokio::fs::read(record(folder)).await.ok()?;
    let done: Downloaded = serde_json::from_slice(&bytes).ok()?;
    done.video.is_file().then_some(done)
}

async fn remember(folder: &Path, done: &Downloaded) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(done).map_err(|why| Failure::internal(STAGE, why))?;
    let path = record(folder);
    tokio::fs::write(&path, bytes)
        .await
        .map_err(|why| Failure::io(STAGE, &path, &why))
}

#[cfg(test)]
mod tests;
