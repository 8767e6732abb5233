//! Callbacks: the job events delivered to customers' URLs, and their retry schedule.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Event, EventKind, Job, JobId, JobOutput, Labels, Owner, Percent, Status, Timestamp,
    limits::{MAX_MESSAGE_BYTES, MAX_RETRY_AFTER_S, MAX_STORED_DELIVERY_ATTEMPTS},
    text::truncate,
};

/// Seconds between delivery attempts; after the last of them the delivery fails.
const RETRY_DELAYS_S: [f64; 7] = [5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0];
/// Relative jitter of a delay, so that a receiver that recovers is not hit by all deliveries at once.
const JITTER: f64 = 0.2;
const CANCELED: &str = "The job was canceled";
/// Digits of attempt and sequence number in a delivery's id, so that the ids of a job sort in event order.
const ATTEMPT_DIGITS: usize = 6;
const SEQUENCE_DIGITS: usize = 3;

/// The delivery of one event to a customer's URL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Job that the event belongs to.
    pub job_id: JobId,
    /// Id of the delivery and of its signed message; the ids of a job sort in event order.
    pub id: String,
    /// Owner of the job.
    pub owner: Owner,
    /// URL of the receiver.
    pub url: String,
    /// The event, with unsigned object URLs.
    pub event: Event,
    /// The customer's own ids of job and user.
    #[serde(default)]
    pub labels: Labels,
    /// State of the delivery.
    pub state: DeliveryState,
    /// The attempts so far, oldest first.
    #[serde(default, rename = "tries")]
    pub attempts: Vec<DeliveryAttempt>,
    /// Failed attempts since the delivery was created or last replayed.
    #[serde(default)]
    pub failures: u32,
    /// Time of the next attempt, in milliseconds since 1970.
    pub due_ms: i64,
    /// When the delivery was created.
    pub created_at: Timestamp,
    /// When the record expires, in seconds since 1970.
    pub expires_at: i64,
}

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Another attempt is due.
    Pending,
    /// The receiver has acknowledged it.
    Delivered,
    /// All attempts failed, or the receiver has unsubscribed with status 410.
    Failed,
}

impl DeliveryState {
    /// The name on the wire, such as `pending`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// One attempt of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    /// When the attempt began.
    pub at: Timestamp,
    /// HTTP status of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why the attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Duration of the attempt.
    pub duration_ms: u64,
}

impl Delivery {
    /// How long a delivery can be listed and replayed, in seconds.
    pub const RETENTION_S: i64 = 30 * 24 * 3600;

    /// Creates the delivery for a published change of a job; `None` for a job without a callback URL.
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

    /// Records an attempt; only the newest are stored.
    pub fn add(&mut self, mut attempt: DeliveryAttempt) {
        attempt.error = attempt
            .error
            .map(|error| truncate(&error, MAX_MESSAGE_BYTES));
        self.attempts.push(attempt);
        let too_many = self
            .attempts
            .len()
            .saturating_sub(MAX_STORED_DELIVERY_ATTEMPTS);
        self.attempts.drain(..too_many);
    }

    /// Returns the id of the delivery for the current state of a job.
    pub fn id_of(job: &Job) -> String {
        format!("{}-{:06}-{:03}", job.id, job.attempt, job.sequence())
    }

    /// Parses the job's id out of a delivery's id.
    pub fn job_id_of(id: &str) -> Option<JobId> {
        let rest = id.get(..id.len().checked_sub(ATTEMPT_DIGITS + SEQUENCE_DIGITS + 2)?)?;
        rest.parse().ok()
    }
}

/// Returns the delay before the next attempt after `failures` failed ones, at least as long as the receiver's `Retry-After` asks;
/// `None` when no attempt is left. `chance` is a random number from 0 to 1.
pub fn retry_delay(failures: u32, chance: f64, asked: Option<Duration>) -> Option<Duration> {
    let seconds = RETRY_DELAYS_S.get(failures.checked_sub(1)? as usize)?;
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
    /// Builds the event that describes a job's record, in the form of a worker's event.
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

/// Parses a value from its name on the wire; `None` for an unknown name.
fn named<T: serde::de::DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(json!(name)).ok()
}

impl Labels {
    /// Returns the event as it is sent to the customer, with the customer's own ids of job and user where there are any.
    pub fn apply_to(&self, event: &Event) -> Value {
        let mut sent = json!(event);
        let names = [
            ("external_job_id", &self.external_job_id),
            ("owner_user_id", &self.owner_user_id),
        ];
        for (field, label) in names {
            if let Some(label) = label {
                sent[field] = json!(label);
            }
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::queued;

    #[test]
    fn retry_delays_grow_and_end_and_retry_after_extends_them() {
        let seconds =
            |failures, chance| retry_delay(failures, chance, None).map(|pause| pause.as_secs_f64());
        assert_eq!(seconds(0, 0.5), None);
        let middle: Vec<_> = (1..=8)
            .map(|failures| seconds(failures, 0.5).map(f64::round))
            .collect();
        let expected = [5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0].map(Some);
        assert_eq!((&middle[..7], middle[7]), (&expected[..], None));
        assert_eq!((seconds(1, 0.0), seconds(1, 1.0)), (Some(4.0), Some(6.0)));
        let with_retry_after = |seconds| {
            retry_delay(1, 0.5, Some(Duration::from_secs(seconds))).map(|pause| pause.as_secs())
        };
        assert_eq!(
            (
                with_retry_after(1),
                with_retry_after(60),
                with_retry_after(1 << 40)
            ),
            (Some(5), Some(60), Some(36_000))
        );
    }

    #[test]
    fn only_the_newest_attempts_are_stored() {
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
    fn ids_sort_in_event_order_and_contain_the_job_id() {
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
        for invalid in ["", "x", "é-000001-102", "../-000001-102"] {
            assert_eq!(Delivery::job_id_of(invalid), None, "{invalid}");
        }
    }

    #[test]
    fn a_canceled_job_is_sent_as_failed_with_the_customers_ids() {
        let labels = Labels {
            external_job_id: Some("order 7".into()),
            owner_user_id: None,
        };
        let job = Job {
            status: Status::Canceled,
            labels,
            ..queued()
        };
        let sent = job
            .labels
            .apply_to(&Event::from_job(&job, EventKind::Failed));
        let field = |name: &str| sent[name].as_str().unwrap_or("-").to_owned();
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
