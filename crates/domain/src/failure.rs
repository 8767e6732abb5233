//! The failure of a stage, and with it of a job.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{limits::MAX_MESSAGE_BYTES, text};

/// A stage of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Downloads the source.
    Download,
    /// Transcribes the speech.
    Transcribe,
    /// Chooses the clips.
    Plan,
    /// Renders the clips.
    Render,
    /// Uploads the results.
    Upload,
}

impl Stage {
    /// The name on the wire, such as `download`.
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

/// The cause of a failure, which decides whether it is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The source or the request is invalid; a retry does not help.
    Input,
    /// A retry may succeed.
    Transient,
    /// An error of this software or of the machine that it runs on.
    Internal,
}

/// A machine-readable reason for a failure; the names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The source does not exist, or its server does not respond.
    SourceUnavailable,
    /// The source is on a private network.
    SourceForbidden,
    /// The site refuses access to the source.
    SourceBlocked,
    /// The source is not a video that can be clipped.
    SourceUnsupported,
    /// The source is longer than the limit.
    SourceTooLong,
    /// The source exceeds a limit of bytes, pixels or streams.
    SourceTooLarge,
    /// The source contains no speech.
    NoSpeech,
    /// The speech could not be understood.
    SpeechUnclear,
    /// No part of the source makes a clip.
    NoClips,
    /// A time limit was exceeded.
    TimedOut,
    /// The owner canceled the job.
    Canceled,
    /// An internal error.
    Internal,
    /// The disk is full.
    DiskFull,
    /// A required program, library or model is missing or modified.
    SetupMissing,
}

impl ErrorCode {
    /// The name on the wire, such as `source_unavailable`.
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

    /// Returns whether the source is at fault; the command-line tool then exits with code 3.
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

/// A failed stage: the message for the customer, and what decides about a retry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Stage that failed.
    pub stage: Stage,
    /// Cause of the failure.
    pub kind: FailureKind,
    /// Machine-readable reason.
    pub code: ErrorCode,
    /// One line for display.
    pub message: String,
}

impl Failure {
    /// A failure caused by the source or the request.
    pub fn input(stage: Stage, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            stage,
            kind: FailureKind::Input,
            code,
            message: text::truncate(&message.into(), MAX_MESSAGE_BYTES),
        }
    }

    /// A failure that a retry may resolve.
    pub fn transient(stage: Stage, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            stage,
            kind: FailureKind::Transient,
            code,
            message: text::truncate(&message.into(), MAX_MESSAGE_BYTES),
        }
    }

    /// An internal error.
    pub fn internal(stage: Stage, message: impl fmt::Display) -> Self {
        Self {
            stage,
            kind: FailureKind::Internal,
            code: ErrorCode::Internal,
            message: text::truncate(&message.to_string(), MAX_MESSAGE_BYTES),
        }
    }

    /// A required program, library or model is missing or modified.
    pub fn setup(stage: Stage, message: impl Into<String>) -> Self {
        Self {
            stage,
            kind: FailureKind::Internal,
            code: ErrorCode::SetupMissing,
            message: text::truncate(&message.into(), MAX_MESSAGE_BYTES),
        }
    }

    /// A file could not be read or written; the message names `path`.
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

    /// Returns whether another attempt may succeed.
    pub fn is_retryable(&self) -> bool {
        self.kind != FailureKind::Input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_the_serialised_form() {
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
