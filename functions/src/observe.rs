//! What operators see: JSON lines by `tracing`, metrics in the embedded format of `CloudWatch`, and the one way every function starts.

use std::future::Future;

use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use crate::{config::Settings, http::now};

/// Runs a function: one thread, JSON logs, and an error of the start said before the process ends.
///
/// # Errors
/// With what keeps the function from starting.
pub fn start<F>(serve: impl FnOnce(Settings) -> F) -> Result<(), lambda_runtime::Error>
where
    F: Future<Output = Result<(), lambda_runtime::Error>>,
{
    let level: LevelFilter = Settings.log_level().parse().unwrap_or(LevelFilter::INFO);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_max_level(level)
        .with_writer(std::io::stdout)
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(serve(Settings))
        .inspect_err(|why| tracing::error!(%why, "the function cannot start"))
}

/// Counts something once, by the name of the function that saw it.
pub(crate) fn count(function: &str, metric: &str) {
    let line = json!({
        "_aws": {
            "Timestamp": now().as_ms(),
            "CloudWatchMetrics": [{
                "Namespace": "clipwright",
                "Dimensions": [["Environment", "Function"]],
                "Metrics": [{"Name": metric, "Unit": "Count"}],
            }],
        },
        "Environment": Settings.environment(),
        "Function": function,
        metric: 1,
    });
    println!("{line}");
}
