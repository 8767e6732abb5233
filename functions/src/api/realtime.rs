//! The ticket for a WebSocket connection and the messages that are sent over it.

use domain::{EventKind, Job, Timestamp, limits::TOLD_BYTES};
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

/// Something that is said to a client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Message {
    /// Where jobs stand; there is more to come where not all fit in.
    Snapshot { jobs: Vec<Shown>, more: bool },
    /// The answer to a ping.
    Pong,
    /// What was asked for cannot be.
    Error {
        code: &'static str,
        message: &'static str,
    },
}

/// A job and its place among all that is told of it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    attempt: u32,
    sequence: u32,
    job: JobView,
}

/// What happened to a job.
#[derive(Debug, Serialize)]
pub(crate) struct News {
    #[serde(rename = "type")]
    kind: EventKind,
    #[serde(flatten)]
    shown: Shown,
}

impl Shown {
    pub(crate) fn of(job: Job) -> Self {
        Self {
            attempt: job.attempt,
            sequence: job.sequence(),
            job: JobView::plain(job),
        }
    }

    /// As it is, or brief if that is too long: what thirty clips say of themselves may be.
    fn fitting(mut self) -> Self {
        if text(&self).len() > TOLD_BYTES {
            self.job = self.job.brief();
        }
        self
    }
}

impl News {
    pub(crate) fn of(kind: EventKind, job: Job) -> Self {
        let shown = Shown::of(job).fitting();
        Self { kind, shown }
    }
}

/// As many snapshots as the jobs need, at least one.
pub(crate) fn snapshots(jobs: Vec<Job>) -> Vec<Message> {
    let (mut parts, mut bytes) = (vec![Vec::new()], 0);
    for job in jobs {
        let shown = Shown::of(job).fitting();
        let length = text(&shown).len() + 1;
        if bytes + length > TOLD_BYTES && bytes > 0 {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += length;
        if let Some(part) = parts.last_mut() {
            part.push(shown);
        }
    }
    let last = parts.len() - 1;
    let of_part = |(place, jobs)| Message::Snapshot {
        jobs,
        more: place < last,
    };
    parts.into_iter().enumerate().map(of_part).collect()
}

/// A message as it is sent.
pub(crate) fn text(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("plain data can be written as JSON")
}
