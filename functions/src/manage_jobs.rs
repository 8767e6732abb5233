//! `manage-jobs`: shows, lists, cancels, retries, edits and deletes jobs; also tickets, callbacks, health and the `OpenAPI` document.

mod callbacks;
mod listing;
mod plan;
mod tickets;

pub(crate) use listing::position;

use aws::{
    Admissions, Bucket, ChangeResult, Connection, DeliveryTable, Executions, JobTable, Queue,
    ReceiverTable, SecretStore, SessionTable, ShareTable, StoreError, TimeoutProfile, UploadTable,
    UploadUse,
};
use domain::{AttemptId, Change, Job, JobId, Owner, Status, keys};
use lambda_http::{Body, Error, Request, Response, http::StatusCode, service_fn};
use uuid::Uuid;

use crate::{
    api::{
        Health,
        jobs::{JobView, ServiceJobView},
    },
    callbacks::Sender,
    caller::{self, ServiceKeys},
    config::Settings,
    http::{Problem, json_response, log_job, now, respond},
    leftovers::{delete_leftovers_and_deliveries, delete_upload},
    observe::count,
    openapi,
    rate_limit::RateLimiter,
    routes::{self, Endpoint, ManageEndpoint},
};

/// How long Step Functions reserves the name of a finished execution: 90 days, plus one.
const EXECUTION_NAME_RETENTION_S: i64 = 91 * 24 * 3600;
/// Attempts at a deletion that loses against retries.
const MAX_DELETION_ROUNDS: usize = 5;

/// What the function has access to.
#[derive(Debug)]
pub struct ManageJobs {
    /// Jobs.
    pub jobs: JobTable,
    /// Limits of active jobs, for further attempts.
    pub admissions: Admissions,
    /// Uploads, which are deleted with their last job.
    pub uploads: UploadTable,
    /// Objects of jobs.
    pub bucket: Bucket,
    /// Executions, to stop them.
    pub executions: Executions,
    /// Tickets of connections.
    pub sessions: SessionTable,
    /// URL of the WebSocket API.
    pub realtime_url: String,
    /// Callback deliveries.
    pub deliveries: DeliveryTable,
    /// Callback secrets.
    pub receivers: ReceiverTable,
    /// Messages to `deliver-callback`.
    pub callback_queue: Queue,
    /// Sends callback tests.
    pub sender: Sender,
    /// Keys of back ends.
    pub keys: ServiceKeys,
    /// Request limits.
    pub rate_limiter: RateLimiter,
    /// How many active jobs an owner may have.
    pub max_active: u32,
}

/// Runs the function.
///
/// # Errors
/// When a setting is missing or the runtime ends.
pub async fn serve(settings: Settings) -> Result<(), Error> {
    let connection = Connection::open(TimeoutProfile::Function).await;
    let jobs = JobTable::new(&connection, settings.jobs_table()?);
    let function = ManageJobs {
        admissions: Admissions::new(&connection, settings.admissions_table()?, jobs.clone()),
        jobs,
        uploads: UploadTable::new(&connection, settings.uploads_table()?),
        bucket: Bucket::new(&connection, settings.bucket()?),
        executions: Executions::new(&connection, settings.state_machine()?),
        sessions: SessionTable::new(&connection, settings.sessions_table()?),
        realtime_url: settings.realtime_url()?,
        deliveries: DeliveryTable::new(&connection, settings.deliveries_table()?),
        receivers: ReceiverTable::new(&connection, settings.receivers_table()?),
        callback_queue: Queue::new(&connection, settings.callback_queue()?),
        sender: Sender::new(settings.allow_private_callbacks()?)?,
        keys: ServiceKeys::new(SecretStore::new(&connection), settings.service_keys()?),
        rate_limiter: RateLimiter {
            shares: ShareTable::new(&connection, settings.shares_table()?),
            user_limit: settings.requests_per_minute()?,
            service_limit: settings.service_requests_per_minute()?,
        },
        max_active: settings.max_active_jobs()?,
    };
    // opens the connection at the cold start, so that no request pays for the handshake; the result does not matter
    let _ = function.jobs.get(&JobId::new(Uuid::nil())).await;
    let function = &function;
    lambda_http::run(service_fn(|request: Request| async move {
        Ok::<_, Error>(function.answer(&request).await)
    }))
    .await
}

