//! Callbacks as their owner manages them: secrets, tests of an address, what was sent when, and again.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    Delivery, DeliveryState, DeliveryTry, Event, EventKind, Job, JobOutput, Labels, Owner, Percent,
    Status, Timestamp, limits::CALLBACK_TEST_BYTES,
};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ManageJobs;
use crate::{
    callbacks,
    deliver_callback::DeliveryMessage,
    http::{PageBudget, Problem, about, answer, body, now, parse},
};

const SECRET_BYTES: usize = 32;
/// How long callbacks are signed with the secret before as well.
const PREVIOUS_HOLDS_S: i64 = 24 * 3600;

/// A new secret for callbacks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewSecret {
    /// the secret, shown only in this response
    secret: String,
    /// until when callbacks are also signed with the previous secret
    #[schema(value_type = Option<String>, format = DateTime)]
    previous_valid_until: Option<Timestamp>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CallbackTest {
    /// the address to send a signed sample to
    #[schema(example = "https://example.com/hooks")]
    url: String,
}

/// The result of a callback test.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallbackTestResult {
    delivered: bool,
    status: Option<u16>,
    error: Option<String>,
    duration_ms: u64,
}

/// A page of a job's deliveries, in the order of their events.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryList {
    deliveries: Vec<DeliveryView>,
    /// cursor of the next page, `null` on the last
    next_cursor: Option<String>,
}

/// A callback that was sent or is pending.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    id: String,
    /// `job.started`, `job.completed` or `job.failed`
    event: &'static str,
    url: String,
    /// `pending`, `delivered` or `failed`
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// only while the delivery is pending
    #[schema(value_type = Option<String>, format = DateTime)]
    next_try_at: Option<Timestamp>,
    tries: Vec<TryView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryTry)]
struct TryView {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    status: Option<u16>,
    error: Option<String>,
    duration_ms: u64,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let is_pending = delivery.state == DeliveryState::Pending;
        Self {
            id: delivery.id,
            event: delivery.event.event.name(),
            url: delivery.url,
            state: delivery.state.name(),
            created_at: delivery.created_at,
            next_try_at: is_pending.then(|| Timestamp::from_ms(delivery.due_ms)),
            tries: delivery.tries.into_iter().map(TryView::from).collect(),
        }
    }
}

impl From<DeliveryTry> for TryView {
    fn from(tried: DeliveryTry) -> Self {
        Self {
            at: tried.at,
            status: tried.status,
            error: tried.error,
            duration_ms: tried.duration_ms,
        }
    }
}

impl ManageJobs {
    pub(super) async fn rotate_secret(&self, owner: &Owner) -> Result<Response<Body>, Problem> {
        let mut random = [0; SECRET_BYTES];
        getrandom::fill(&mut random).map_err(Problem::internal)?;
        let secret = format!("whsec_{}", BASE64_STANDARD.encode(random));
        let until = now().as_seconds() + PREVIOUS_HOLDS_S;
        let rotated = self
            .receivers
            .rotate(owner, &secret, now().as_seconds(), until);
        let had_one = rotated.await?;
        tracing::info!("callback secret created");
        let made = NewSecret {
            secret,
            previous_valid_until: had_one.then(|| Timestamp::from_ms(until * 1000)),
        };
        Ok(answer(StatusCode::CREATED, &made))
    }

