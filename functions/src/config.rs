//! The environment variables of the functions, read once at the cold start. A missing or invalid one is reported by its name.

use std::str::FromStr;

use domain::limits::MAX_UPLOAD_BYTES;

/// A missing or invalid environment variable.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {name} is {what}")]
pub struct InvalidSetting {
    /// Name of the variable.
    pub name: &'static str,
    /// What is wrong with it.
    pub what: String,
}

/// The environment of a function.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings;

impl Settings {
    /// `JOBS_TABLE`: name of the table of jobs.
    ///
    /// # Errors
    /// When it is not set.
    pub fn jobs_table(self) -> Result<String, InvalidSetting> {
        required("JOBS_TABLE")
    }

    /// `ADMISSIONS_TABLE`: name of the table of each owner's active jobs.
    ///
    /// # Errors
    /// When it is not set.
    pub fn admissions_table(self) -> Result<String, InvalidSetting> {
        required("ADMISSIONS_TABLE")
    }

    /// `UPLOADS_TABLE`: name of the table of uploads.
    ///
    /// # Errors
    /// When it is not set.
    pub fn uploads_table(self) -> Result<String, InvalidSetting> {
        required("UPLOADS_TABLE")
    }

    /// `SESSIONS_TABLE`: name of the table of tickets and open connections.
    ///
    /// # Errors
    /// When it is not set.
    pub fn sessions_table(self) -> Result<String, InvalidSetting> {
        required("SESSIONS_TABLE")
    }

    /// `LISTENERS_TABLE`: name of the table of subscriptions.
    ///
    /// # Errors
    /// When it is not set.
    pub fn listeners_table(self) -> Result<String, InvalidSetting> {
        required("LISTENERS_TABLE")
    }

    /// `REALTIME_URL`: URL of the WebSocket API with its stage.
    ///
    /// # Errors
    /// When it is not set.
    pub fn realtime_url(self) -> Result<String, InvalidSetting> {
        required("REALTIME_URL")
    }

    /// `DELIVERIES_TABLE`: name of the table of callback deliveries.
    ///
    /// # Errors
    /// When it is not set.
    pub fn deliveries_table(self) -> Result<String, InvalidSetting> {
        required("DELIVERIES_TABLE")
    }

    /// `RECEIVERS_TABLE`: name of the table of customers' secrets for callbacks.
    ///
    /// # Errors
    /// When it is not set.
    pub fn receivers_table(self) -> Result<String, InvalidSetting> {
        required("RECEIVERS_TABLE")
    }

    /// `SHARES_TABLE`: name of the table of each owner's slots and request counts.
    ///
    /// # Errors
    /// When it is not set.
    pub fn shares_table(self) -> Result<String, InvalidSetting> {
        required("SHARES_TABLE")
    }

    /// `REQUESTS_PER_MINUTE`: request limit of a user per minute, 600 if not set.
    ///
    /// # Errors
    /// When it is not a number.
    pub fn requests_per_minute(self) -> Result<u32, InvalidSetting> {
        parsed("REQUESTS_PER_MINUTE", 600)
    }

    /// `SERVICE_REQUESTS_PER_MINUTE`: request limit of a back end, which may have many users, per minute, 6000 if not set.
    ///
    /// # Errors
    /// When it is not a number.
    pub fn service_requests_per_minute(self) -> Result<u32, InvalidSetting> {
        parsed("SERVICE_REQUESTS_PER_MINUTE", 6000)
    }

    /// `CALLBACK_QUEUE`: URL of the queue of callbacks.
    ///
    /// # Errors
    /// When it is not set.
    pub fn callback_queue(self) -> Result<String, InvalidSetting> {
        required("CALLBACK_QUEUE")
    }

    /// `UNDELIVERED_QUEUE`: URL of the dead-letter queue.
    ///
    /// # Errors
    /// When it is not set.
    pub fn undelivered_queue(self) -> Result<String, InvalidSetting> {
        required("UNDELIVERED_QUEUE")
    }

