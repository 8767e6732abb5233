//! What a task is told, checked before it begins.

use std::time::Duration;

use domain::{AttemptId, Secret, limits::STALL_SECONDS};
use uuid::Uuid;

use crate::{config::Config, events::Events};

/// A setting that is missing or wrong.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {name} is {what}")]
pub(super) struct InvalidSetting {
    name: &'static str,
    what: String,
}

/// What a task is told.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) of: AttemptId,
    /// This very process, to know its own claim.
    pub(super) task: String,
    pub(super) jobs_table: String,
    pub(super) bucket: String,
    pub(super) allow_private_sources: bool,
    /// How long a stage may stand still.
    pub(super) stall: Duration,
    receiver: Option<String>,
    secret: Option<Secret>,
}

impl Setting {
    pub(super) fn read(config: &Config) -> Result<Self, InvalidSetting> {
        let task = &config.task;
        let job_id = needed("JOB_ID", task.job_id.as_deref())?;
        let attempt = needed("ATTEMPT", task.attempt.as_deref())?;
        let not_understood = |name| {
            move || InvalidSetting {
                name,
                what: "not understood".to_owned(),
            }
        };
        let stall = task
            .stall_seconds
            .as_ref()
            .map(|text| text.parse().map(Duration::from_secs))
            .transpose();
        let secret = task
            .webhook_secret
            .as_deref()
            .map(Secret::parse)
            .transpose();
        let secret = secret.map_err(|why| InvalidSetting {
            name: "WEBHOOK_SECRET",
            what: format!("no secret: {why}"),
        })?;
        Ok(Self {
            of: AttemptId {
                job_id: job_id.parse().map_err(|why| InvalidSetting {
                    name: "JOB_ID",
                    what: format!("no id: it {why}"),
                })?,
                attempt: attempt
                    .parse()
                    .ok()
                    .filter(|number| *number > 0)
                    .ok_or_else(not_understood("ATTEMPT"))?,
            },
            task: Uuid::now_v7().to_string(),
            jobs_table: needed("JOBS_TABLE", task.jobs_table.as_deref())?.to_owned(),
            bucket: needed("BUCKET", task.bucket.as_deref())?.to_owned(),
            allow_private_sources: task.allow_private_sources,
            stall: stall
                .ok()
                .ok_or_else(not_understood("STALL_SECONDS"))?
                .unwrap_or(Duration::from_secs(STALL_SECONDS)),
            receiver: task.api_base_url.clone(),
            secret,
        })
    }

    /// Where events go; none where nobody is told. An address that is none is said in the log: the outcome alone settles the job then.
    pub(super) fn events(&self) -> Option<Events> {
        let events = Events::new(
            self.receiver.as_deref()?,
            self.secret.clone(),
            self.of.clone(),
        );
        events
            .inspect_err(|why| tracing::error!(%why, "no events are sent"))
            .ok()
    }
}

fn needed<'a>(name: &'static str, value: Option<&'a str>) -> Result<&'a str, InvalidSetting> {
    value.ok_or_else(|| InvalidSetting {
        name,
        what: "not set".to_owned(),
    })
}
