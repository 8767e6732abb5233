//! Callback management: secrets, tests, the history of deliveries and replays.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    Delivery, Event, EventKind, Job, JobOutput, Labels, Owner, Percent, Status, Timestamp,
    limits::MAX_CALLBACK_TEST_BYTES,
};
use lambda_http::{Body, Request, RequestExt, Response, http::StatusCode};
use uuid::Uuid;

use super::ManageJobs;
use crate::{
    api::callbacks::{CallbackTest, CallbackTestResult, DeliveryList, DeliveryView, NewSecret},
    callbacks,
    deliver_callback::DeliveryMessage,
    http::{Problem, body, json_response, log_job, now, parse},
};

const SECRET_BYTES: usize = 32;
/// How long callbacks are also signed with the previous secret.
const PREVIOUS_SECRET_LIFETIME_S: i64 = 24 * 3600;

impl ManageJobs {
    pub(super) async fn rotate_secret(&self, owner: &Owner) -> Result<Response<Body>, Problem> {
        let mut random = [0; SECRET_BYTES];
        getrandom::fill(&mut random).map_err(Problem::internal)?;
        let secret = format!("whsec_{}", BASE64_STANDARD.encode(random));
        let until = now().as_seconds() + PREVIOUS_SECRET_LIFETIME_S;
        let rotated = self
            .receivers
            .rotate(owner, &secret, now().as_seconds(), until);
        let had_one = rotated.await?;
        tracing::info!("callback secret created");
        let made = NewSecret {
            secret,
            previous_valid_until: had_one.then(|| Timestamp::from_ms(until * 1000)),
        };
        Ok(json_response(StatusCode::CREATED, &made))
    }

    /// Sends a signed sample; a success enables a disabled address again.
    pub(super) async fn test_callback(
        &self,
        request: &Request,
        owner: &Owner,
    ) -> Result<Response<Body>, Problem> {
        let test: CallbackTest = parse(body(request, MAX_CALLBACK_TEST_BYTES)?)?;
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
        let sample = callbacks::body_of(&sample_event(), &Labels::default(), &self.bucket).await?;
        let sent = self.sender.send(url.as_str(), &id, sample, &receiver).await;
        if sent.is_accepted {
            self.receivers.enable(owner, url.as_str()).await?;
        }
        let result = CallbackTestResult {
            delivered: sent.is_accepted,
            status: sent.attempt.status,
            error: sent.attempt.error,
            duration_ms: sent.attempt.duration_ms,
        };
        Ok(json_response(StatusCode::OK, &result))
    }

    /// Lists a job's deliveries in the order of their events, starting after the cursor.
    pub(super) async fn deliveries_of(
        &self,
        request: &Request,
        job: &Job,
    ) -> Result<Response<Body>, Problem> {
        let query = request.query_string_parameters();
        let cursor = query.first("cursor");
        let known = |cursor: &&str| Delivery::job_id_of(cursor).as_ref() == Some(&job.id);
        if cursor.is_some_and(|cursor| !known(&cursor)) {
            return Err(Problem::invalid(
                "cursor",
                "must be a nextCursor returned by this list",
            ));
        }
        let deliveries = self.deliveries.list(&job.id).await?;
        let from = cursor.unwrap_or_default();
        let after = deliveries.into_iter().filter(|one| *one.id > *from);
        Ok(json_response(StatusCode::OK, &DeliveryList::page(after)))
    }

    /// Sends a delivery again with all its attempts; a pending one becomes due now.
    pub(super) async fn replay(&self, owner: &Owner, id: &str) -> Result<Response<Body>, Problem> {
        let missing = || Problem::NotFound("delivery");
        let job_id = Delivery::job_id_of(id).ok_or_else(missing)?;
        log_job(&job_id, None);
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
        let until = now.as_seconds() + Delivery::RETENTION_S;
        let replayed = self.deliveries.replay(&delivery, now.as_ms(), until);
        let delivery = replayed.await?.ok_or_else(missing)?;
        let message = DeliveryMessage::now(&job_id, owner);
        self.callback_queue
            .send(owner, &message, Duration::ZERO)
            .await?;
        Ok(json_response(
            StatusCode::ACCEPTED,
            &DeliveryView::from(delivery),
        ))
    }
}

/// The event of a callback test.
fn sample_event() -> Event {
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
