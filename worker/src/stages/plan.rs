//! From a transcript, and the sound where there is any, to the clips worth making.

use std::path::Path;

use domain::{
    ClipOptions, ErrorCode, Failure, Plan, Stage, TimeRange, Transcript,
    limits::{MAX_CHARS_PER_MINUTE, MAX_WORD_CHARS, MAX_WORDS_PER_MINUTE},
};
use highlights::{Embedder, SoundProfile};

use crate::{
    ffmpeg::{media::Sound, sound},
    planner::{self, Talk},
    setup::Home,
};

const STAGE: Stage = Stage::Plan;

/// A file and the number of the sound stream in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SoundTrack<'a> {
    pub(crate) file: &'a Path,
    pub(crate) sound: &'a Sound,
    /// All of the source.
    pub(crate) window: TimeRange,
}

/// Chooses the clips.
///
/// # Errors
/// `no_speech` when the transcript has more words than anybody says; `no_clips` when nothing in it makes a clip; `setup_missing` when the embedding model is not there.
pub(crate) async fn plan(
    home: &Home,
    transcript: &Transcript,
    sound: Option<SoundTrack<'_>>,
    options: &ClipOptions,
    language_model: Option<&planner::LanguageModelConfig>,
) -> Result<Plan, Failure> {
    check(transcript)?;
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
        .map_err(|why| Failure::internal(STAGE, why))?
        .with_truncated_texts();
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

/// Refuses what is no speech, however it came to be taken for it: captions that spell out data, say.
fn check(transcript: &Transcript) -> Result<(), Failure> {
    if transcript.is_too_fast() || transcript.has_overlong_word() {
        let message = format!(
            "the transcript has over {MAX_WORDS_PER_MINUTE} words or {MAX_CHARS_PER_MINUTE} letters a minute, or a word of over \
             {MAX_WORD_CHARS}: nobody says that"
        );
        return Err(Failure::input(STAGE, ErrorCode::NoSpeech, message));
    }
    Ok(())
}

/// How the talk sounds: loudness, pitch, pauses, laughter.
async fn listen(home: &Home, track: SoundTrack<'_>) -> Result<SoundProfile, Failure> {
    let (decoding, pcm) = sound::decode(home, STAGE, track.file, track.sound, track.window)?;
    let profile = tokio::task::spawn_blocking(move || SoundProfile::from_pcm(pcm));
    let profile = profile.await.map_err(|why| Failure::internal(STAGE, why))?;
    // of sound that cannot be read, ffmpeg says why
    decoding.finish().await?;
    profile.map_err(|why| Failure::internal(STAGE, why))
}

#[cfg(test)]
mod tests {
    use domain::Segment;

    use super::*;

    #[test]
    fn more_words_a_minute_than_anybody_says_are_no_speech() {
        let transcript = |words: u64| Transcript {
            version: 1,
            language: "en".into(),
            duration_ms: 60_000,
            source: None,
            segments: vec![Segment {
                start_ms: 0,
                end_ms: 60_000,
                text: "word ".repeat(words as usize),
                speaker: None,
                words: Vec::new(),
            }],
        };
        assert_eq!(check(&transcript(MAX_WORDS_PER_MINUTE)), Ok(()));
        let refused = check(&transcript(MAX_WORDS_PER_MINUTE + 1)).unwrap_err();
        assert_eq!(refused.code, ErrorCode::NoSpeech);
        assert!(!refused.is_retryable());
    }
}
