//! Observability: JSON logs, metrics in `CloudWatch`'s embedded format, and the common start of all functions.

use std::{error::Error, future::Future, process::ExitCode};

use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use crate::{config::Settings, http::now};

/// Runs a function on one thread with JSON logs. An error of the start is logged once, with its causes, before the process exits.
pub fn start<F>(serve: impl FnOnce(Settings) -> F) -> ExitCode
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
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(lambda_runtime::Error::from)
        .and_then(|runtime| runtime.block_on(serve(Settings)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!(why = with_causes(&*why), "the function cannot start");
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes on one line.
fn with_causes(error: &dyn Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Emits a metric with the value 1.
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
