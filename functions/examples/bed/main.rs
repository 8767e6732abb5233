//! A test bed for one function's binary: the Lambda runtime API, an engine of the `DynamoDB` API and an HTTP server that takes everything,
//! all on loopback. It starts the binary, hands it events one after the other and prints as JSON how long each took; `tests/benches` makes
//! a table of it.
//!
//! `bed KIND WHAT COMMAND…`, where KIND and WHAT are one of
//! - `first FILE`: the one event in a file;
//! - `ingest EVENTS`: signed events of one job; `refused EVENTS`: such that are malformed, so that the store is not asked;
//! - `publish:CONNECTIONS EVENTS`: changes of a job that so many connections of its owner listen to;
//! - `deliver:SIZE EVENTS`: batches of SIZE callbacks that are owed; `deliver-tls:SIZE EVENTS`: to a receiver with TLS, each over a
//!   connection of its own.

mod account;
mod function;
mod load;
mod loopback;
mod runtime;
mod taker;

use std::{process::ExitCode, time::Duration};

use serde_json::{Value, json};

use crate::{
    account::Account,
    function::{Addresses, Function},
    load::Load,
    runtime::Runtime,
    taker::Taker,
};

/// All events together.
const LONGEST: Duration = Duration::from_mins(2);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = match arguments.as_slice() {
        [kind, what, command @ ..] if !command.is_empty() => {
            Box::pin(measure(kind, what, command)).await
        }
        _ => Err("bed KIND WHAT COMMAND…".to_owned()),
    };
    match measured {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(kind: &str, what: &str, command: &[String]) -> Result<Value, String> {
    let (account, taker) = (Account::open().await, Taker::open().await);
    let Load {
        events,
        effect,
        certificate,
    } = Load::of(kind, what, &account, &taker).await?;
    let number = events.len();
    let runtime = Runtime::open(events).await;
    let addresses = Addresses {
        runtime: &runtime.address,
        engine: &account.address,
        taker: &taker.address,
    };
    let mut function = Function::start(command, &addresses, certificate)?;
    let ended = tokio::select! {
        ended = runtime.ended() => ended,
        why = function.ended() => Err(why),
        () = tokio::time::sleep(LONGEST) => Err("the function does not answer".to_owned()),
    };
    let cpu_ms = function.cpu_ms();
    function.stop().await;
    ended?;
    effect.check(&account, &taker)?;
    let mut report = runtime.times(function.started);
    report["events"] = json!(number);
    report["cpu_ms_each"] = json!(cpu_ms.map(|all| all / number as f64));
    Ok(report)
}
