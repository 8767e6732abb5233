//! Sources that cannot be sought in as they are: streams of broadcasts and capture cards, recordings of browsers. They are copied once,
//! without coding anew, into a container that has an index, a length, and a clock that begins at nought and never jumps.

use std::path::{Path, PathBuf};

use domain::{Failure, Fingerprint, Stage};

use super::{Inspector, unsupported};
use crate::{
    children::time_for_sound,
    cli::Limits,
    ffmpeg::{
        command::{Arguments, CallError, file_url, run_with_progress},
        media::Media,
    },
};

/// Names of ffmpeg's for containers without an index, in which a seek lands between key frames, and for bare streams.
const WITHOUT_INDEX: [&str; 14] = [
    "mpegts",
    "mpeg",
    "mpegvideo",
    "m4v",
    "h264",
    "hevc",
    "ivf",
    "obu",
    "flv",
    "aac",
    "ac3",
    "eac3",
    "mp3",
    "amr",
];

/// Whether a source has to be copied before it is sought in.
pub(super) fn is_needed(media: &Media) -> bool {
    let mut names = media.format.split(',');
    media.duration_ms == 0 || names.any(|name| WITHOUT_INDEX.contains(&name))
}

/// The copy of a source in the inspector's folder: the one of an earlier run, or a new one; `done` hears the fraction that is copied.
///
/// # Errors
/// `source_unsupported` when the source cannot be read to its end.
pub(super) async fn copy(
    inspector: &Inspector<'_>,
    source: &Path,
    fingerprint: &Fingerprint,
    mut done: impl FnMut(f64),
) -> Result<PathBuf, Failure> {
    let Inspector { folder, limits, .. } = *inspector;
    let copy = folder.join(format!("indexed-{fingerprint}.mkv"));
    if copy.is_file() {
        return Ok(copy);
    }
    let failed = |path: &Path, why| Failure::io(Stage::Download, path, &why);
    std::fs::create_dir_all(folder).map_err(|why| failed(folder, why))?;
    let meta = source.metadata().map_err(|why| failed(source, why))?;
    let bytes = meta.len().max(1) as f64;
    let mut written = |copied: u64| done((copied as f64 / bytes).min(1.0));
    let ffmpeg = inspector.home.program(Stage::Download, "ffmpeg")?;
    let part = copy.with_extension("part");
    let mut run = async |sound| {
        let args = arguments(source, &part, sound, limits);
        let time = time_for_sound(limits.max_source_seconds.saturating_mul(1000));
        run_with_progress(&ffmpeg, &args, folder, time, |at| written(at.bytes)).await
    };
    let mut copied = run("copy").await;
    // some sound of discs and cameras has no place in the container as it is
    if matches!(copied, Err(CallError::Failed { .. })) {
        copied = run("flac").await;
    }
    if let Err(why) = copied {
        // nothing is lost with it
        let _ = std::fs::remove_file(&part);
        let at_limit = why.at_limit(Stage::Download);
        return Err(at_limit.unwrap_or_else(|| {
            unsupported(format!("the source cannot be read to its end: {why}"))
        }));
    }
    std::fs::rename(&part, &copy).map_err(|why| failed(&copy, why))?;
    Ok(copy)
}

/// One second more than is taken is copied, so that a longer source is known to be longer.
fn arguments(source: &Path, copy: &Path, sound: &str, limits: &Limits) -> Arguments {
    let most_s = limits.max_source_seconds.saturating_add(1);
    Arguments::new()
        .words("-hide_banner -nostdin -loglevel error -nostats -progress pipe:1 -y -fflags +genpts")
        .input(source, limits.max_pixels)
        .words(&format!(
            "-map 0:V? -map 0:a? -c copy -c:a {sound} -t {most_s} -f matroska"
        ))
        .arg(file_url(copy))
}
