//! Why a job or a stage of it failed, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{limits::MAX_MESSAGE_BYTES, text};

/// A step of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Fetching the source.
    Download,
    /// Speech to text.
    Transcribe,
    /// Choosing the clips.
    Plan,
    /// Making the clips.
    Render,
    /// Handing over what was made.
    Upload,
}

impl Stage {
    /// Its name, as in `download`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Transcribe => "transcribe",
            Self::Plan => "plan",
            Self::Render => "render",
            Self::Upload => "upload",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who has to do something about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The source or the request is at fault; trying again changes nothing.
    Input,
    /// It may work the next time.
    Transient,
    /// A fault of this software or of the machine it runs on.
    Internal,
}

/// Stable name of what went wrong, for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The source is not there, or its server does not answer.
    SourceUnavailable,
    /// The source's address is private.
    SourceForbidden,
    /// The site refuses to hand the source out.
    SourceBlocked,
    /// Not a video that can be clipped.
    SourceUnsupported,
    /// Longer than the limit.
    SourceTooLong,
    /// Larger than the limit, in bytes, pixels or streams.
    SourceTooLarge,
    /// Nobody speaks.
    NoSpeech,
    /// What is said was not understood.
    SpeechUnclear,
    /// Nothing in it makes a clip.
    NoClips,
    /// A limit of time was passed.
    TimedOut,
    /// A person stopped it.
    Canceled,
    /// A fault of ours.
    Internal,
    /// No room to write.
    DiskFull,
    /// A program, library or model that is needed is missing or altered.
    SetupMissing,
}

impl ErrorCode {
    /// Its name, as in `source_unavailable`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SourceUnavailable => "source_unavailable",
            Self::SourceForbidden => "source_forbidden",
            Self::SourceBlocked => "source_blocked",
            Self::SourceUnsupported => "source_unsupported",
            Self::SourceTooLong => "source_too_long",
            Self::SourceTooLarge => "source_too_large",
            Self::NoSpeech => "no_speech",
            Self::SpeechUnclear => "speech_unclear",
            Self::NoClips => "no_clips",
            Self::TimedOut => "timed_out",
            Self::Canceled => "canceled",
            Self::Internal => "internal",
            Self::DiskFull => "disk_full",
            Self::SetupMissing => "setup_missing",
        }
    }

    /// Whether the source is at fault, which is exit code 3 of the command-line tool.
    pub fn is_source_fault(self) -> bool {
        !matches!(
            self,
            Self::Canceled | Self::Internal | Self::DiskFull | Self::SetupMissing | Self::TimedOut
        )
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failed stage: what a customer reads, and what decides whether to try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Where it happened.
    pub stage: Stage,
    /// Who has to do something about it.
    pub kind: FailureKind,
    /// Its stable name.
    pub code: ErrorCode,
    /// One line for a person.
    pub message: String,
}

impl Failure {
    /// The source or the request is at fault.
    pub fn input(stage: Stage, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            stage,
            kind: FailureKind::Input,
            code,
            message: text::truncate(&message.into(), MAX_MESSAGE_BYTES),
        }
    }

    /// It may work the next time.
    pub fn transient(stage: Stage, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            stage,
            kind: FailureKind::Transient,
            code,
            message: text::truncate(&message.into(), MAX_MESSAGE_BYTES),
        }
    }

    /// A fault of ours.
    pub fn internal(stage: Stage, message: impl fmt::Display) -> Self {
        Self {
            stage,
            kind: FailureKind::Internal,
            code: ErrorCode::Internal,
            message: text::truncate(&message.to_string(), MAX_MESSAGE_BYTES),
        }
    }

    /// A program, library or model is missing or altered.
    pub fn setup(stage: Stage, message: impl Into<String>) -> Self {
        Self {
            stage,
            kind: FailureKind::Internal,
            code: ErrorCode::SetupMissing,
            message: text::truncate(&message.into(), MAX_MESSAGE_BYTES),
        }
    }

    /// A file could not be read or written; `path` is told to the user.
    pub fn io(stage: Stage, path: &std::path::Path, why: &std::io::Error) -> Self {
        let code = if why.kind() == std::io::ErrorKind::StorageFull {
            ErrorCode::DiskFull
        } else {
            ErrorCode::Internal
        };
        Self {
            stage,
            kind: FailureKind::Internal,
            code,
            message: text::truncate(&format!("{}: {why}", path.display()), MAX_MESSAGE_BYTES),
        }
    }

    /// Whether another attempt may end better.
    pub fn is_retryable(&self) -> bool {
        self.kind != FailureKind::Input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_on_the_wire() {
        for code in [
            ErrorCode::SourceTooLong,
            ErrorCode::NoSpeech,
            ErrorCode::SetupMissing,
            ErrorCode::Internal,
        ] {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
        }
        assert_eq!(
            serde_json::to_string(&Stage::Transcribe).unwrap(),
            format!("\"{}\"", Stage::Transcribe)
        );
    }
}
