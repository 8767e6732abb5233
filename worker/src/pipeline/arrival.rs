//! Brings the source here and, where a site offers the sound apart, listens to it while the pictures still arrive.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use domain::{ClipOptions, Failure, Stage, Transcript};
use tokio::sync::oneshot;

use super::{Context, listening};
use crate::{
    ffmpeg::probe::probe,
    setup::SpeechModel,
    source::{Inspector, Source, no_media},
    stages::{
        download::{Ahead, Download, DownloadLimits, download},
        transcribe::{Listening, transcribe},
    },
};

/// A source that is here, with its words if they came before it.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) source: Source,
    /// Captions that people made, or what was heard in the sound that came first.
    pub(crate) transcript: Option<Transcript>,
}

/// Brings a source here; what is downloaded is kept in `downloads`.
///
/// # Errors
/// With what is wrong with the source.
pub(crate) async fn arrive(
    context: &Context,
    source: &str,
    options: &ClipOptions,
    model: Option<&SpeechModel>,
    downloads: &Path,
) -> Result<Arrival, Failure> {
    context
        .progress
        .at(Stage::Download, 0.0, "Fetching the source...");
    let programs = context.home.path().join("bin");
    let what = Download {
        source,
        folder: downloads,
        language: options.language.as_deref(),
        cookies: context.limits.cookies.as_deref(),
        allow_private_networks: context.limits.allow_private_networks,
        programs: &programs,
        limits: limits(context),
    };
    let (sender, receiver) = oneshot::channel();
    let downloading = download(&what, sender, |fraction| {
        context
            .progress
            .at(Stage::Download, fraction, "Downloading video...");
    });
    let (downloaded, heard) =
        tokio::try_join!(downloading, listen_ahead(context, options, model, receiver))?;
    let inspector = Inspector {
        home: &context.home,
        limits: &context.limits,
        folder: downloads,
        language: options.language.as_deref(),
    };
    let copied = |fraction| {
        context
            .progress
            .at(Stage::Download, fraction, "Indexing the source...");
    };
    let source = inspector
        .inspect(&downloaded.video, downloaded.title, copied)
        .await?;
    let transcript = match downloaded.captions {
        Some(captions) => Some(captions),
        None => heard,
    };
    let transcript = transcript.map(|transcript| Transcript {
        duration_ms: source.media.duration_ms,
        ..transcript
    });
    Ok(Arrival { source, transcript })
}

async fn listen_ahead(
    context: &Context,
    options: &ClipOptions,
    model: Option<&SpeechModel>,
    ahead: oneshot::Receiver<Ahead>,
) -> Result<Option<Transcript>, Failure> {
    let (Ok(Ahead::Sound(file)), Some(model)) = (ahead.await, model) else {
        return Ok(None);
    };
    let what = sound_file(context, file, options).await?;
    let heard = |fraction| listening(context, fraction);
    transcribe(
        &context.home,
        &model.folder,
        &what,
        what.window.end_ms(),
        heard,
    )
    .await
    .map(Some)
}

/// What there is to hear in a file that has nothing but sound.
async fn sound_file(
    context: &Context,
    file: PathBuf,
    options: &ClipOptions,
) -> Result<Listening, Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::internal(Stage::Transcribe, why);
    let ffprobe = context.home.program(Stage::Transcribe, "ffprobe")?;
    let max_pixels = context.limits.max_pixels;
    let media = probe(&ffprobe, &file, max_pixels)
        .await
        .map_err(|why| no_media(&file, max_pixels, &why))?;
    let sound = media
        .sounds
        .first()
        .ok_or_else(|| failed(&"the sound of the source is empty"))?;
    let window = options
        .window(media.duration_ms)
        .ok_or_else(|| failed(&"the sound ends before the part to consider begins"))?;
    Ok(Listening {
        sound: sound.clone(),
        window,
        language: options.language.clone(),
        file,
    })
}

fn limits(context: &Context) -> DownloadLimits {
    let limits = &context.limits;
    DownloadLimits {
        max_bytes: limits.max_bytes,
        max_duration: Duration::from_secs(limits.max_source_seconds),
        time: Duration::from_secs(limits.download_seconds),
        stall: Duration::from_secs(limits.stall_seconds),
    }
}