    /// `ALLOW_PRIVATE_CALLBACKS`: whether callbacks may go to private addresses and without TLS; only for a service on one machine.
    ///
    /// # Errors
    /// When it is neither `true` nor `false`.
    pub fn allow_private_callbacks(self) -> Result<bool, InvalidSetting> {
        parsed("ALLOW_PRIVATE_CALLBACKS", false)
    }

    /// `ALLOW_PRIVATE_SOURCES`: whether sources may be on private addresses; only for a service on one machine.
    ///
    /// # Errors
    /// When it is neither `true` nor `false`.
    pub fn allow_private_sources(self) -> Result<bool, InvalidSetting> {
        parsed("ALLOW_PRIVATE_SOURCES", false)
    }

    /// `BUCKET`: name of the bucket.
    ///
    /// # Errors
    /// When it is not set.
    pub fn bucket(self) -> Result<String, InvalidSetting> {
        required("BUCKET")
    }

    /// `STATE_MACHINE_ARN`: ARN of the state machine that runs attempts.
    ///
    /// # Errors
    /// When it is not set.
    pub fn state_machine(self) -> Result<String, InvalidSetting> {
        required("STATE_MACHINE_ARN")
    }

    /// `SERVICE_KEYS`: name of the secret with the back ends' keys.
    ///
    /// # Errors
    /// When it is not set.
    pub fn service_keys(self) -> Result<String, InvalidSetting> {
        required("SERVICE_KEYS")
    }

    /// `WEBHOOK_SECRET`: name of the secret that events are signed with, or, locally, the secret itself.
    ///
    /// # Errors
    /// When it is not set.
    pub fn webhook_secret(self) -> Result<String, InvalidSetting> {
        required("WEBHOOK_SECRET")
    }

    /// `ALLOW_UNSIGNED_EVENTS`: whether unsigned events are accepted; never in production.
    ///
    /// # Errors
    /// When it is neither `true` nor `false`.
    pub fn allow_unsigned_events(self) -> Result<bool, InvalidSetting> {
        parsed("ALLOW_UNSIGNED_EVENTS", false)
    }

    /// `CREDITS_PER_MINUTE`: price of each started minute of source, 1 if not set.
    ///
    /// # Errors
    /// When it is not a number.
    pub fn credits_per_minute(self) -> Result<u64, InvalidSetting> {
        parsed("CREDITS_PER_MINUTE", 1)
    }

    /// `MAX_ACTIVE_JOBS`: how many active jobs an owner may have, 20 if not set.
    ///
    /// # Errors
    /// When it is not a number.
    pub fn max_active_jobs(self) -> Result<u32, InvalidSetting> {
        parsed("MAX_ACTIVE_JOBS", 20)
    }

    /// `MAX_UPLOAD_BYTES`: size limit of an upload, 5 GB if not set.
    ///
    /// # Errors
    /// When it is not a number.
    pub fn max_upload_bytes(self) -> Result<u64, InvalidSetting> {
        parsed("MAX_UPLOAD_BYTES", MAX_UPLOAD_BYTES)
    }

    /// `ENVIRONMENT`: name of the deployment, for metrics.
    pub fn environment(self) -> String {
        text("ENVIRONMENT").unwrap_or_else(|| "local".to_owned())
    }

    /// `AWS_LAMBDA_LOG_LEVEL`: the lowest level that is logged, `INFO` if not set.
    pub fn log_level(self) -> String {
        text("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|| "INFO".to_owned())
    }
}

fn required(name: &'static str) -> Result<String, InvalidSetting> {
    text(name).ok_or_else(|| InvalidSetting {
        name,
        what: "not set".to_owned(),
    })
}

fn parsed<T: FromStr>(name: &'static str, default: T) -> Result<T, InvalidSetting> {
    match text(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| InvalidSetting {
            name,
            what: format!("not a valid value: {text}"),
        }),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}
