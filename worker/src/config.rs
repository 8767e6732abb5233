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
        }
    }
}
