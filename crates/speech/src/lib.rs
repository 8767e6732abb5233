//! Speech to text with an embedded Whisper: sentences and words with times, from a stream of raw audio.
//!
//! ```no_run
//! use std::{fs::File, path::Path, sync::atomic::AtomicBool};
//!
//! use speech::{Options, Recognizer};
//!
//! let models = Path::new(".cache/clipwright/models");
//! let recognizer = Recognizer::load(&models.join("whisper-base"), &models.join("silero-vad/model.onnx"), 2)?;
//! let pcm = File::open("talk.pcm")?;
//! let transcript = recognizer.transcribe(
//!     pcm,
//!     &Options { language: Some("en".into()) },
//!     &mut |done_ms| println!("{done_ms} ms"),
//!     &AtomicBool::new(false),
//! )?;
//! println!("{} sentences", transcript.segments.len());
//! # Ok::<(), speech::SpeechError>(())
//! ```
//!
//! # How it works
//!
//! `recognizer` runs one producer thread and as many decoders as there are cores.
//!
//! 1. `batches` reads `pcm`, `voice` detects speech (Silero VAD), `chunk` cuts at pauses, and `mel` computes spectrograms.
//! 2. `language` detects the language from the first batch, unless it is given.
//! 3. `decode` runs `whisper` (`CTranslate2`) on each batch. A chunk with a loop (`repetition`), dropped text or low probability gets a second
//!    pass; words far from any speech are dropped as hallucinations.
//! 4. `words` joins tokens (`vocabulary`) into words; `timing` corrects their times.
//! 5. `assemble` concatenates the chunks, and `sentences` splits them into segments.

mod assemble;
mod batches;
mod chunk;
mod decode;
mod error;
mod language;
mod mel;
mod pcm;
mod recognizer;
mod repetition;
mod sentences;
mod timing;
mod vocabulary;
mod voice;
mod whisper;
mod words;

pub use error::SpeechError;
pub use recognizer::{Options, Recognizer};
pub use voice::voiced_seconds;
