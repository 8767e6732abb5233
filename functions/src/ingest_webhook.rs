//! `ingest-webhook`: verifies the worker's signed events and applies them to their jobs.

mod lossy;
mod parsing;
mod secret;

use aws::{ChangeResult, Connection, JobTable, SecretStore, StoreError, TimeoutProfile};
use domain::{Event, InvalidSignature, Job, Rates, SignatureHeaders, limits::MAX_EVENT_BYTES};
use lambda_http::{Body, Error, Request, Response, http::StatusCode, service_fn};
use serde_json::json;

pub(crate) use parsing::parse_event;
pub use secret::SigningSecrets;
use secret::VerifyError;

use crate::{
    config::Settings,
    http::{Problem, body, header, json_response, log_job, now, respond},
    observe::count,
    routes::{self, Endpoint},
};

/// What the function has access to.
#[derive(Debug)]
pub struct IngestWebhook {
    /// Jobs, which events change.
    pub jobs: JobTable,
    /// Secrets that events are signed with.
    pub secrets: SigningSecrets,
    /// Whether events without any signature are accepted, as workers of the old system send them.
    pub allow_unsigned: bool,
    /// Prices.
    pub rates: Rates,
}

/// Runs the function.
///
/// # Errors
/// When a setting is missing, a secret is too weak, or the runtime ends.
pub async fn serve(settings: Settings) -> Result<(), Error> {
    let connection = Connection::open(TimeoutProfile::Function).await;
    let jobs = JobTable::new(&connection, settings.jobs_table()?);
    let store = SecretStore::new(&connection);
    let webhook_secret = settings.webhook_secret()?;
    // both handshakes at once, before the first request
    let (secrets, warm) = tokio::join!(SigningSecrets::read(store, webhook_secret), jobs.warm());
    if let Err(why) = warm {
        tracing::warn!(%why, "the job table did not answer during warm-up");
    }
    let function = IngestWebhook {
        jobs,
        secrets: secrets?,
        allow_unsigned: settings.allow_unsigned_events()?,
        rates: Rates {
            credits_per_minute: settings.credits_per_minute()?,
        },
    };
    let function = &function;
    lambda_http::run(service_fn(|request: Request| async move {
        Ok::<_, Error>(function.answer(&request).await)
    }))
    .await
}

impl IngestWebhook {
    /// Answers one request.
    pub async fn answer(&self, request: &Request) -> Response<Body> {
        respond(Box::pin(self.ingest(request))).await
    }

    async fn ingest(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let (route, _) = routes::find(request).ok_or(Problem::NoRoute)?;
        if route.endpoint != Endpoint::IngestWebhook {
            return Err(Problem::NoRoute);
        }
        let bytes = body(request, MAX_EVENT_BYTES)?;
        self.verify_signature(request, bytes).await?;
        let event = parse_event(bytes, now())?;
        event
            .check()
            .map_err(|wrong| Problem::invalid(wrong.field, wrong.what))?;
        let message = header(request, "webhook-id");
        self.apply(&event, message).await
    }

    /// Verifies the signature over the raw body, before anything is parsed or a store called.
    async fn verify_signature(&self, request: &Request, bytes: &[u8]) -> Result<(), Problem> {
        let headers = SignatureHeaders {
            id: header(request, "webhook-id"),
            timestamp: header(request, "webhook-timestamp"),
            signature: header(request, "webhook-signature"),
        };
        let unsigned = ["webhook-id", "webhook-timestamp", "webhook-signature"]
            .iter()
            .all(|name| !request.headers().contains_key(*name));
        match self.secrets.verify(headers, bytes, now()).await {
            Err(VerifyError::Signature(InvalidSignature::Missing))
                if unsigned && self.allow_unsigned =>
            {
                Ok(())
            }
            Err(VerifyError::NoSecret(why)) => Err(Problem::Unavailable(StoreError::Timeout(why))),
            Err(why) => {
                tracing::warn!(%why, "event rejected: its signature cannot be verified");
                count("ingest-webhook", "EventsRefused");
                Err(Problem::Unauthorized)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Applies an event by one conditional update. The response gives the current state of the job, also to an event that comes too late.
    async fn apply(&self, event: &Event, message: Option<&str>) -> Result<Response<Body>, Problem> {
        let change = Job::apply_event(event, self.rates, now());
        let change = match message {
            Some(message) => Job::deduplicate(change, message, event, now()),
            None => change,
        };
        for id in event.job_ids() {
            log_job(&id, event.attempt);
            let changed = self.jobs.change(&id, &change).await.map_err(|why| {
                // 422, so that the worker does not send it again; the end of the job follows from its outcome
                if why.is_permanent() {
                    Problem::Unstorable(why)
                } else {
                    why.into()
                }
            })?;
            let (job, applied) = match changed {
                ChangeResult::Applied(job) => (job, true),
                ChangeResult::Rejected(job) => (job, false),
                ChangeResult::NotFound => continue,
            };
            tracing::info!(
                event = event.event.name(),
                sequence = event.sequence,
                applied,
                status = job.status.name(),
                "event received"
            );
            if let (Some(message), false, None, true) =
                (message, applied, event.attempt, event.event.is_terminal())
            {
                let ignored = Job::remember_message(message, now());
                self.jobs.change(&id, &ignored).await?;
            }
            if applied && event.event.is_terminal() {
                count(
                    "ingest-webhook",
                    if job.error_code.is_none() {
                        "JobsSucceeded"
                    } else {
                        "JobsFailed"
                    },
                );
            }
            let receipt =
                json!({"received": true, "job_status": job.status, "attempt": job.attempt});
            return Ok(json_response(StatusCode::OK, &receipt));
        }
        Err(Problem::NotFound("job"))
    }
}
