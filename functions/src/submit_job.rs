//! `submit-job`: accepts submissions of users and back ends, and uploads of sources.

mod uploads;

use aws::{
    Admissions, Bucket, Connection, Created, JobTable, ReceiverTable, SecretStore, ShareTable,
    TimeoutProfile, UploadTable,
};
use domain::{
    Job, JobId, Owner, Submission, is_valid_id,
    limits::{MAX_IDEMPOTENCY_KEY_CHARS, MAX_JOBS_PER_UPLOAD, MAX_SUBMISSION_BYTES},
};
use egress::Guard;
use lambda_http::{Body, Error, Request, Response, http::StatusCode, service_fn};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    api::{
        jobs::{Accepted, JobView},
        submissions::{ServiceSubmission, UserSubmission},
    },
    callbacks::Addresses,
    caller::{self, ServiceKeys},
    config::Settings,
    http::{Problem, body, header, json_response, log_job, now, parse, respond},
    observe::count,
    rate_limit::RateLimiter,
    routes::{self, Endpoint, SubmitEndpoint},
};

/// What the function has access to.
#[derive(Debug)]
pub struct SubmitJob {
    /// Existing jobs.
    pub jobs: JobTable,
    /// New jobs, and limits of active ones.
    pub admissions: Admissions,
    /// Uploads of sources.
    pub uploads: UploadTable,
    /// Upload slots of each owner.
    pub shares: ShareTable,
    /// Objects of uploads.
    pub bucket: Bucket,
    /// Callback secrets.
    pub receivers: ReceiverTable,
    /// Checks callback addresses.
    pub addresses: Addresses,
    /// Checks addresses of sources.
    pub sources: Guard,
    /// Keys of back ends.
    pub keys: ServiceKeys,
    /// Request limits.
    pub rate_limiter: RateLimiter,
    /// How many active jobs an owner may have.
    pub max_active: u32,
    /// Size limit of an upload.
    pub max_upload_bytes: u64,
}

/// Runs the function.
///
/// # Errors
/// When a setting is missing or the runtime ends.
pub async fn serve(settings: Settings) -> Result<(), Error> {
    let connection = Connection::open(TimeoutProfile::Function).await;
    let jobs = JobTable::new(&connection, settings.jobs_table()?);
    let function = SubmitJob {
        admissions: Admissions::new(&connection, settings.admissions_table()?, jobs.clone()),
        jobs,
        uploads: UploadTable::new(&connection, settings.uploads_table()?),
        shares: ShareTable::new(&connection, settings.shares_table()?),
        bucket: Bucket::new(&connection, settings.bucket()?),
        receivers: ReceiverTable::new(&connection, settings.receivers_table()?),
        addresses: Addresses::new(settings.allow_private_callbacks()?),
        sources: Guard::new(settings.allow_private_sources()?),
        keys: ServiceKeys::new(SecretStore::new(&connection), settings.service_keys()?),
        rate_limiter: RateLimiter {
            shares: ShareTable::new(&connection, settings.shares_table()?),
            user_limit: settings.requests_per_minute()?,
            service_limit: settings.service_requests_per_minute()?,
        },
        max_active: settings.max_active_jobs()?,
        max_upload_bytes: settings.max_upload_bytes()?,
    };
    // opens the connection at the cold start, so that no request pays for the handshake; the result does not matter
    let _ = function.jobs.get(&JobId::new(Uuid::nil())).await;
    let function = &function;
    lambda_http::run(service_fn(|request: Request| async move {
        Ok::<_, Error>(function.answer(&request).await)
    }))
    .await
}

impl SubmitJob {
    /// Answers one request.
    pub async fn answer(&self, request: &Request) -> Response<Body> {
        respond(Box::pin(self.route(request))).await
    }

    async fn route(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let (route, id) = routes::find(request).ok_or(Problem::NoRoute)?;
        let Endpoint::SubmitJob(endpoint) = route.endpoint else {
            return Err(Problem::NoRoute);
        };
        let owner = caller::authenticate(route.caller, request, &self.keys).await?;
        self.rate_limiter.admit(&owner).await?;
        match endpoint {
            SubmitEndpoint::Submit => self.submit_for_user(request, owner).await,
            SubmitEndpoint::SubmitForService => self.submit_for_service(request, owner).await,
            SubmitEndpoint::BeginUpload => self.begin_upload(request, owner).await,
            SubmitEndpoint::LinkParts => self.link_parts(request, &owner, id).await,
            SubmitEndpoint::CompleteUpload => self.complete_upload(request, &owner, id).await,
        }
    }

    async fn submit_for_user(
        &self,
        request: &Request,
        owner: Owner,
    ) -> Result<Response<Body>, Problem> {
        let (key, bytes) = (
            idempotency_key(request)?,
            body(request, MAX_SUBMISSION_BYTES)?,
        );
        let body_sha256 = key.map(|_| sha256(bytes));
        let mut submission =
            parse::<UserSubmission>(bytes)?.check(owner, body_sha256, &self.sources)?;
        self.check_callback(&mut submission, "callbackUrl")?;
        self.check_secret(&submission).await?;
        let job = self.submit(submission, key).await?;
        let location = format!("/api/ai-clipping-agent/jobs/{}", job.id);
        accepted(&location, &JobView::plain(job))
    }

