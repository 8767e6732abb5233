//! Why speech could not be recognised.

use std::io;
use std::path::PathBuf;

/// Why there is no transcript.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// Nobody speaks: silence, music or noise only, or no sound at all.
    #[error("no speech found")]
    NoSpeech,
    /// The caller asked to stop.
    #[error("speech recognition was stopped")]
    Canceled,
    /// The model does not know the language that was asked for.
    #[error("the speech model does not know the language {0:?}")]
    UnknownLanguage(String),
    /// A model file is missing.
    #[error("{}: no such model file", .0.display())]
    MissingModel(PathBuf),
    /// A model file is not what it should be.
    #[error("{}: not a usable speech model: {why}", .path.display())]
    InvalidModel {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The sound could not be read.
    #[error("cannot read the sound: {0}")]
    Io(#[from] io::Error),
    /// A model failed at work.
    #[error("the speech model failed: {0}")]
    Inference(String),
}

impl SpeechError {
    pub(crate) fn inference(why: impl std::fmt::Display) -> Self {
        Self::Inference(why.to_string())
    }
}
