//! A job: one source video that is cut into clips, and the record that holds its state.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ClipOptions, ClipOutput, JobId, Owner, Timestamp};

/// Attempts that start automatically before a job fails for good.
pub const AUTOMATIC_ATTEMPTS: u32 = 3;

/// The `current_step` of a queued job.
pub(crate) const WAITING: &str = "Waiting for a worker...";

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waiting for a worker.
    Queued,
    /// A worker is processing it.
    Running,
    /// All clips are finished.
    Succeeded,
    /// No further attempt will be made.
    Failed,
    /// Stopped by the owner.
    Canceled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Canceled,
    ];

    /// The name on the wire, such as `queued`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Returns whether the current attempt is over.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

impl std::str::FromStr for Status {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or(())
    }
}

/// The source of a job's video: exactly one of `youtube_url`, `video_url` and `upload_id` is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSource {
    /// A `YouTube` page, as the user entered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub youtube_url: Option<String>,
    /// URL of a video, or of a page that shows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_url: Option<String>,
    /// Id of one of the owner's uploads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_id: Option<String>,
    /// Object key of the upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_key: Option<String>,
    /// Title of the source; set once it has been probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Length of the source in milliseconds; set once it has been probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

impl JobSource {
    /// The URL to download the source from; `None` for an upload.
    pub fn url(&self) -> Option<&str> {
        self.video_url.as_deref().or(self.youtube_url.as_deref())
    }
}

/// Identifiers from the caller's own system. They are stored as given and returned only in its callbacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// The caller's id for the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_job_id: Option<String>,
    /// The caller's id for the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_user_id: Option<String>,
}

/// The record of a job. The serialised field names are the table's attribute names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Id of the job.
    pub id: JobId,
    /// Owner of the job.
    pub owner: Owner,
    /// The owner again, set only while the job is active: a sparse index over it lists and counts active jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_owner: Option<Owner>,
    /// State of the job.
    pub status: Status,
    /// Number of the current attempt, from 1; the fencing token against earlier attempts.
    pub attempt: u32,
    /// Automatic attempts that remain.
    pub automatic_attempts_left: u32,
    /// Id of the task that has claimed the current attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_by: Option<String>,
    /// When the current attempt was queued, in milliseconds since 1970; `None` for the first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at_ms: Option<i64>,
    /// Source of the video.
    pub source: JobSource,
    /// Options of the submission.
    pub options: ClipOptions,
    /// SHA-256 of the submitted body: distinguishes a repeated request from a different one with the same idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<String>,
    /// URL that receives the job's callbacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// The caller's own identifiers.
    #[serde(default)]
    pub labels: Labels,
    /// Hash that names the plan edited by the owner, which replaces the planner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_plan: Option<String>,

    /// Progress of the attempt, 0 to 100.
    pub progress_percent: u32,
    /// Current pipeline stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_stage: Option<String>,
    /// Current step, for display.
    pub current_step: String,
    /// Clips that this attempt has finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clips_completed: Option<u32>,
    /// Clips that this attempt will make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_clips: Option<u32>,
    /// Index of the most recently finished clip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_clip: Option<u32>,
    /// Sequence number of the last applied event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sequence: Option<u64>,
    /// Time of the last applied event without a sequence number, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_ms: Option<i64>,

    /// Clips of the last successful attempt, by clip index; the next success replaces them.
    pub clips: BTreeMap<String, ClipOutput>,
    /// Clips that the current attempt has finished so far, by clip index.
    #[serde(default)]
    pub attempt_clips: BTreeMap<String, ClipOutput>,
    /// Revision that the current attempt writes its outputs to, see [`crate::keys::in_revision`]; they are stored apart from the clips
    /// that the owner already has.
    #[serde(default, rename = "edition")]
    pub revision: u32,
    /// Object URL of the transcript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript_url: Option<String>,
    /// Object URL of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_url: Option<String>,
    /// Why the job failed, for display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Why the job failed, as an [`crate::ErrorCode`] name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Credits charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits_charged: Option<u64>,
    /// Milliseconds spent in each stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<BTreeMap<String, u64>>,

    /// Milliseconds of the source that were considered, as reported by the worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub considered_ms: Option<u64>,
    /// Processing time in seconds, as reported by the worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_time_seconds: Option<f64>,

    /// When the job was submitted.
    pub created_at: Timestamp,
    /// When a worker started the current attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When the job ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// When the record last changed.
    pub updated_at: Timestamp,
}

/// A validated submission.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// Owner of the new job.
    pub owner: Owner,
    /// Source of the video.
    pub source: JobSource,
    /// Options of the submission.
    pub options: ClipOptions,
    /// SHA-256 of the body, if the request had an idempotency key.
    pub body_sha256: Option<String>,
    /// URL that receives the job's callbacks.
    pub callback_url: Option<String>,
    /// The caller's own identifiers.
    pub labels: Labels,
}

impl Job {
    /// Creates a submitted job that waits for its first attempt.
    pub fn new(id: JobId, submission: Submission, now: Timestamp) -> Self {
        let Submission {
            owner,
            source,
            options,
            body_sha256,
            callback_url,
            labels,
        } = submission;
        Self {
            id,
            active_owner: Some(owner.clone()),
            owner,
            status: Status::Queued,
            attempt: 1,
            automatic_attempts_left: AUTOMATIC_ATTEMPTS - 1,
            claimed_by: None,
            queued_at_ms: None,
            source,
            options,
            body_sha256,
            callback_url,
            labels,
            edited_plan: None,
            progress_percent: 0,
            progress_stage: None,
            current_step: WAITING.to_owned(),
            clips_completed: None,
            total_clips: None,
            newest_clip: None,
            last_sequence: None,
            last_event_ms: None,
            clips: BTreeMap::new(),
            attempt_clips: BTreeMap::new(),
            revision: 0,
            transcript_url: None,
            plan_url: None,
            error_message: None,
            error_code: None,
            credits_charged: None,
            timings: None,
            considered_ms: None,
            processing_time_seconds: None,
            created_at: now,
            started_at: None,
            finished_at: None,
            updated_at: now,
        }
    }

    /// Returns the clips to show, in source order: those of the last successful attempt or, before any attempt has succeeded, those that
    /// the running attempt has finished.
    pub fn shown_clips(&self) -> Vec<&ClipOutput> {
        // records written by earlier versions kept the clips of failed attempts
        let of_attempt = (!self.status.is_terminal()).then_some(&self.attempt_clips);
        let shown = if self.clips.is_empty() {
            of_attempt
        } else {
            Some(&self.clips)
        };
        let mut clips: Vec<_> = shown.into_iter().flat_map(BTreeMap::values).collect();
        clips.sort_by_key(|clip| clip.clip_index);
        clips
    }
}
