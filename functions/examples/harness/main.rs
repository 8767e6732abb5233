//! A benchmark harness for the binary of one function: the Lambda runtime API, an engine of the `DynamoDB` API and a stub receiver,
//! all on loopback. It starts the binary, sends it events one after the other and prints as JSON how long each took; `tests/benches` makes
//! a table of it.
//!
//! `harness KIND ARGUMENT COMMAND…`, where KIND and ARGUMENT are one of
//! - `first FILE`: the one event in a file;
//! - `ingest EVENTS`: signed events of one job; `refused EVENTS`: malformed ones, which never reach the store;
//! - `publish:CONNECTIONS EVENTS`: changes of a job that this many connections of its owner follow;
//! - `deliver:SIZE EVENTS`: batches of SIZE pending callbacks; `deliver-tls:SIZE EVENTS`: to a receiver with TLS, each over a
//!   connection of its own.

mod account;
mod function;
mod load;
mod loopback;
mod runtime;
mod stub_receiver;

use std::{process::ExitCode, time::Duration};

use serde_json::{Value, json};

use crate::{
    account::Account,
    function::{Addresses, Function},
    load::Load,
    runtime::Runtime,
    stub_receiver::StubReceiver,
};

/// Time limit of all events together.
const TIME_LIMIT: Duration = Duration::from_mins(2);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = match arguments.as_slice() {
        [kind, argument, command @ ..] if !command.is_empty() => {
            Box::pin(measure(kind, argument, command)).await
        }
        _ => Err("usage: harness KIND ARGUMENT COMMAND…".to_owned()),
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

async fn measure(kind: &str, argument: &str, command: &[String]) -> Result<Value, String> {
    let (account, receiver) = (Account::open().await, StubReceiver::open().await);
    let Load {
        events,
        effect,
        certificate,
    } = Load::of(kind, argument, &account, &receiver).await?;
    let number = events.len();
    let runtime = Runtime::open(events).await;
    let addresses = Addresses {
        runtime: &runtime.address,
        engine: &account.address,
        receiver: &receiver.address,
    };
    let mut function = Function::start(command, &addresses, certificate)?;
    let ended = tokio::select! {
        ended = runtime.ended() => ended,
        why = function.ended() => Err(why),
        () = tokio::time::sleep(TIME_LIMIT) => Err("the function has not answered all events within the time limit".to_owned()),
    };
    let cpu_ms = function.cpu_ms();
    function.stop().await;
    ended?;
    effect.check(&account, &receiver)?;
    let mut report = runtime.times(function.started);
    report["events"] = json!(number);
    report["cpu_ms_each"] = json!(cpu_ms.map(|all| all / number as f64));
    Ok(report)
}
