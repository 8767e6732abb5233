//! What the worker reports while it works on an attempt: signed, at most one progress every two seconds, and what the answers say.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use domain::{
    AttemptId, Event, EventKind, JobId, Outcome, OutcomeRecord, Percent, Secret, Status, Timestamp,
    limits::MAX_EVENT_RETRY_AFTER_S,
};
use reqwest::StatusCode;
use serde::Deserialize;
use tokio::{sync::watch, time::Instant};
use url::Url;
use uuid::Uuid;

use crate::progress::News;

const PATH: &str = "/api/webhooks/ai-clipping";
/// Least time between two reports of progress.
const PACE: Duration = Duration::from_secs(2);
const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(10);
/// The longest that a receiver's `Retry-After` is waited for. An earlier retry would be refused again, so a longer one is the
/// end of the retries; the outcome says the same as the event.
const LONGEST_WAIT: Duration = Duration::from_secs(MAX_EVENT_RETRY_AFTER_S);

/// Where the events of an attempt go, and what they all say.
#[derive(Debug)]
pub(crate) struct Events {
    client: reqwest::Client,
    url: Url,
    secret: Option<Secret>,
    of: AttemptId,
    sequence: u32,
    /// How far the attempt is, once it is followed.
    news: Option<watch::Receiver<News>>,
    /// What the first retry waits for; each further one waits twice as long.
    first_wait: Duration,
}

/// Events cannot be sent there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidReceiver {
    #[error("the address of the receiver is none: {0}")]
    Address(#[from] url::ParseError),
    #[error("no connection can be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// What the receiver says of the job.
#[derive(Debug, Deserialize)]
struct Answer {
    job_status: Option<String>,
    attempt: Option<u32>,
}

/// Why an event did not arrive.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("no answer: {0}")]
    Silent(String),
    #[error("refused with {0}")]
    Refused(StatusCode),
    #[error("put off with {status}")]
    Later {
        status: StatusCode,
        wait: Option<Duration>,
    },
}

impl SendError {
    /// Whether the same event may be taken later, within the time that is waited for it.
    fn may_pass(&self) -> bool {
        match self {
            Self::Silent(_) => true,
            Self::Refused(_) => false,
            Self::Later { wait, .. } => wait.is_none_or(|asked| asked <= LONGEST_WAIT),
        }
    }
}

impl Events {
    /// Events to `base_url`; without a secret they are not signed.
    ///
    /// # Errors
    /// When the address is none, or TLS cannot be set up.
    pub(crate) fn new(
        base_url: &str,
        secret: Option<Secret>,
        of: AttemptId,
    ) -> Result<Self, InvalidReceiver> {
        let url = Url::parse(&format!("{}{PATH}", base_url.trim_end_matches('/')))?;
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .build()?;
        Ok(Self {
            client,
            url,
            secret,
            of,
            sequence: 0,
            news: None,
            first_wait: Duration::from_secs(1),
        })
    }

    /// Reports the start and then the progress until the receiver says that the attempt is of no use any more.
    /// `address` turns the name of a file into its address.
    pub(crate) async fn follow(
        &mut self,
        mut news: watch::Receiver<News>,
        address: impl Fn(&str) -> String,
    ) {
        self.news = Some(news.clone());
        let started = self.event(EventKind::Started, Status::Running, "Starting...");
        if self.send(&started).await {
            return;
        }
        let mut clips_told = 0;
        loop {
            let last = Instant::now();
            if news.changed().await.is_err() {
                // the pipeline is at its end, what follows is the terminal event
                return std::future::pending().await;
            }
            tokio::time::sleep_until(last + PACE).await;
            let newest = news.borrow_and_update().clone();
            let clip = newest
                .clips
                .get(clips_told)
                .map(|clip| clip.clone().with_urls(&address));
            clips_told += usize::from(clip.is_some());
            let progress = Event {
                clip,
                ..self.progress(&newest)
            };
            let sent = self.post(&message_id(), &progress).await;
            if self.is_over(&sent) {
                return;
            }
            if let Err(why) = sent {
                tracing::debug!(%why, "a report of progress is lost");
            }
            // each report has room for one clip
            if clips_told < newest.clips.len() {
                news.mark_changed();
            }
        }
    }

