//! `start-job`: starts an execution for every attempt that the table's stream shows as queued.

use aws::{Connection, DeadLetterQueue, Executions, StoreError, TimeoutProfile};
use domain::{AttemptId, Status};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

use crate::{
    config::Settings,
    observe::count,
    permanent_failures::PermanentFailures,
    stream::{Batch, BatchAnswer},
};

/// What the function has access to.
#[derive(Debug)]
pub struct StartJob {
    /// Executions, to start them.
    pub executions: Executions,
    /// Attempts that can never be started.
    pub permanent_failures: PermanentFailures,
}

/// Runs the function.
///
/// # Errors
/// When a setting is missing or the runtime ends.
pub async fn serve(settings: Settings) -> Result<(), Error> {
    let connection = Connection::open(TimeoutProfile::Function).await;
    let function = StartJob {
        executions: Executions::new(&connection, settings.state_machine()?),
        permanent_failures: PermanentFailures::new(
            "start-job",
            DeadLetterQueue::new(&connection, settings.undelivered_queue()?),
        ),
    };
    let function = &function;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Batch>| async move {
        Ok::<_, Error>(function.handle(&event.payload).await)
    }))
    .await
}

impl StartJob {
    /// Starts the queued attempts of a batch. An existing execution counts as started, so that a batch can be retried.
    pub async fn handle(&self, batch: &Batch) -> BatchAnswer {
        batch
            .process(&self.permanent_failures, |record| self.start(record))
            .await
    }

    async fn start(&self, record: &Value) -> Result<(), StoreError> {
        let Some(of) = queued(&record["dynamodb"]["NewImage"]) else {
            return Ok(());
        };
        self.executions.start(&of).await?;
        tracing::info!("execution started");
        count("start-job", "AttemptsStarted");
        Ok(())
    }
}

/// The attempt that a record shows as queued; none for any other record.
pub(crate) fn queued(image: &Value) -> Option<AttemptId> {
    if image["status"]["S"] != Status::Queued.name() {
        return None;
    }
    let job_id = image["id"]["S"].as_str()?.parse().ok()?;
    let attempt = image["attempt"]["N"].as_str()?.parse().ok()?;
    Some(AttemptId { job_id, attempt }).filter(AttemptId::is_valid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_queued_attempts_are_started() {
        let image = |status: &str| json!({"id": {"S": "job-1"}, "status": {"S": status}, "attempt": {"N": "2"}});
        assert_eq!(queued(&image("queued")).unwrap().to_string(), "job-1-2");
        assert_eq!(queued(&image("running")), None);
        assert_eq!(queued(&Value::Null), None);
        assert_eq!(
            queued(&json!({"id": {"S": "../x"}, "status": {"S": "queued"}, "attempt": {"N": "2"}})),
            None
        );
    }
}
