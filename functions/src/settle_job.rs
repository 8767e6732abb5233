//! `settle-job`: runs at the end of every execution. It applies the outcome that the attempt has stored, or queues the next attempt.

use aws::{
    Admissions, Bucket, ChangeResult, Connection, DeadLetterQueue, JobTable, StoreError,
    TimeoutProfile,
};
use domain::{AttemptId, Change, Job, JobId, OutcomeRecord, Rates, Settlement, keys};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    config::Settings, http::now, leftovers::delete_leftovers, observe::count,
    permanent_failures::PermanentFailures,
};

/// What the function has access to.
#[derive(Debug)]
pub struct SettleJob {
    /// Jobs.
    pub jobs: JobTable,
    /// Limits of active jobs, from which finished ones are released.
    pub admissions: Admissions,
    /// Outcomes of attempts.
    pub bucket: Bucket,
    /// Prices.
    pub rates: Rates,
    /// Events that can never be settled.
    pub permanent_failures: PermanentFailures,
}

/// The result for the job.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Settled {
    /// Whether the record has changed.
    changed: bool,
    /// The job's status; none if the job no longer exists.
    status: Option<domain::Status>,
}

impl Settled {
    /// The result without a job.
    const UNCHANGED: Self = Self {
        changed: false,
        status: None,
    };
}

/// Runs the function.
///
/// # Errors
/// When a setting is missing or the runtime ends.
pub async fn serve(settings: Settings) -> Result<(), Error> {
    let connection = Connection::open(TimeoutProfile::Function).await;
    let jobs = JobTable::new(&connection, settings.jobs_table()?);
    let function = SettleJob {
        admissions: Admissions::new(&connection, settings.admissions_table()?, jobs.clone()),
        jobs,
        bucket: Bucket::new(&connection, settings.bucket()?),
        rates: Rates {
            credits_per_minute: settings.credits_per_minute()?,
        },
        permanent_failures: PermanentFailures::new(
            "settle-job",
            DeadLetterQueue::new(&connection, settings.undelivered_queue()?),
        ),
    };
    // opens the connection at the cold start, so that no request pays for the handshake; the result does not matter
    let _ = function.jobs.get(&JobId::new(Uuid::nil())).await;
    let function = &function;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        function.handle(&event.payload).await.map_err(Error::from)
    }))
    .await
}

impl SettleJob {
    /// Settles the attempt that an event names: an event of the state machine, or of the end of an execution. Permanent failures go to the
    /// dead-letter
    /// queue.
    ///
    /// # Errors
    /// When the store is unavailable: the event is to be retried.
    pub async fn handle(&self, event: &Value) -> Result<Settled, StoreError> {
        let Some(of) = attempt_of(event) else {
            let why = "the event does not identify a job attempt";
            self.permanent_failures.dead_letter(event, &why).await?;
            return Ok(Settled::UNCHANGED);
        };
        let span = tracing::info_span!("job", job_id = %of.job_id, attempt = of.attempt);
        async {
            match self.settle(&of).await {
                Err(why) if why.is_permanent() => {
                    self.permanent_failures.dead_letter(event, &why).await?;
                    Ok(Settled::UNCHANGED)
                }
                settled => settled
                    .inspect_err(|why| tracing::warn!(%why, "settling failed; it will be retried")),
            }
        }
        .instrument(span)
        .await
    }

    async fn settle(&self, of: &AttemptId) -> Result<Settled, StoreError> {
        let (changed, job) = self.apply_outcome(of).await?;
        match &job {
            Some(job) => self.bucket.delete_unused_revisions(job).await?,
            // objects that its worker has stored after the deletion
            None => delete_leftovers(&self.jobs, &self.bucket, &of.job_id).await?,
        };
        Ok(Settled {
            changed,
            status: job.map(|job| job.status),
        })
    }

    /// Applies the outcome. Returns whether the record has changed, and the job as it is now; none if it no longer exists.
    async fn apply_outcome(&self, of: &AttemptId) -> Result<(bool, Option<Job>), StoreError> {
        let Some(job) = self.jobs.get(&of.job_id).await? else {
            return Ok((false, None));
        };
        let outcome = self.outcome(of).await?;
        let (changed, job) = match job.settle(of.attempt, outcome.as_ref(), self.rates, now()) {
            Settlement::Unchanged => (false, Some(job)),
            Settlement::Change(change) => self.write(&job, of, &change).await?,
        };
        if changed {
            log_settled(job.as_ref());
        }
        if let Some(job) = job.as_ref().filter(|job| job.status.is_terminal()) {
            self.admissions.release(job).await?;
        }
        Ok((changed, job))
    }

    /// Writes a change. Returns the job as it is then; none if it no longer exists.
    async fn write(
        &self,
        job: &Job,
        of: &AttemptId,
        change: &Change,
    ) -> Result<(bool, Option<Job>), StoreError> {
        let changed = match self.jobs.change(&of.job_id, change).await {
            // an outcome that the table does not accept must not keep the job from ending
            Err(StoreError::Rejected(why)) => {
                tracing::error!(%why, "the outcome cannot be stored; failing the job");
                let failed = job.fail(of.attempt, "the result cannot be stored", now());
                self.jobs.change(&of.job_id, &failed).await?
            }
            other => other?,
        };
        Ok(match changed {
            ChangeResult::Applied(job) => (true, Some(*job)),
            ChangeResult::Rejected(job) => (false, Some(*job)),
            ChangeResult::NotFound => (false, None),
        })
    }

    /// The outcome of an attempt; one that cannot be parsed counts as missing.
    async fn outcome(&self, of: &AttemptId) -> Result<Option<OutcomeRecord>, StoreError> {
        let key = keys::in_job(&of.job_id, &keys::attempt_outcome(of.attempt));
        let Some(bytes) = self.bucket.read(&key).await? else {
            return Ok(None);
        };
        Ok(serde_json::from_slice(&bytes)
            .inspect_err(
                |why| tracing::error!(%why, "the outcome cannot be read; treating it as missing"),
            )
            .ok())
    }
}

fn log_settled(job: Option<&Job>) {
    let Some(job) = job else { return };
    tracing::info!(
        status = job.status.name(),
        next_attempt = job.attempt,
        "attempt settled"
    );
    count(
        "settle-job",
        match job.status {
            domain::Status::Succeeded => "JobsSucceeded",
            domain::Status::Failed => "JobsFailed",
            _ => "AttemptsRepeated",
        },
    );
}

/// The attempt in a state machine's `{job_id, attempt}`, or in the execution name of an `EventBridge` event.
pub(crate) fn attempt_of(event: &Value) -> Option<AttemptId> {
    if let Some(name) = event["detail"]["name"].as_str() {
        return AttemptId::from_name(name);
    }
    let of: Option<AttemptId> = serde_json::from_value(event.clone()).ok();
    of.filter(AttemptId::is_valid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_kinds_of_events_name_the_attempt() {
        let named = |event: Value| attempt_of(&event).map(|of| of.to_string());
        assert_eq!(
            named(json!({"job_id": "a", "attempt": 2, "error": {}})),
            Some("a-2".into())
        );
        assert_eq!(
            named(json!({"detail": {"name": "a-b-3", "status": "ABORTED"}})),
            Some("a-b-3".into())
        );
        assert_eq!(named(json!({"job_id": "a"})), None);
        assert_eq!(named(json!({})), None);
    }
}
