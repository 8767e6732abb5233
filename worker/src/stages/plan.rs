//! From a transcript, and the sound where there is any, to the clips worth making.

use std::{path::Path, process::Stdio};

use domain::{ClipOptions, ErrorCode, Failure, Plan, Stage, Transcript};
use highlights::{Embedder, SoundProfile};

use crate::{
    ffmpeg::command::{Arguments, start},
    planner::{self, Talk},
    setup::Home,
};

const STAGE: Stage = Stage::Plan;

/// A file and the number of the sound stream in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SoundTrack<'a> {
    pub(crate) file: &'a Path,
    pub(crate) stream: usize,
}

/// Chooses the clips.
///
/// # Errors
/// `no_clips` when nothing in the transcript makes one; `setup_missing` when the embedding model is not there.
pub(crate) async fn plan(
    home: &Home,
    transcript: &Transcript,
    sound: Option<SoundTrack<'_>>,
    options: &ClipOptions,
    language_model: Option<&planner::LanguageModelConfig>,
) -> Result<Plan, Failure> {
    let sound = match sound {
        Some(track) => Some(listen(home, track).await?),
        None => None,
    };
    let model = home.model(STAGE, "models/minilm")?;
    let embedder = Embedder::load(&model).map_err(|why| Failure::setup(STAGE, why.to_string()))?;
    let talk = Talk {
        transcript,
        sound: sound.as_ref(),
        options,
    };
    let plan = planner::plan(&talk, &embedder, language_model)
        .await
        .map_err(|why| Failure::internal(STAGE, why))?;
    if plan.clips.is_empty() {
        return Err(Failure::input(
            STAGE,
            ErrorCode::NoClips,
            "nothing in the source makes a clip",
        ));
    }
    plan.check(transcript.duration_ms)
        .map_err(|why| Failure::internal(STAGE, why))?;
    Ok(plan)
}

/// How the talk sounds: loudness, pitch, pauses, laughter.
async fn listen(home: &Home, track: SoundTrack<'_>) -> Result<SoundProfile, Failure> {
    let ffmpeg = home.program(STAGE, "ffmpeg")?;
    let args = Arguments::new()
        .words("-hide_banner -nostdin -loglevel error -vn -sn -dn")
        .input(track.file, u64::from(u32::MAX >> 1))
        .words(&format!(
            "-map 0:{} -af aresample=16000:async=1:first_pts=0 -ac 1 -f s16le pipe:1",
            track.stream
        ));
    let mut decoding =
        start(&ffmpeg, &args, Stdio::piped(), None).map_err(|why| Failure::internal(STAGE, why))?;
    let stdout = decoding
        .child
        .stdout
        .take()
        .ok_or_else(|| Failure::internal(STAGE, "ffmpeg has no output"))?;
    let pcm = std::fs::File::from(
        stdout
            .into_owned_fd()
            .map_err(|why| Failure::internal(STAGE, why))?,
    );
    let profile = tokio::task::spawn_blocking(move || SoundProfile::from_pcm(pcm));
    let profile = profile
        .await
        .map_err(|why| Failure::internal(STAGE, why))?
        .map_err(|why| Failure::internal(STAGE, why))?;
    decoding.finish().await.map_err(|why| {
        Failure::input(
            STAGE,
            ErrorCode::SourceUnsupported,
            format!("the sound cannot be decoded: {why}"),
        )
    })?;
    Ok(profile)
}
