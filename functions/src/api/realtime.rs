//! The ticket for a WebSocket connection and the messages that are sent over it.

use domain::{EventKind, Job, Timestamp, limits::MAX_SERVER_MESSAGE_BYTES};
use serde::Serialize;
use utoipa::ToSchema;

use super::jobs::JobView;

/// A ticket for one connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RealtimeTicket {
    /// valid for one connection
    pub(crate) ticket: String,
    /// the WebSocket URL to open, with the ticket
    pub(crate) url: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) expires_at: Timestamp,
}

/// A message to a client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Message {
    /// The current state of jobs; `more` says that another snapshot message follows.
    Snapshot { jobs: Vec<JobSnapshot>, more: bool },
    /// The answer to a ping.
    Pong,
    /// The client's message was rejected.
    Error {
        code: &'static str,
        message: &'static str,
    },
}

/// A job with its position in the sequence of the job's events.
#[derive(Debug, Serialize)]
pub(crate) struct JobSnapshot {
    attempt: u32,
    sequence: u32,
    job: JobView,
}

/// A change of a job.
#[derive(Debug, Serialize)]
pub(crate) struct JobEvent {
    #[serde(rename = "type")]
    kind: EventKind,
    #[serde(flatten)]
    snapshot: JobSnapshot,
}

impl JobSnapshot {
    pub(crate) fn of(job: Job) -> Self {
        Self {
            attempt: job.attempt,
            sequence: job.sequence(),
            job: JobView::plain(job),
        }
    }

    /// Falls back to the brief view if the message would be too long, as it may be with thirty clips.
    fn shortened_to_fit(mut self) -> Self {
        if to_json(&self).len() > MAX_SERVER_MESSAGE_BYTES {
            self.job = self.job.brief();
        }
        self
    }
}

impl JobEvent {
    pub(crate) fn of(kind: EventKind, job: Job) -> Self {
        let snapshot = JobSnapshot::of(job).shortened_to_fit();
        Self { kind, snapshot }
    }
}

/// Splits jobs into as many snapshot messages as they need, at least one.
pub(crate) fn snapshots(jobs: Vec<Job>) -> Vec<Message> {
    let (mut parts, mut bytes) = (vec![Vec::new()], 0);
    for job in jobs {
        let snapshot = JobSnapshot::of(job).shortened_to_fit();
        let length = to_json(&snapshot).len() + 1;
        if bytes + length > MAX_SERVER_MESSAGE_BYTES && bytes > 0 {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += length;
        if let Some(part) = parts.last_mut() {
            part.push(snapshot);
        }
    }
    let last = parts.len() - 1;
    let of_part = |(number, jobs)| Message::Snapshot {
        jobs,
        more: number < last,
    };
    parts.into_iter().enumerate().map(of_part).collect()
}

/// Serializes a message.
pub(crate) fn to_json(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("plain data can be written as JSON")
}