impl ManageJobs {
    /// Answers one request.
    pub async fn answer(&self, request: &Request) -> Response<Body> {
        respond(Box::pin(self.route(request))).await
    }

    async fn route(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let (route, id) = routes::find(request).ok_or(Problem::NoRoute)?;
        match route.endpoint {
            Endpoint::ManageJobs(ManageEndpoint::Health) => {
                Ok(json_response(StatusCode::OK, &Health { status: "ok" }))
            }
            Endpoint::ManageJobs(ManageEndpoint::Describe) => {
                Ok(json_response(StatusCode::OK, &openapi::document()))
            }
            Endpoint::ManageJobs(endpoint) => {
                let owner = caller::authenticate(route.caller, request, &self.keys).await?;
                self.rate_limiter.admit(&owner).await?;
                self.answer_owner(endpoint, request, &owner, id).await
            }
            Endpoint::SubmitJob(_) | Endpoint::IngestWebhook => Err(Problem::NoRoute),
        }
    }

    /// Answers an authenticated request; `id` is the one in its path.
    async fn answer_owner(
        &self,
        endpoint: ManageEndpoint,
        request: &Request,
        owner: &Owner,
        id: &str,
    ) -> Result<Response<Body>, Problem> {
        match endpoint {
            ManageEndpoint::List => self.list(request, owner).await,
            ManageEndpoint::Show => self.show(self.find(owner, &job_id(id)?).await?).await,
            ManageEndpoint::ShowForService => {
                let job = self.find(owner, &job_id(id)?).await?;
                let view = ServiceJobView::with_links(job, &self.bucket).await?;
                Ok(json_response(StatusCode::OK, &view))
            }
            ManageEndpoint::Delete => self.delete(owner, &job_id(id)?).await,
            ManageEndpoint::Cancel => self.cancel(owner, &job_id(id)?).await,
            ManageEndpoint::Retry => self.retry(owner, &job_id(id)?).await,
            ManageEndpoint::EditPlan => self.edit_plan(request, owner, &job_id(id)?).await,
            ManageEndpoint::IssueTicket => self.issue_ticket(owner).await,
            ManageEndpoint::RotateSecret => self.rotate_secret(owner).await,
            ManageEndpoint::TestCallback => self.test_callback(request, owner).await,
            ManageEndpoint::Deliveries => {
                let job = self.find(owner, &job_id(id)?).await?;
                self.deliveries_of(request, &job).await
            }
            ManageEndpoint::Replay => self.replay(owner, id).await,
            ManageEndpoint::Health | ManageEndpoint::Describe => Err(Problem::NoRoute),
        }
    }

    /// The owner's job of this id.
    async fn find(&self, owner: &Owner, id: &JobId) -> Result<Job, Problem> {
        log_job(id, None);
        let job = self
            .jobs
            .get(id)
            .await?
            .filter(|job| job.owner == *owner)
            .ok_or(Problem::NotFound("job"))?;
        log_job(id, Some(job.attempt));
        Ok(job)
    }

    async fn show(&self, job: Job) -> Result<Response<Body>, Problem> {
        Ok(json_response(
            StatusCode::OK,
            &JobView::with_links(job, &self.bucket).await?,
        ))
    }

    /// Writes `canceled` first: if the request dies after that, the worker learns it with the response to its next event.
    async fn cancel(&self, owner: &Owner, id: &JobId) -> Result<Response<Body>, Problem> {
        log_job(id, None);
        match self.jobs.change(id, &Job::cancel(owner, now())).await? {
            ChangeResult::Applied(job) => {
                count("manage-jobs", "JobsCanceled");
                self.executions.stop(&attempt_of(&job)).await?;
                self.show(*job).await
            }
            // canceled before, perhaps by a request that died before it stopped the execution
            ChangeResult::Rejected(job)
                if job.owner == *owner && job.status == Status::Canceled =>
            {
                self.executions.stop(&attempt_of(&job)).await?;
                self.show(*job).await
            }
            ChangeResult::Rejected(job) if job.owner == *owner => Err(ended_already(&job)),
            _ => Err(Problem::NotFound("job")),
        }
    }