    /// Sends a signed sample; an address that takes it is used again if it was not any more.
    pub(super) async fn test_callback(
        &self,
        request: &Request,
        owner: &Owner,
    ) -> Result<Response<Body>, Problem> {
        let test: CallbackTest = parse(body(request, CALLBACK_TEST_BYTES)?)?;
        let url = self.sender.addresses.check(&test.url);
        let url = url.map_err(|why| Problem::invalid("url", why))?;
        let receiver = self.receivers.get(owner).await?;
        if receiver.secret.is_none() {
            return Err(Problem::invalid(
                "url",
                "callbacks are signed with a secret; create one with POST callback-secrets first",
            ));
        }
        let id = format!("test-{}", Uuid::now_v7());
        let sample = callbacks::body_of(&sample(), &Labels::default(), &self.bucket).await?;
        let sent = self.sender.send(url.as_str(), &id, sample, &receiver).await;
        if sent.is_taken {
            self.receivers.enable(owner, url.as_str()).await?;
        }
        let result = CallbackTestResult {
            delivered: sent.is_taken,
            status: sent.tried.status,
            error: sent.tried.error,
            duration_ms: sent.tried.duration_ms,
        };
        Ok(answer(StatusCode::OK, &result))
    }

    /// A job's deliveries in the order of what they tell, from the one after `cursor` on.
    pub(super) async fn deliveries_of(
        &self,
        job: &Job,
        cursor: Option<&str>,
    ) -> Result<Response<Body>, Problem> {
        let known = |cursor: &&str| Delivery::job_of(cursor).as_ref() == Some(&job.id);
        if cursor.is_some_and(|cursor| !known(&cursor)) {
            return Err(Problem::invalid(
                "cursor",
                "must be a nextCursor returned by this list",
            ));
        }
        let deliveries = self.deliveries.of(&job.id).await?;
        let from = cursor.unwrap_or_default();
        let mut budget = PageBudget::new();
        let mut list = DeliveryList::default();
        for delivery in deliveries.into_iter().filter(|one| *one.id > *from) {
            let shown = DeliveryView::from(delivery);
            if !budget.takes(&shown) {
                list.next_cursor = list.deliveries.last().map(|last| last.id.clone());
                break;
            }
            list.deliveries.push(shown);
        }
        Ok(answer(StatusCode::OK, &list))
    }

    /// Sends a delivery once more, with all its tries; one that waits for its next try is due at once.
    pub(super) async fn replay(
        &self,
        owner: &Owner,
        id: Option<&str>,
    ) -> Result<Response<Body>, Problem> {
        let missing = || Problem::NotFound("delivery");
        let id = id.ok_or_else(missing)?;
        let job_id = Delivery::job_of(id).ok_or_else(missing)?;
        about(&job_id, None);
        let delivery = self.deliveries.get(&job_id, id).await?;
        let delivery = delivery.filter(|delivery| delivery.owner == *owner);
        let delivery = delivery.ok_or_else(missing)?;
        let receiver = self.receivers.get(owner).await?;
        if receiver.is_disabled(&delivery.url) {
            return Err(Problem::Conflict {
                code: "address_disabled",
                message: "the address is disabled because it answered 410; send it a callback test to enable it again"
                    .to_owned(),
            });
        }
        let now = now();
        let until = now.as_seconds() + Delivery::KNOWN_S;
        let replayed = self.deliveries.replay(&delivery, now.as_ms(), until);
        let delivery = replayed.await?.ok_or_else(missing)?;
        let message = DeliveryMessage::now(&job_id, owner);
        self.callback_queue
            .send(owner, &message, Duration::ZERO)
            .await?;
        Ok(answer(StatusCode::ACCEPTED, &DeliveryView::from(delivery)))
    }
}

/// What a test sends.
fn sample() -> Event {
    let id = Uuid::nil().to_string();
    Event {
        event: EventKind::Completed,
        timestamp: now(),
        external_job_id: Some(id.clone()),
        job_id: id,
        owner_user_id: None,
        status: Status::Succeeded,
        progress_percent: Percent::clamped(100.0),
        current_step: "This is a test".to_owned(),
        clips_completed: Some(0),
        total_clips: Some(0),
        error: None,
        output: Some(JobOutput {
            source_video_title: Some("Test".to_owned()),
            ..JobOutput::default()
        }),
        attempt: None,
        sequence: None,
        stage: None,
        error_code: None,
        clip: None,
    }
}
