//! Step Functions executions, one per attempt.

use aws_sdk_sfn::{
    Client,
    operation::{start_execution::StartExecutionError, stop_execution::StopExecutionError},
};
use domain::AttemptId;

use crate::{Connection, StoreError, error::classify};

/// The executions of the state machine that runs attempts.
#[derive(Debug, Clone)]
pub struct Executions {
    client: Client,
    machine: String,
}

impl Executions {
    /// Opens a state machine by its ARN.
    pub fn new(connection: &Connection, machine: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            machine: machine.into(),
        }
    }

    /// Starts the execution of an attempt; an existing one counts as success.
    ///
    /// # Errors
    /// When Step Functions cannot be reached or rejects the call.
    pub async fn start(&self, of: &AttemptId) -> Result<(), StoreError> {
        let input = serde_json::to_string(of).map_err(StoreError::unreadable)?;
        let started = self
            .client
            .start_execution()
            .state_machine_arn(&self.machine)
            .name(of.to_string())
            .input(input);
        match started.send().await {
            Err(why)
                if !matches!(
                    why.as_service_error(),
                    Some(StartExecutionError::ExecutionAlreadyExists(_))
                ) =>
            {
                Err(classify(why))
            }
            _ => Ok(()),
        }
    }

    /// Stops the execution of an attempt and its task; a missing or ended execution counts as success.
    ///
    /// # Errors
    /// When Step Functions cannot be reached or rejects the call.
    pub async fn stop(&self, of: &AttemptId) -> Result<(), StoreError> {
        let arn = format!(
            "{}:{of}",
            self.machine.replacen(":stateMachine:", ":execution:", 1)
        );
        match self.client.stop_execution().execution_arn(arn).send().await {
            Err(why)
                if !matches!(
                    why.as_service_error(),
                    // an ended execution gives a validation error: the name itself is always valid
                    Some(
                        StopExecutionError::ExecutionDoesNotExist(_)
                            | StopExecutionError::ValidationException(_)
                    )
                ) =>
            {
                Err(classify(why))
            }
            _ => Ok(()),
        }
    }
}
