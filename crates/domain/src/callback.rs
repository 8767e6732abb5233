//! What customers are told of their jobs at addresses of theirs, and how often it is tried.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Event, EventKind, Job, JobId, JobOutput, Labels, Owner, Percent, Status, Timestamp,
    limits::{MAX_MESSAGE_BYTES, MAX_RETRY_AFTER_S, MAX_STORED_DELIVERY_ATTEMPTS},
    text::truncate,
};

/// Seconds from one try to the next; after the last of them a delivery has failed.
const PAUSES_S: [f64; 7] = [5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0];
/// How far a pause may be off, so that a receiver that comes back is not asked for everything at once.
const JITTER: f64 = 0.2;
const CANCELED: &str = "The job was canceled";
/// Digits of attempt and sequence in a delivery's id, so that ids of a job are in the order of what they tell.
const ATTEMPT_DIGITS: usize = 6;
const SEQUENCE_DIGITS: usize = 3;

/// An event that is owed to an address of a customer's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// The job that it is about.
    pub job_id: JobId,
    /// Also the id that it is signed with; ids of a job are in the order of what they tell.
    pub id: String,
    /// Whose job it is.
    pub owner: Owner,
    /// Where it goes.
    pub url: String,
    /// What is told, with plain addresses of objects.
    pub event: Event,
    /// What the customer calls job and user.
    #[serde(default)]
    pub labels: Labels,
    /// Whether it is done.
    pub state: DeliveryState,
    /// What was tried so far.
    #[serde(default, rename = "tries")]
    pub attempts: Vec<DeliveryAttempt>,
    /// Tries that count: those since it was made, or since a person asked for it again.
    #[serde(default)]
    pub failures: u32,
    /// When it may be tried next, in milliseconds since 1970.
    pub due_ms: i64,
    /// When it came to be.
    pub created_at: Timestamp,
    /// When the record may go, in seconds since 1970.
    pub expires_at: i64,
}

/// Whether a delivery is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It is to be tried.
    Pending,
    /// The receiver has taken it.
    Delivered,
    /// It was tried often enough, or the address wants nothing any more.
    Failed,
}

impl DeliveryState {
    /// Its name, as in `pending`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// One try of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    /// When it began.
    pub at: Timestamp,
    /// What the receiver answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
}

impl Delivery {
    /// How long it can be seen what was sent, and sent again, in seconds.
    pub const RETENTION_S: i64 = 30 * 24 * 3600;

    /// What is owed for a change of a job that is told; none where nobody asked for it.
    pub fn for_change(job: &Job, kind: EventKind, now: Timestamp, expires_at: i64) -> Option<Self> {
        Some(Self {
            id: Self::id_of(job),
            job_id: job.id.clone(),
            owner: job.owner.clone(),
            url: job.callback_url.clone()?,
            event: Event::from_job(job, kind),
            labels: job.labels.clone(),
            state: DeliveryState::Pending,
            attempts: Vec::new(),
            failures: 0,
            due_ms: now.as_ms(),
            created_at: now,
            expires_at,
        })
    }

    /// Writes a try down; only the newest can be looked at.
    pub fn add(&mut self, mut tried: DeliveryAttempt) {
        tried.error = tried.error.map(|error| truncate(&error, MAX_MESSAGE_BYTES));
        self.attempts.push(tried);
        let too_many = self
            .attempts
            .len()
            .saturating_sub(MAX_STORED_DELIVERY_ATTEMPTS);
        self.attempts.drain(..too_many);
    }

    /// The id of what a job's record tells.
    pub fn id_of(job: &Job) -> String {
        format!("{}-{:06}-{:03}", job.id, job.attempt, job.sequence())
    }

    /// The job that a delivery of this id is about.
    pub fn job_id_of(id: &str) -> Option<JobId> {
        let rest = id.get(..id.len().checked_sub(ATTEMPT_DIGITS + SEQUENCE_DIGITS + 2)?)?;
        rest.parse().ok()
    }
}

/// How long to wait after so many failures, at least as long as the receiver asked for; none: it has failed often enough. `chance` is
/// from 0 to 1.
pub fn retry_delay(failures: u32, chance: f64, asked: Option<Duration>) -> Option<Duration> {
    let seconds = PAUSES_S.get(failures.checked_sub(1)? as usize)?;
    let pause =
        Duration::from_secs_f64(seconds * (1.0 - JITTER + 2.0 * JITTER * chance.clamp(0.0, 1.0)));
    Some(
        pause.max(
            asked
                .unwrap_or_default()
                .min(Duration::from_secs(MAX_RETRY_AFTER_S)),
        ),
    )
}

