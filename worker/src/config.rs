//! What the environment says, read once at the start.

use std::path::PathBuf;

/// Settings that are not options of a command.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    /// `CLIPWRIGHT_HOME`: the folder of programs, models and fonts.
    pub(crate) home: Option<PathBuf>,
    /// `CLIPWRIGHT_PLANNER_KEY`: the key of the language model's endpoint.
    pub(crate) planner_key: Option<String>,
    /// `CLIPWRIGHT_LOG`: what is logged, e.g. `clipwright=debug`; nothing if not set.
    pub(crate) log: Option<String>,
    /// What a task of the service is told.
    pub(crate) task: TaskConfig,
}

/// What the container of a task is told. It is checked when there is a task to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskConfig {
    /// `JOB_ID`: the job.
    pub(crate) job_id: Option<String>,
    /// `ATTEMPT`: the attempt, from 1.
    pub(crate) attempt: Option<String>,
    /// `JOBS_TABLE`: the table of jobs.
    pub(crate) jobs_table: Option<String>,
    /// `BUCKET`: the bucket.
    pub(crate) bucket: Option<String>,
    /// `API_BASE_URL`: where events go; none are sent if it is not set.
    pub(crate) api_base_url: Option<String>,
    /// `WEBHOOK_SECRET`: what events are signed with.
    pub(crate) webhook_secret: Option<String>,
    /// `ALLOW_PRIVATE_SOURCES`: `true` lets addresses lead into private networks; for local use only.
    pub(crate) allow_private_sources: bool,
    /// `STALL_SECONDS`: how long a stage may stand still before the attempt is given up, 15 minutes if not set.
    pub(crate) stall_seconds: Option<String>,
    /// `CLIPWRIGHT_PLANNER_URL` and `CLIPWRIGHT_PLANNER_MODEL`: a language model that plans.
    pub(crate) planner: Option<(String, String)>,
}

impl Config {
    /// Reads the environment.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub(crate) fn from_env() -> Self {
        let text = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self {
            home: std::env::var_os("CLIPWRIGHT_HOME").map(PathBuf::from),
            planner_key: text("CLIPWRIGHT_PLANNER_KEY"),
            log: text("CLIPWRIGHT_LOG"),
            task: TaskConfig {
                job_id: text("JOB_ID"),
                attempt: text("ATTEMPT"),
                jobs_table: text("JOBS_TABLE"),
                bucket: text("BUCKET"),
                api_base_url: text("API_BASE_URL"),
                webhook_secret: text("WEBHOOK_SECRET"),
                allow_private_sources: text("ALLOW_PRIVATE_SOURCES").as_deref() == Some("true"),
                stall_seconds: text("STALL_SECONDS"),
                planner: text("CLIPWRIGHT_PLANNER_URL").zip(text("CLIPWRIGHT_PLANNER_MODEL")),
            },
        }
    }
}
