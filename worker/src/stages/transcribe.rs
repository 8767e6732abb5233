//! From sound to a transcript, streamed: ffmpeg decodes while the recogniser listens.

use std::{
    io::Read,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::{ErrorCode, Failure, Stage, TimeRange, Transcript};
use speech::{Recognizer, SpeechError};
use tokio::sync::mpsc;

use crate::{
    allocator,
    ffmpeg::{media::Sound, output::ThreadOutput, sound},
    setup::Home,
};

const STAGE: Stage = Stage::Transcribe;

/// Tells where somebody speaks.
const VOICE_MODEL: &str = "models/silero-vad";

/// What to listen to.
#[derive(Debug, Clone)]
pub(crate) struct Listening {
    /// A file with sound.
    pub(crate) file: std::path::PathBuf,
    /// Its sound stream.
    pub(crate) sound: Sound,
    /// The part to listen to.
    pub(crate) window: TimeRange,
    /// BCP 47 tag of the language; none: detect it.
    pub(crate) language: Option<String>,
}

/// Writes down what is said, with times of the source.
///
/// # Errors
/// `no_speech` when nobody speaks; `speech_unclear` when it was not understood; `source_unsupported` when the sound breaks off.
pub(crate) async fn transcribe(
    home: &Home,
    model: &Path,
    what: &Listening,
    duration_ms: u64,
    mut heard: impl FnMut(f64),
) -> Result<Transcript, Failure> {
    let voice = home.model(STAGE, VOICE_MODEL)?.join("model.onnx");
    let (decoding, pcm) = sound::decode(home, STAGE, &what.file, &what.sound, what.window)?;
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
    let task = {
        let (stop, models, language) = (
            stop.0.clone(),
            (model.to_owned(), voice),
            what.language.clone(),
        );
        tokio::task::spawn_blocking(move || {
            recognise((&models.0, &models.1), pcm, language, &sender, &stop)
        })
    };
    while let Some(ms) = receiver.recv().await {
        heard((ms as f64 / what.window.duration_ms() as f64).min(1.0));
    }
    let (recognised, heard_ms) = task.await.map_err(|why| Failure::internal(STAGE, why))?;
    allocator::give_back();
    let said = match recognised {
        // of sound that cannot be read, ffmpeg says why
        Ok(_) | Err(SpeechError::Io(_)) => decoding.finish().await?,
        Err(_) => String::new(),
    };
    let mut transcript = recognised.map_err(|why| failure(&why))?;
    transcript.truncate_overlong_words();
    check_whole(what, heard_ms, &said)?;
    check_clear(&transcript, what.language.as_deref())?;
    Ok(shifted(transcript, what.window.start_ms(), duration_ms))
}

fn recognise(
    (model, voice): (&Path, &Path),
    pcm: ThreadOutput,
    language: Option<String>,
    heard: &mpsc::UnboundedSender<u64>,
    stop: &AtomicBool,
) -> (Result<Transcript, SpeechError>, u64) {
    let mut counted = Counted {
        inner: pcm,
        bytes: 0,
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let recognised = Recognizer::load(model, voice, threads).and_then(|recognizer| {
        let mut progress = |ms| {
            let _ = heard.send(ms);
        };
        recognizer.transcribe(
            &mut counted,
            &speech::Options { language },
            &mut progress,
            stop,
        )
    });
    (recognised, counted.bytes / 32)
}

/// Counts what passes through it.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Tells the recogniser to stop when the stage is dropped.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A file that breaks off ends its sound early, and ffmpeg says why without failing.
fn check_whole(what: &Listening, heard_ms: u64, stderr: &str) -> Result<(), Failure> {
    let Some(claimed_ms) = what.sound.duration_ms else {
        return Ok(());
    };
    let due_ms = claimed_ms
        .min(what.window.end_ms())
        .saturating_sub(what.window.start_ms());
    let missing_ms = due_ms.saturating_sub(heard_ms);
    let broken = [
        "partial file",
        "ended prematurely",
        "Invalid data",
        "truncat",
    ]
    .iter()
    .any(|sign| stderr.contains(sign));
    if missing_ms > 2_000 && broken {
        let at_s = (what.window.start_ms() + heard_ms) as f64 / 1000.0;
        return Err(Failure::input(
            STAGE,
            ErrorCode::SourceUnsupported,
            format!("the file is truncated: its sound breaks off after {at_s:.1} s"),
        ));
    }
    Ok(())
}

/// Refuses what was not understood: no clip is made of words that nobody said.
fn check_clear(transcript: &Transcript, language: Option<&str>) -> Result<(), Failure> {
    if !transcript.is_unclear() {
        return Ok(());
    }
    let advice = match language {
        None => format!(
            "it was taken for the language {:?}; name the language that is spoken if it is another, or bring captions or a larger model",
            transcript.language
        ),
        Some(named) => format!(
            "check that the language spoken is {named:?}, or bring captions or a larger model"
        ),
    };
    let message = format!("what is said in the source could not be understood: {advice}");
    Err(Failure::input(STAGE, ErrorCode::SpeechUnclear, message))
}

/// Moves a transcript of a part of the source to the times of the whole.
fn shifted(mut transcript: Transcript, by_ms: u64, duration_ms: u64) -> Transcript {
    transcript.duration_ms = duration_ms;
    for segment in &mut transcript.segments {
        segment.start_ms += by_ms;
        segment.end_ms += by_ms;
        for word in &mut segment.words {
            word.start_ms += by_ms;
            word.end_ms += by_ms;
        }
    }
    transcript
}

fn failure(why: &SpeechError) -> Failure {
    match why {
        SpeechError::NoSpeech => {
            Failure::input(STAGE, ErrorCode::NoSpeech, "nobody speaks in the source")
        }
        SpeechError::Canceled => Failure::transient(STAGE, ErrorCode::Canceled, "canceled"),
        SpeechError::MissingModel(_) | SpeechError::InvalidModel { .. } => {
            Failure::setup(STAGE, why.to_string())
        }
        SpeechError::UnknownLanguage(_) => {
            Failure::input(STAGE, ErrorCode::SourceUnsupported, why.to_string())
        }
        other => Failure::internal(STAGE, other),
    }
}
