//! `clipwright watch`: follows jobs of the service over its WebSocket, and connects again by itself.

mod frames;
mod screen;
mod seen;
mod service;

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use domain::{ErrorCode, Failure, Stage, Status};

use frames::{Frame, Shown};
use screen::Screen;
use seen::Seen;
use service::{Service, Trouble};

use crate::cli::Watch;

/// A connection on which nothing is said ends after ten minutes.
const PING_EVERY: Duration = Duration::from_mins(1);
/// How long anything may take that has to come: a pong, the first snapshot.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// What the service says of a wish that it will never grant.
const REFUSALS: [&str; 3] = ["not_found", "invalid_request", "too_many_jobs"];

/// Follows one job to its end, or all until the program is stopped.
///
/// # Errors
/// When the service refuses, or with the failure of the one job.
pub(crate) async fn watch(watch: Watch, json: bool) -> Result<(), Failure> {
    let service = Service::new(&watch.api, watch.token).map_err(fatal)?;
    let mut seen = Seen::new(watch.job);
    let mut screen = Screen::new(json);
    let mut pauses = pauses();
    loop {
        let known = seen.snapshots();
        match follow(&service, &mut seen, &mut screen).await {
            Ok(ended) => return end(&ended, &screen),
            Err(Trouble::Fatal(why)) => return Err(fatal(why)),
            Err(Trouble::Lost(why)) => screen.lost(&why),
        }
        // what was well is tried again soon, but not by all clients at the same moment
        if seen.snapshots() > known {
            pauses = self::pauses();
        }
        tokio::time::sleep(pauses.next().unwrap_or_default()).await;
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(30))
        .without_max_times()
        .with_jitter()
        .build()
}

/// One connection, until it breaks or the one job has ended.
async fn follow(service: &Service, seen: &mut Seen, screen: &mut Screen) -> Result<Shown, Trouble> {
    let mut socket = service.connect().await?;
    socket.subscribe(seen.only()).await?;
    let mut patience = ANSWER_WITHIN;
    loop {
        let Ok(frame) = tokio::time::timeout(patience, socket.next()).await else {
            if patience == ANSWER_WITHIN {
                return Err(Trouble::Lost("the service does not answer".to_owned()));
            }
            socket.ping().await?;
            patience = ANSWER_WITHIN;
            continue;
        };
        patience = PING_EVERY;
        let new = match frame? {
            Frame::Pong => continue,
            Frame::Error { code, message } => return Err(refused(&code, &message)),
            Frame::Snapshot { jobs, more } => {
                screen.found();
                seen.snapshot(jobs, more)
            }
            Frame::News(shown) => seen.news(*shown).into_iter().collect(),
        };
        for shown in new {
            screen.show(&shown);
            if seen.only().is_some() && shown.job.status.is_terminal() {
                return Ok(shown);
            }
        }
    }
}

fn refused(code: &str, message: &str) -> Trouble {
    let line = format!("{message} ({code})");
    if REFUSALS.contains(&code) {
        Trouble::Fatal(line)
    } else {
        Trouble::Lost(line)
    }
}

fn end(ended: &Shown, screen: &Screen) -> Result<(), Failure> {
    screen.finish();
    let job = &ended.job;
    if job.status == Status::Succeeded {
        screen.table(job);
        return Ok(());
    }
    let why = job.error_message.as_deref().unwrap_or("it was stopped");
    let code = job.error_code.as_deref().and_then(named);
    let stage = job.progress_stage.as_deref().and_then(named);
    Err(Failure::input(
        stage.unwrap_or(Stage::Download),
        code.unwrap_or(ErrorCode::Internal),
        format!("the job is {}: {why}", job.status.name()),
    ))
}

fn named<T: serde::de::DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(name.into()).ok()
}

fn fatal(why: String) -> Failure {
    Failure::internal(Stage::Download, why)
}
