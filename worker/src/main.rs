//! `clipwright`: turns a long talk video into short clips, on this machine, with nothing but it.

mod allocator;
mod cli;
mod commands;
mod config;
mod events;
mod ffmpeg;
mod folder;
mod outputs;
mod pipeline;
mod planner;
mod progress;
mod report;
mod setup;
mod source;
mod stages;
mod task;

use std::process::ExitCode;

use clap::Parser;
use domain::{ErrorCode, Failure, Stage};

use crate::{
    cli::{Cli, Command},
    config::Config,
};

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    let cli = Cli::parse();
    let config = Config::from_env();
    let json = cli.json;
    let tool = match cli.command {
        Command::Tool(tool) => tool,
        Command::Task => return task::main(&config),
    };
    if let Some(log) = &config.log {
        tracing_subscriber::fmt()
            .with_env_filter(log)
            .with_writer(std::io::stderr)
            .init();
    }
    match run(tool, json, config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&failure, json);
            ExitCode::from(if failure.code.is_source_fault() { 3 } else { 1 })
        }
    }
}

/// Runs a command to its end or to the first signal; whatever is under way is dropped then, and with it every child process.
fn run(tool: cli::Tool, json: bool, config: Config) -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Runtime::new().map_err(|why| Failure::internal(Stage::Download, why))?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = commands::run(tool, json, config) => ended,
            () = stopped() => Err(Failure::transient(Stage::Download, ErrorCode::Canceled, "stopped")),
        }
    });
    // recognition runs on a thread of its own and may be in the middle of a batch
    runtime.shutdown_background();
    ended
}

/// Waits for Ctrl-C, a polite kill or a closed terminal.
pub(crate) async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}

fn tell(failure: &Failure, json: bool) {
    if json {
        println!(
            "{}",
            serde_json::json!({"error": {"code": failure.code, "message": failure.message, "stage": failure.stage}})
        );
    } else {
        let message = failure.message.replace('\n', " ");
        let hint = report::hint(failure.code).unwrap_or_default();
        eprintln!("error: {message}{hint} ({})", failure.code);
    }
}