impl Event {
    /// What a job's record says, as the event of a worker would.
    pub fn from_job(job: &Job, kind: EventKind) -> Self {
        let canceled = job.status == Status::Canceled;
        Self {
            event: kind,
            timestamp: job.updated_at,
            job_id: job.id.to_string(),
            external_job_id: Some(job.id.to_string()),
            owner_user_id: job.owner.user_id().map(str::to_owned),
            status: if canceled { Status::Failed } else { job.status },
            progress_percent: Percent::clamped(f64::from(job.progress_percent)),
            current_step: job.current_step.clone(),
            clips_completed: job.clips_completed,
            total_clips: job.total_clips,
            error: if canceled {
                Some(CANCELED.to_owned())
            } else {
                job.error_message.clone()
            },
            output: (kind == EventKind::Completed).then(|| output(job)),
            attempt: Some(job.attempt),
            sequence: Some(job.sequence()),
            stage: job.progress_stage.as_deref().and_then(named),
            error_code: if canceled {
                named("canceled")
            } else {
                job.error_code.as_deref().and_then(named)
            },
            clip: job
                .newest_clip
                .filter(|_| kind == EventKind::Progress)
                .and_then(|index| job.attempt_clips.get(&index.to_string()).cloned()),
        }
    }
}

fn output(job: &Job) -> JobOutput {
    let clips: Vec<_> = job.shown_clips().into_iter().cloned().collect();
    let worked_ms = job
        .timings
        .as_ref()
        .map(|timings| timings.values().sum::<u64>());
    JobOutput {
        total_clips: clips.len() as u32,
        source_video_title: job.source.title.clone(),
        processing_time_seconds: job
            .processing_time_seconds
            .or(worked_ms.map(|ms| ms as f64 / 1000.0)),
        considered_ms: job.considered_ms,
        source_duration_ms: job.source.duration_ms,
        timings: job.timings.clone(),
        clips,
        transcript_url: job.transcript_url.clone(),
        plan_url: job.plan_url.clone(),
    }
}

/// A value by its name, if there is one of that name.
fn named<T: serde::de::DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(json!(name)).ok()
}

impl Labels {
    /// An event as the customer is told it: with the customer's own names of job and user, where there are any.
    pub fn apply_to(&self, event: &Event) -> Value {
        let mut told = json!(event);
        let names = [
            ("external_job_id", &self.external_job_id),
            ("owner_user_id", &self.owner_user_id),
        ];
        for (field, label) in names {
            if let Some(label) = label {
                told[field] = json!(label);
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::queued;

    #[test]
    fn pauses_grow_and_end_and_a_receiver_may_ask_for_longer() {
        let seconds =
            |failures, chance| retry_delay(failures, chance, None).map(|pause| pause.as_secs_f64());
        assert_eq!(seconds(0, 0.5), None);
        let middle: Vec<_> = (1..=8)
            .map(|failures| seconds(failures, 0.5).map(f64::round))
            .collect();
        let wanted = [5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0].map(Some);
        assert_eq!((&middle[..7], middle[7]), (&wanted[..], None));
        assert_eq!((seconds(1, 0.0), seconds(1, 1.0)), (Some(4.0), Some(6.0)));
        let asked = |wish| {
            retry_delay(1, 0.5, Some(Duration::from_secs(wish))).map(|pause| pause.as_secs())
        };
        assert_eq!(
            (asked(1), asked(60), asked(1 << 40)),
            (Some(5), Some(60), Some(36_000))
        );
    }

    #[test]
    fn only_the_newest_tries_are_kept() {
        let job = Job {
            callback_url: Some("https://x.test".into()),
            ..queued()
        };
        let now = Timestamp::from_ms(0);
        let mut delivery = Delivery::for_change(&job, EventKind::Failed, now, 0).unwrap();
        for duration_ms in 0..=MAX_STORED_DELIVERY_ATTEMPTS as u64 {
            delivery.add(DeliveryAttempt {
                at: now,
                status: Some(500),
                error: None,
                duration_ms,
            });
        }
        assert_eq!(delivery.attempts.len(), MAX_STORED_DELIVERY_ATTEMPTS);
        assert_eq!(delivery.attempts[0].duration_ms, 1, "the oldest is gone");
    }

    #[test]
    fn ids_are_in_the_order_of_what_they_tell_and_lead_back_to_the_job() {
        let job = Job {
            callback_url: Some("https://x.test".into()),
            ..queued()
        };
        let later = Job {
            attempt: 2,
            ..job.clone()
        };
        let ended = Job {
            status: Status::Failed,
            ..job.clone()
        };
        let ids = [&job, &ended, &later].map(Delivery::id_of);
        assert!(ids.is_sorted());
        assert_eq!(ids[1], "job-1-000001-102");
        assert_eq!(Delivery::job_id_of(&ids[1]), Some(job.id));
        for strange in ["", "x", "é-000001-102", "../-000001-102"] {
            assert_eq!(Delivery::job_id_of(strange), None, "{strange}");
        }
    }

    #[test]
    fn a_canceled_job_is_told_as_a_failed_one_under_the_customers_names() {
        let labels = Labels {
            external_job_id: Some("order 7".into()),
            owner_user_id: None,
        };
        let job = Job {
            status: Status::Canceled,
            labels,
            ..queued()
        };
        let told = job
            .labels
            .apply_to(&Event::from_job(&job, EventKind::Failed));
        let field = |name: &str| told[name].as_str().unwrap_or("-").to_owned();
        assert_eq!(
            [
                "event",
                "status",
                "error_code",
                "external_job_id",
                "owner_user_id"
            ]
            .map(field),
            ["job.failed", "failed", "canceled", "order 7", "ann"]
        );
    }
}