    /// Reports how the job ended; retried, and given up in the end: the outcome says the same.
    pub(crate) async fn end(&mut self, ended: &OutcomeRecord) {
        let event = match &ended.outcome {
            Outcome::Succeeded { output, .. } => Event {
                progress_percent: Percent::clamped(100.0),
                clips_completed: Some(output.total_clips),
                total_clips: Some(output.total_clips),
                output: Some(output.clone()),
                ..self.event(
                    EventKind::Completed,
                    Status::Succeeded,
                    "Processing complete!",
                )
            },
            Outcome::Failed {
                error,
                error_code,
                stage,
                ..
            } => Event {
                error: Some(error.clone()),
                error_code: Some(*error_code),
                stage: Some(*stage),
                event: EventKind::Failed,
                status: Status::Failed,
                current_step: "Processing failed".to_owned(),
                ..self.last_progress()
            },
        };
        self.send(&Event {
            timestamp: ended.finished_at,
            ..event
        })
        .await;
    }

    /// How far the attempt has come.
    fn last_progress(&mut self) -> Event {
        let news = self.news.as_ref().map(|news| news.borrow().clone());
        self.progress(&news.unwrap_or_default())
    }

    fn progress(&mut self, news: &News) -> Event {
        Event {
            progress_percent: Percent::clamped(news.percent.floor()),
            stage: news.stage,
            clips_completed: news.total_clips.map(|_| news.clips.len() as u32),
            total_clips: news.total_clips.map(|clips| clips as u32),
            ..self.event(EventKind::Progress, Status::Running, &news.step)
        }
    }

    fn event(&mut self, event: EventKind, status: Status, step: &str) -> Event {
        self.sequence += 1;
        let id: &JobId = &self.of.job_id;
        Event {
            event,
            timestamp: now(),
            job_id: id.to_string(),
            external_job_id: Some(id.to_string()),
            owner_user_id: None,
            status,
            progress_percent: Percent::clamped(0.0),
            current_step: domain::text::truncate(step, domain::limits::MAX_STEP_BYTES),
            clips_completed: None,
            total_clips: None,
            error: None,
            output: None,
            attempt: Some(self.of.attempt),
            sequence: Some(self.sequence),
            stage: None,
            error_code: None,
            clip: None,
        }
    }

    /// Sends an event until it arrives or three retries are used up; tells whether the attempt is over.
    async fn send(&self, event: &Event) -> bool {
        let id = message_id();
        let pace = ExponentialBuilder::default()
            .with_min_delay(self.first_wait)
            .with_factor(2.0)
            .with_max_times(3)
            .with_jitter();
        let sent = (|| self.post(&id, event))
            .retry(pace)
            .when(SendError::may_pass)
            .adjust(|why, wait| match (why, wait) {
                (
                    SendError::Later {
                        wait: Some(asked), ..
                    },
                    Some(_),
                ) => Some(*asked),
                (_, wait) => wait,
            })
            .await;
        let is_over = self.is_over(&sent);
        if let (Err(why), false) = (sent, is_over) {
            tracing::warn!(%why, event = event.event.name(), "an event is lost");
        }
        is_over
    }

    /// The id stays the same over retries, time and signature are made anew.
    async fn post(&self, id: &str, event: &Event) -> Result<Answer, SendError> {
        let body = serde_json::to_vec(event).map_err(|why| SendError::Silent(why.to_string()))?;
        let time = now();
        let request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json");
        let request = match &self.secret {
            Some(secret) => request
                .header("webhook-id", id)
                .header("webhook-timestamp", time.as_seconds().to_string())
                .header("webhook-signature", secret.sign(id, time, &body)),
            None => request,
        };
        let answer = request
            .body(body)
            .send()
            .await
            .map_err(|why| SendError::Silent(why.to_string()))?;
        let status = answer.status();
        if status.is_success() {
            let said = answer.json().await;
            return Ok(said.unwrap_or(Answer {
                job_status: None,
                attempt: None,
            }));
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let wait = egress::retry_after(answer.headers());
            return Err(SendError::Later { status, wait });
        }
        Err(SendError::Refused(status))
    }

    /// Whether the job was stopped or deleted, is at its end, or has a later attempt, as the receiver sees it.
    fn is_over(&self, sent: &Result<Answer, SendError>) -> bool {
        let answer = match sent {
            Ok(answer) => answer,
            Err(why) => return matches!(why, SendError::Refused(StatusCode::NOT_FOUND)),
        };
        let status = answer.job_status.as_deref();
        let status = status.and_then(|status| status.parse::<Status>().ok());
        let is_later = |attempt| attempt != self.of.attempt;
        status.is_some_and(Status::is_terminal) || answer.attempt.is_some_and(is_later)
    }
}

fn message_id() -> String {
    format!("msg_{}", Uuid::now_v7().simple())
}

/// The time as the machine has it.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_ms(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests;
