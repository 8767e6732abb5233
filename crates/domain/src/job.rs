//! A job: one source video to be cut into clips, from its submission to its end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ClipOptions, ClipOutput, JobId, Owner, Timestamp};

/// How often a job is started by itself before it is given up.
pub const AUTOMATIC_ATTEMPTS: u32 = 3;

/// Step of a job that is queued.
pub(crate) const WAITING: &str = "Waiting for a worker...";

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waiting for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// The clips are there.
    Succeeded,
    /// Given up.
    Failed,
    /// Stopped by a person.
    Canceled,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Canceled,
    ];

    /// Its name, as in `queued`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Whether nothing more happens to this attempt.
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

/// Where a job's video comes from: exactly one of the three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSource {
    /// A page of `YouTube`, as the user gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub youtube_url: Option<String>,
    /// The address of a video or of a page that shows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_url: Option<String>,
    /// An upload of the owner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_id: Option<String>,
    /// Where in the bucket the upload lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_key: Option<String>,
    /// What the source calls itself, once it has been looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How long it lasts, once it has been looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

impl JobSource {
    /// The address to fetch it from, where it lies in the web.
    pub fn url(&self) -> Option<&str> {
        self.video_url.as_deref().or(self.youtube_url.as_deref())
    }
}

/// What a back end calls a job in its own records; kept apart and only shown in its callbacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// The caller's id of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_job_id: Option<String>,
    /// The caller's id of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_user_id: Option<String>,
}

/// The record of a job; the table's item has these names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whom it belongs to.
    pub owner: Owner,
    /// The owner once more while the job is not at its end: active jobs are found and counted by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_owner: Option<Owner>,
    /// Where it stands.
    pub status: Status,
    /// The current attempt, from 1; it fences out the ones before.
    pub attempt: u32,
    /// How many more attempts begin by themselves.
    pub automatic_attempts_left: u32,
    /// The task that has this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_by: Option<String>,
    /// When the current attempt was queued, in milliseconds since 1970; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at_ms: Option<i64>,
    /// Where the video comes from.
    pub source: JobSource,
    /// What is wanted of it.
    pub options: ClipOptions,
    /// SHA-256 of the submission, to tell a repeated one from another under the same key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<String>,
    /// Where the owner wants to hear of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// What a back end calls it.
    #[serde(default)]
    pub labels: Labels,
    /// The plan that a person edited, by its hash; it stands in for the planner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_plan: Option<String>,

    /// How much of the attempt is done, 0 to 100.
    pub progress_percent: u32,
    /// The stage it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_stage: Option<String>,
    /// What is being done, for a person.
    pub current_step: String,
    /// Finished clips of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clips_completed: Option<u32>,
    /// Clips there will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_clips: Option<u32>,
    /// Index of the clip that the attempt has finished last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_clip: Option<u32>,
    /// Sequence of the last event applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sequence: Option<u64>,
    /// Time of the last event without a sequence, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_ms: Option<i64>,

    /// Clips of the last attempt that succeeded, by their index; they stay until another one has succeeded.
    pub clips: BTreeMap<String, ClipOutput>,
    /// Clips that the current attempt has made so far, by their index.
    #[serde(default)]
    pub attempt_clips: BTreeMap<String, ClipOutput>,
    /// Revision that the current attempt writes its outputs to, see [`crate::keys::in_revision`]; they are stored apart from the clips
    /// that the owner already has.
    #[serde(default, rename = "edition")]
    pub revision: u32,
    /// Where the transcript is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript_url: Option<String>,
    /// Where the plan is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_url: Option<String>,
    /// Why it failed, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Why it failed, for a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits_charged: Option<u64>,
    /// Milliseconds by stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<BTreeMap<String, u64>>,

    /// How much of the source was considered, as the worker reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub considered_ms: Option<u64>,
    /// How long the work took, as the worker reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_time_seconds: Option<f64>,

    /// When it was submitted.
    pub created_at: Timestamp,
    /// When a worker took the current attempt up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

/// A checked submission.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// Whose job it will be.
    pub owner: Owner,
    /// Where the video comes from.
    pub source: JobSource,
    /// What is wanted of it.
    pub options: ClipOptions,
    /// SHA-256 of the body, where it came with an idempotency key.
    pub body_sha256: Option<String>,
    /// Where the owner wants to hear of it.
    pub callback_url: Option<String>,
    /// What a back end calls it.
    pub labels: Labels,
}

impl Job {
    /// A submitted job, waiting for its first attempt.
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

    /// The clips that are shown, in the order of the source: those that the owner has, and before there are any, those of the attempt that
    /// is under way.
    pub fn shown_clips(&self) -> Vec<&ClipOutput> {
        // records of before kept the clips of attempts that came to nothing
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
