//! Errors of speech recognition.

use std::io;
use std::path::PathBuf;

/// Why speech recognition failed.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// There is no speech: only silence, music or noise, or no audio at all.
    #[error("no speech found")]
    NoSpeech,
    /// The caller stopped it.
    #[error("speech recognition was canceled")]
    Canceled,
    /// The model does not support the requested language.
    #[error("the speech model does not support the language {0:?}")]
    UnknownLanguage(String),
    /// A model file is missing.
    #[error("speech model file {} is missing", .0.display())]
    MissingModel(PathBuf),
    /// A model file is invalid.
    #[error("{} is not a valid speech model: {reason}", .path.display())]
    InvalidModel {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The audio could not be read.
    #[error("cannot read the audio: {0}")]
    Io(#[from] io::Error),
    /// A model failed at inference.
    #[error("the speech model failed: {0}")]
    Inference(String),
}

impl SpeechError {
    pub(crate) fn inference(error: impl std::fmt::Display) -> Self {
        Self::Inference(error.to_string())
    }
}
