//! What the worker reports: one signed webhook each, with the fields of the seed's `WebhookPayload` and our optional ones.

use serde::{Deserialize, Serialize};

use crate::{ClipOutput, ErrorCode, JobId, JobOutput, Stage, Status, Timestamp};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// A worker has begun.
    #[serde(rename = "job.started")]
    Started,
    /// It is further than before.
    #[serde(rename = "job.progress")]
    Progress,
    /// The clips are there.
    #[serde(rename = "job.completed")]
    Completed,
    /// Nothing more will be tried.
    #[serde(rename = "job.failed")]
    Failed,
}

impl EventKind {
    /// Its name, as in `job.started`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "job.started",
            Self::Progress => "job.progress",
            Self::Completed => "job.completed",
            Self::Failed => "job.failed",
        }
    }

    /// Whether nothing follows it.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// A percentage, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Percent(f64);

impl Percent {
    /// The nearest percentage to any number.
    pub fn clamped(value: f64) -> Self {
        Self(if value.is_nan() {
            0.0
        } else {
            value.clamp(0.0, 100.0)
        })
    }

    /// The whole percents that are done.
    pub fn whole(self) -> u32 {
        self.0 as u32
    }
}

/// The number is no percentage.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("must be from 0 to 100")]
pub struct InvalidPercent;

impl TryFrom<f64> for Percent {
    type Error = InvalidPercent;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        (0.0..=100.0)
            .contains(&value)
            .then_some(Self(value))
            .ok_or(InvalidPercent)
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

/// One event. Unknown fields are passed over when it is read, absent ones are left out when it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub event: EventKind,
    /// When.
    pub timestamp: Timestamp,
    /// The worker's id of the job.
    pub job_id: JobId,
    /// The API's id of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_job_id: Option<JobId>,
    /// The user that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_user_id: Option<String>,
    /// Where the job stands.
    pub status: Status,
    /// How much is done.
    pub progress_percent: Percent,
    /// What is being done, for a person.
    pub current_step: String,
    /// Finished clips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clips_completed: Option<u32>,
    /// Clips there will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_clips: Option<u32>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<JobOutput>,
    /// The attempt that reports; the current one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Its place among the attempt's events; the time decides if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u32>,
    /// The stage it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Stable name of what went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<ErrorCode>,
    /// The clip just finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<ClipOutput>,
}

/// A field that does not go with the kind of event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct InvalidEvent {
    /// Path of the field.
    pub field: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
}

impl Event {
    /// Whether what its kind needs is there.
    ///
    /// # Errors
    /// With the field that is missing or contradicts it.
    pub fn check(&self) -> Result<(), InvalidEvent> {
        match self.event {
            EventKind::Completed if self.output.is_none() => Err(InvalidEvent {
                field: "output",
                what: "a completed job has an output",
            }),
            _ if self.attempt == Some(0) => Err(InvalidEvent {
                field: "attempt",
                what: "attempts count from 1",
            }),
            _ => Ok(()),
        }
    }
}
