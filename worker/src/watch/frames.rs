//! What the service says over a WebSocket.

use domain::Status;
use serde::{Deserialize, Serialize};

/// One message.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(super) enum Frame {
    /// Where jobs stand; not all of it yet where there is more.
    #[serde(rename = "snapshot")]
    Snapshot { jobs: Vec<Shown>, more: bool },
    /// What happened to a job.
    #[serde(
        rename = "job.progress",
        alias = "job.started",
        alias = "job.completed",
        alias = "job.failed"
    )]
    News(Box<Shown>),
    #[serde(rename = "pong")]
    Pong,
    #[serde(rename = "error")]
    Error { code: String, message: String },
}

/// A job, and its place among all that is said of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) attempt: u32,
    pub(super) sequence: u32,
    pub(super) job: Job,
}

/// What is shown of a job; the rest of what the service says is kept for machines.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) status: Status,
    pub(super) progress_percent: u32,
    pub(super) progress_stage: Option<String>,
    pub(super) current_step: String,
    pub(super) source: Source,
    pub(super) clips: Vec<Clip>,
    pub(super) error_message: Option<String>,
    pub(super) error_code: Option<String>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Source {
    pub(super) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) video_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) youtube_url: Option<String>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Clip {
    pub(super) rank: Option<u32>,
    pub(super) title: Option<String>,
    pub(super) start_ms: Option<u64>,
    pub(super) end_ms: Option<u64>,
    pub(super) duration_ms: u64,
    pub(super) virality_score: f64,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}
