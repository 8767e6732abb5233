//! Events that a worker sends as signed webhooks: the fields of the original `WebhookPayload`, and optional ones of this version.

use serde::{Deserialize, Serialize};

use crate::{
    ClipOutput, ErrorCode, JobId, JobOutput, Stage, Status, Timestamp, json,
    limits::{MAX_LABEL_BYTES, MAX_MESSAGE_BYTES, MAX_STEP_BYTES},
    number, outcome, text,
};

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// A worker has started the attempt.
    #[serde(rename = "job.started")]
    Started,
    /// The attempt has progressed.
    #[serde(rename = "job.progress")]
    Progress,
    /// All clips are finished.
    #[serde(rename = "job.completed")]
    Completed,
    /// The job has failed for good.
    #[serde(rename = "job.failed")]
    Failed,
}

impl EventKind {
    /// The name on the wire, such as `job.started`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "job.started",
            Self::Progress => "job.progress",
            Self::Completed => "job.completed",
            Self::Failed => "job.failed",
        }
    }

    /// Returns whether this is the last event of a job.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// A percentage, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(from = "f64")]
pub struct Percent(#[serde(serialize_with = "crate::number::serialize")] f64);

impl Percent {
    /// Clamps any number to a percentage; not-a-number becomes 0.
    pub fn clamped(value: f64) -> Self {
        Self(if value.is_nan() {
            0.0
        } else {
            value.clamp(0.0, 100.0)
        })
    }

    /// Returns the percentage rounded down.
    pub fn whole(self) -> u32 {
        self.0 as u32
    }
}

impl From<f64> for Percent {
    fn from(value: f64) -> Self {
        Self::clamped(value)
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

/// One event. Unknown fields are ignored when it is read, absent ones are omitted when it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Kind of the event.
    pub event: EventKind,
    /// When it happened.
    pub timestamp: Timestamp,
    /// The worker's id of the job: any string, since other workers use ids of their own.
    pub job_id: String,
    /// The API's id of the job: any string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_job_id: Option<String>,
    /// Id of the user who owns the job.
    #[serde(
        default,
        deserialize_with = "text::bounded_opt::<_, MAX_LABEL_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub owner_user_id: Option<String>,
    /// Status of the job.
    pub status: Status,
    /// Progress of the attempt.
    pub progress_percent: Percent,
    /// Current step, for display.
    #[serde(deserialize_with = "text::truncated::<_, MAX_STEP_BYTES>")]
    pub current_step: String,
    /// Clips finished so far.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub clips_completed: Option<u32>,
    /// Clips that the attempt will make.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_clips: Option<u32>,
    /// Why the job failed, for display.
    #[serde(
        default,
        deserialize_with = "text::truncated_opt::<_, MAX_MESSAGE_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub error: Option<String>,
    /// What the job produced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<JobOutput>,
    /// Attempt that sends the event; the current one if absent.
    #[serde(
        default,
        deserialize_with = "number::whole_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub attempt: Option<u32>,
    /// Sequence number within the attempt; if absent, events are ordered by time.
    #[serde(
        default,
        deserialize_with = "number::whole_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub sequence: Option<u32>,
    /// Current pipeline stage.
    #[serde(
        default,
        deserialize_with = "json::if_known",
        skip_serializing_if = "Option::is_none"
    )]
    pub stage: Option<Stage>,
    /// Machine-readable reason of the failure.
    #[serde(
        default,
        deserialize_with = "json::if_known",
        skip_serializing_if = "Option::is_none"
    )]
    pub error_code: Option<ErrorCode>,
    /// The clip that was just finished.
    #[serde(
        default,
        deserialize_with = "outcome::clip_within_limit",
        skip_serializing_if = "Option::is_none"
    )]
    pub clip: Option<ClipOutput>,
}

/// A field of an event is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct InvalidEvent {
    /// Name of the field.
    pub field: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
}

impl Event {
    /// Validates what the types alone do not.
    ///
    /// # Errors
    /// Names the first invalid field.
    pub fn check(&self) -> Result<(), InvalidEvent> {
        match self.attempt {
            Some(0) => Err(InvalidEvent {
                field: "attempt",
                what: "attempts count from 1",
            }),
            _ => Ok(()),
        }
    }

    /// Returns the ids that may name the job, the API's first. Strings that cannot be a job id are ignored.
    pub fn job_ids(&self) -> Vec<JobId> {
        let named = self.external_job_id.iter().chain([&self.job_id]);
        let mut ids: Vec<JobId> = named.filter_map(|id| id.parse().ok()).collect();
        ids.dedup();
        ids
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::limits::CLIP_INDEX_LIMIT;

    /// An event with one field added or replaced.
    fn with(field: &str, value: Value) -> Event {
        let mut event = json!({"event": "job.progress", "timestamp": "2024-11-28T10:30:00Z", "job_id": "x", "status": "running",
            "progress_percent": 5, "current_step": "x"});
        event[field] = value;
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_long_step_is_truncated() {
        let of = |bytes: usize| with("current_step", json!("s".repeat(bytes)));
        assert_eq!(of(MAX_STEP_BYTES).current_step, "s".repeat(MAX_STEP_BYTES));
        assert!(of(MAX_STEP_BYTES + 1).current_step.ends_with('\u{2026}'));
        assert_eq!(of(450_000).current_step.len(), MAX_STEP_BYTES);
    }

    #[test]
    fn an_overlong_user_id_is_dropped() {
        let of = |bytes: usize| with("owner_user_id", json!("u".repeat(bytes))).owner_user_id;
        assert_eq!(of(MAX_LABEL_BYTES), Some("u".repeat(MAX_LABEL_BYTES)));
        assert_eq!(of(MAX_LABEL_BYTES + 1), None);
    }

    #[test]
    fn a_clip_with_an_index_out_of_range_is_dropped() {
        let of = |index: u32| {
            let clip =
                json!({"clip_index": index, "s3_url": "x", "duration_ms": 9, "virality_score": 1});
            with("clip", clip).clip.map(|clip| clip.clip_index)
        };
        assert_eq!(of(CLIP_INDEX_LIMIT - 1), Some(CLIP_INDEX_LIMIT - 1));
        assert_eq!(of(CLIP_INDEX_LIMIT), None);
    }

    #[test]
    fn unknown_names_from_later_versions_are_ignored() {
        for unknown in [json!("translate"), json!(404), json!({})] {
            assert_eq!(with("stage", unknown.clone()).stage, None, "{unknown}");
            assert_eq!(with("error_code", unknown.clone()).error_code, None);
        }
        assert_eq!(with("stage", json!("plan")).stage, Some(Stage::Plan));
        let code = with("error_code", json!("no_speech")).error_code;
        assert_eq!(code, Some(ErrorCode::NoSpeech));
    }
}