    async fn retry(&self, owner: &Owner, id: &JobId) -> Result<Response<Body>, Problem> {
        let job = self.find(owner, id).await?;
        self.check_source(&job).await?;
        match self.start_attempt(&job, &job.retry(now())).await? {
            ChangeResult::Applied(job) => {
                Ok(json_response(StatusCode::ACCEPTED, &JobView::plain(*job)))
            }
            // a repeated request whose first response was lost
            ChangeResult::Rejected(now)
                if now.is_next_attempt_of(&job) && now.edited_plan == job.edited_plan =>
            {
                Ok(json_response(StatusCode::ACCEPTED, &JobView::plain(*now)))
            }
            ChangeResult::Rejected(job) => Err(Problem::Conflict {
                code: "job_not_retryable",
                message: format!(
                    "only a failed or canceled job can be retried; this one is {}",
                    job.status.name()
                ),
            }),
            ChangeResult::NotFound => Err(Problem::NotFound("job")),
        }
    }

    /// Starts another attempt, if the owner may have another active job.
    async fn start_attempt(&self, job: &Job, change: &Change) -> Result<ChangeResult, Problem> {
        let changed = self
            .admissions
            .restart(job, change, self.max_active)
            .await?;
        changed.ok_or(Problem::TooManyActive(self.max_active))
    }

    /// Deletes all objects before the record, so that an interrupted deletion can be repeated. Objects that are stored after their listing are
    /// left to
    /// `settle-job` and `sweep-jobs`.
    async fn delete(&self, owner: &Owner, id: &JobId) -> Result<Response<Body>, Problem> {
        let seen = self.find(owner, id).await?;
        // a round is lost when another attempt starts in between
        for _ in 0..MAX_DELETION_ROUNDS {
            let is_gone = match self.jobs.change(id, &Job::cancel(owner, now())).await? {
                ChangeResult::Applied(job) | ChangeResult::Rejected(job) => {
                    self.delete_all_of(&job).await?
                }
                ChangeResult::NotFound => {
                    self.delete_rest_of(&seen).await?;
                    true
                }
            };
            if is_gone {
                let mut gone = Response::new(Body::Empty);
                *gone.status_mut() = StatusCode::NO_CONTENT;
                return Ok(gone);
            }
        }
        Err(Problem::Conflict {
            code: "job_busy",
            message: "the job was retried while it was being deleted; send the request again"
                .to_owned(),
        })
    }

    /// Deletes the objects of an existing job, then its record; `false` if another attempt has started in between.
    async fn delete_all_of(&self, job: &Job) -> Result<bool, StoreError> {
        self.executions.stop(&attempt_of(job)).await?;
        let stored = self.bucket.list(&keys::in_job(&job.id, "")).await?;
        self.bucket.delete(&stored).await?;
        let upload = UploadUse::of(job);
        delete_upload(&self.uploads, &self.bucket, upload.as_ref()).await?;
        self.deliveries.delete_all(&job.id).await?;
        self.admissions.release(job).await?;
        let now = now();
        let until = now.as_seconds() + EXECUTION_NAME_RETENTION_S;
        let is_gone = self.jobs.delete(job, now, until).await?;
        tracing::info!(objects = stored.len(), is_gone, "job deleted");
        Ok(is_gone)
    }

    /// Deletes what another request's deletion of the job has left, and nothing of a new job with the same id.
    async fn delete_rest_of(&self, seen: &Job) -> Result<(), StoreError> {
        self.executions.stop(&attempt_of(seen)).await?;
        let left =
            delete_leftovers_and_deliveries(&self.jobs, &self.bucket, &self.deliveries, &seen.id);
        left.await?;
        let upload = UploadUse::of(seen);
        delete_upload(&self.uploads, &self.bucket, upload.as_ref()).await?;
        self.admissions.release(seen).await
    }
}

fn job_id(id: &str) -> Result<JobId, Problem> {
    id.parse().map_err(|_| Problem::NotFound("job"))
}

fn attempt_of(job: &Job) -> AttemptId {
    AttemptId {
        job_id: job.id.clone(),
        attempt: job.attempt,
    }
}

fn ended_already(job: &Job) -> Problem {
    let message = format!("the job has already ended: {}", job.status.name());
    Problem::Conflict {
        code: "job_ended",
        message,
    }
}
