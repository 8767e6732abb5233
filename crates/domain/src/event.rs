//! What the worker reports: one signed webhook each, with the fields of the seed's `WebhookPayload` and our optional ones.

use serde::{Deserialize, Serialize};

use crate::{
    ClipOutput, ErrorCode, JobId, JobOutput, Stage, Status, Timestamp, json,
    limits::{MAX_LABEL_BYTES, MAX_MESSAGE_BYTES, MAX_STEP_BYTES},
    number, outcome, text,
};

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
#[serde(from = "f64")]
pub struct Percent(#[serde(serialize_with = "crate::number::serialize")] f64);

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

/// One event. Unknown fields are passed over when it is read, absent ones are left out when it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub event: EventKind,
    /// When.
    pub timestamp: Timestamp,
    /// The worker's id of the job; any text, since other workers have ids of their own.
    pub job_id: String,
    /// The API's id of the job; any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_job_id: Option<String>,
    /// The user that it is for.
    #[serde(
        default,
        deserialize_with = "text::bounded_opt::<_, MAX_LABEL_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub owner_user_id: Option<String>,
    /// Where the job stands.
    pub status: Status,
    /// How much is done.
    pub progress_percent: Percent,
    /// What is being done, for a person.
    #[serde(deserialize_with = "text::truncated::<_, MAX_STEP_BYTES>")]
    pub current_step: String,
    /// Finished clips.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub clips_completed: Option<u32>,
    /// Clips there will be.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_clips: Option<u32>,
    /// Why it failed.
    #[serde(
        default,
        deserialize_with = "text::truncated_opt::<_, MAX_MESSAGE_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub error: Option<String>,
    /// What was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<JobOutput>,
    /// The attempt that reports; the current one if absent.
    #[serde(
        default,
        deserialize_with = "number::whole_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub attempt: Option<u32>,
    /// Its place among the attempt's events; the time decides if absent.
    #[serde(
        default,
        deserialize_with = "number::whole_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub sequence: Option<u32>,
    /// The stage it is in.
    #[serde(
        default,
        deserialize_with = "json::if_known",
        skip_serializing_if = "Option::is_none"
    )]
    pub stage: Option<Stage>,
    /// Stable name of what went wrong.
    #[serde(
        default,
        deserialize_with = "json::if_known",
        skip_serializing_if = "Option::is_none"
    )]
    pub error_code: Option<ErrorCode>,
    /// The clip just finished.
    #[serde(
        default,
        deserialize_with = "outcome::clip_of_a_plan",
        skip_serializing_if = "Option::is_none"
    )]
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
    /// Whether its fields go together.
    ///
    /// # Errors
    /// With the field that is missing or contradicts it.
    pub fn check(&self) -> Result<(), InvalidEvent> {
        match self.attempt {
            Some(0) => Err(InvalidEvent {
                field: "attempt",
                what: "attempts count from 1",
            }),
            _ => Ok(()),
        }
    }

    /// The jobs that it may be about, the likeliest first; an id that no job can have is passed over.
    pub fn ids(&self) -> Vec<JobId> {
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

    /// An event with one field more, or another.
    fn with(field: &str, value: Value) -> Event {
        let mut event = json!({"event": "job.progress", "timestamp": "2024-11-28T10:30:00Z", "job_id": "x", "status": "running",
            "progress_percent": 5, "current_step": "x"});
        event[field] = value;
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_long_step_is_cut() {
        let of = |bytes: usize| with("current_step", json!("s".repeat(bytes)));
        assert_eq!(of(MAX_STEP_BYTES).current_step, "s".repeat(MAX_STEP_BYTES));
        assert!(of(MAX_STEP_BYTES + 1).current_step.ends_with('\u{2026}'));
        assert_eq!(of(450_000).current_step.len(), MAX_STEP_BYTES);
    }

    #[test]
    fn a_long_id_of_a_user_is_none() {
        let of = |bytes: usize| with("owner_user_id", json!("u".repeat(bytes))).owner_user_id;
        assert_eq!(of(MAX_LABEL_BYTES), Some("u".repeat(MAX_LABEL_BYTES)));
        assert_eq!(of(MAX_LABEL_BYTES + 1), None);
    }

    #[test]
    fn a_clip_of_a_number_that_no_plan_has_is_none() {
        let of = |index: u32| {
            let clip =
                json!({"clip_index": index, "s3_url": "x", "duration_ms": 9, "virality_score": 1});
            with("clip", clip).clip.map(|clip| clip.clip_index)
        };
        assert_eq!(of(CLIP_INDEX_LIMIT - 1), Some(CLIP_INDEX_LIMIT - 1));
        assert_eq!(of(CLIP_INDEX_LIMIT), None);
    }

    #[test]
    fn names_of_a_later_version_are_none() {
        for strange in [json!("translate"), json!(404), json!({})] {
            assert_eq!(with("stage", strange.clone()).stage, None, "{strange}");
            assert_eq!(with("error_code", strange.clone()).error_code, None);
        }
        assert_eq!(with("stage", json!("plan")).stage, Some(Stage::Plan));
        let code = with("error_code", json!("no_speech")).error_code;
        assert_eq!(code, Some(ErrorCode::NoSpeech));
    }
}
