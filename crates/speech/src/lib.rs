//! Speech to text with an embedded Whisper: sentences and words with times, from a stream of raw sound.

mod assemble;
mod chunk;
mod decode;
mod error;
mod language;
mod listen;
mod mel;
mod pcm;
mod recognizer;
mod repeats;
mod sentences;
mod timing;
mod vocabulary;
mod voice;
mod whisper;
mod words;

pub use error::SpeechError;
pub use recognizer::{Options, Recognizer};
pub use voice::voiced_seconds;
