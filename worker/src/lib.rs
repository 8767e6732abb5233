//! `clipwright`: turns a long talk video into short clips, on this machine, with nothing but it.
//!
//! A library only so that fuzz targets reach the same code; [`main`] is all that the program calls.

mod allocator;
mod children;
mod cli;
mod commands;
mod config;
mod events;
mod ffmpeg;
mod folder;
#[doc(hidden)]
pub mod fuzzing;
mod kernels;
mod outputs;
mod pipeline;
mod planner;
mod progress;
mod report;
mod setup;
mod source;
mod stages;
mod supervise;
mod task;
mod temporary;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use domain::{ErrorCode, Failure, Stage};
use tokio::runtime::Runtime;

use crate::{
    cli::{Cli, Command},
    config::Config,
    supervise::Isolated,
};

/// Runs the program from its arguments to its exit code.
pub fn main() -> ExitCode {
    kernels::avoid_mkl();
    allocator::keep_freed_memory();
    let cli = Cli::parse();
    let config = Config::from_env();
    let json = cli.json;
    if let (Command::Tool(_) | Command::Watch(_), Some(log)) = (&cli.command, &config.log) {
        tracing_subscriber::fmt()
            .with_env_filter(log)
            .with_writer(std::io::stderr)
            .init();
    }
    let (ended, hints) = match cli.command {
        Command::Tool(tool) => (run(move || commands::run(tool, json, config)), true),
        Command::Watch(followed) => {
            let all = followed.all;
            let ended = run(move || watch::watch(followed, json));
            // there is no other end of watching everything
            let stopped = ended
                .as_ref()
                .is_err_and(|why| why.code == ErrorCode::Canceled);
            (if all && stopped { Ok(()) } else { ended }, false)
        }
        Command::Task => return task::main(&config),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&failure, json, hints);
            ExitCode::from(if failure.code.is_source_fault() { 3 } else { 1 })
        }
    }
}

/// Runs a command to its end or to the first signal; whatever is under way is dropped then, and with it every child process.
/// What does not let itself be dropped within the grace ends with this process.
fn run<F>(command: impl FnOnce() -> F + Send + 'static) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let internal = |why: &dyn std::fmt::Display| Failure::internal(Stage::Download, why);
    watching().map_err(|why| internal(&why))?.block_on(async {
        let mut work = Isolated::begin(command);
        tokio::select! {
            ended = work.end() => ended.unwrap_or_else(|why| Err(internal(&why))),
            () = stopped() => {
                let canceled = Failure::transient(Stage::Download, ErrorCode::Canceled, "stopped");
                if let Ok(ended) = work.stop().await {
                    ended.unwrap_or(Err(canceled))
                } else {
                    leave_nothing();
                    Err(canceled)
                }
            }
        }
    })
}

/// For work that does not stop: ends its programs and removes its temporary files. The work itself ends with this process.
pub(crate) fn leave_nothing() {
    children::end_all();
    temporary::remove_all();
}

/// A runtime for whoever watches over work that has its own.
fn watching() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
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

/// Says what went wrong; with `hints` also what can be done about it on this machine.
fn tell(failure: &Failure, json: bool, hints: bool) {
    if json {
        println!(
            "{}",
            serde_json::json!({"error": {"code": failure.code, "message": failure.message, "stage": failure.stage}})
        );
    } else {
        let message = failure.message.replace('\n', " ");
        let hint = report::hint(failure.code)
            .filter(|_| hints)
            .unwrap_or_default();
        eprintln!("error: {message}{hint} ({})", failure.code);
    }
}