    async fn submit_for_service(
        &self,
        request: &Request,
        owner: Owner,
    ) -> Result<Response<Body>, Problem> {
        let (key, bytes) = (
            idempotency_key(request)?,
            body(request, MAX_SUBMISSION_BYTES)?,
        );
        let body_sha256 = key.map(|_| sha256(bytes));
        let mut submission =
            parse::<ServiceSubmission>(bytes)?.check(owner, body_sha256, &self.sources)?;
        self.check_callback(&mut submission, "callback_url")?;
        let job = self.submit(submission, key).await?;
        let location = format!("/ai-clipping/jobs/{}", job.id);
        accepted(&location, &Accepted::from(&job))
    }

    /// Checks the callback address and normalises it.
    fn check_callback(&self, submission: &mut Submission, field: &str) -> Result<(), Problem> {
        if let Some(url) = &mut submission.callback_url {
            let checked = self.addresses.check(url);
            *url = checked
                .map_err(|why| Problem::invalid(field, why))?
                .to_string();
        }
        Ok(())
    }

    /// Requires a secret for the callbacks of a user, which are always signed.
    async fn check_secret(&self, submission: &Submission) -> Result<(), Problem> {
        let is_called_back = submission.callback_url.is_some();
        if is_called_back
            && self
                .receivers
                .get(&submission.owner)
                .await?
                .secret
                .is_none()
        {
            return Err(Problem::invalid(
                "callbackUrl",
                "callbacks are signed with a secret; create one with POST callback-secrets first",
            ));
        }
        Ok(())
    }

    /// Stores the job in one transaction with its place in the owner's limit; everything else follows from the table's stream.
    async fn submit(&self, mut submission: Submission, key: Option<&str>) -> Result<Job, Problem> {
        let id = match key {
            Some(key) => JobId::from_idempotency_key(&submission.owner, key),
            None => JobId::new(Uuid::now_v7()),
        };
        log_job(&id, None);
        let body_sha256 = submission.body_sha256.clone();
        if let Err(obstacle) = self.find_upload(&mut submission).await {
            // a repeated submission returns its job even if the upload is gone
            let before = match key {
                Some(_) => self.jobs.get(&id).await?,
                None => None,
            };
            return before.map_or(Err(obstacle), |job| of_same_body(job, body_sha256.as_ref()));
        }
        let job = Job::new(id, submission, now());
        let created = self
            .admissions
            .create_from_upload(&job, &self.uploads, self.max_active);
        match created
            .await?
            .ok_or(Problem::TooManyActive(self.max_active))?
        {
            Created::New(job) => {
                log_job(&job.id, Some(job.attempt));
                tracing::info!("job submitted");
                count("submit-job", "JobsSubmitted");
                Ok(*job)
            }
            Created::Existing(existing) => of_same_body(*existing, body_sha256.as_ref()),
            Created::NoUpload => Err(Problem::invalid(
                "uploadId",
                format!(
                    "the upload has expired or been deleted, or already has the maximum of {MAX_JOBS_PER_UPLOAD} jobs"
                ),
            )),
        }
    }

    async fn find_upload(&self, submission: &mut Submission) -> Result<(), Problem> {
        let Some(id) = &submission.source.upload_id else {
            return Ok(());
        };
        let upload = if is_valid_id(id) {
            let now = now().as_seconds();
            self.uploads.get(id, &submission.owner, now).await?
        } else {
            None
        };
        let complete = upload.filter(|upload| upload.complete);
        let complete = complete.ok_or_else(|| {
            Problem::invalid("uploadId", "there is no completed upload with this id")
        })?;
        submission.source.upload_key = Some(complete.key);
        submission.source.title = Some(complete.title).filter(|title| !title.trim().is_empty());
        Ok(())
    }
}

/// The existing job of an idempotency key, if it was made from the same body.
fn of_same_body(job: Job, body_sha256: Option<&String>) -> Result<Job, Problem> {
    if job.body_sha256.as_ref() == body_sha256 {
        Ok(job)
    } else {
        Err(Problem::KeyReused)
    }
}

fn accepted(location: &str, body: &impl serde::Serialize) -> Result<Response<Body>, Problem> {
    let mut response = json_response(StatusCode::ACCEPTED, body);
    response
        .headers_mut()
        .insert("location", location.parse().map_err(Problem::internal)?);
    Ok(response)
}

fn idempotency_key(request: &Request) -> Result<Option<&str>, Problem> {
    if !request.headers().contains_key("idempotency-key") {
        return Ok(None);
    }
    let key = header(request, "idempotency-key")
        .filter(|key| (1..=MAX_IDEMPOTENCY_KEY_CHARS).contains(&key.len()));
    let invalid = || {
        Problem::invalid(
            "Idempotency-Key",
            format!("must have 1 to {MAX_IDEMPOTENCY_KEY_CHARS} visible ASCII characters"),
        )
    };
    key.map(Some).ok_or_else(invalid)
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
