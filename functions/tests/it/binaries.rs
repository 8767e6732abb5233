//! The binaries under a fake Lambda runtime API: start, timeouts and logs.

use std::{convert::Infallible, process::Stdio, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

use crate::{
    cloud::{self, Cloud},
    fault_proxy::Fault,
    requests::{Call, event},
    samples::{self, SECRET},
    tables,
};

const INGEST: &str = env!("CARGO_BIN_EXE_ingest-webhook");
const SUBMIT: &str = env!("CARGO_BIN_EXE_submit-job");
const SETTLE: &str = env!("CARGO_BIN_EXE_settle-job");
const START: &str = env!("CARGO_BIN_EXE_start-job");

/// Sends one event and then no more; passes on the function's response.
async fn runtime_api(event: Value) -> (String, mpsc::UnboundedReceiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (sender, receiver) = mpsc::unbounded_channel();
    let event = Arc::new(std::sync::Mutex::new(Some(event)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (event, sender) = (Arc::clone(&event), sender.clone());
            let service =
                service_fn(move |request| invocation(request, Arc::clone(&event), sender.clone()));
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    (address, receiver)
}

type Waiting = Arc<std::sync::Mutex<Option<Value>>>;

async fn invocation(
    request: Request<Incoming>,
    event: Waiting,
    sender: mpsc::UnboundedSender<Value>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path().ends_with("/invocation/next") {
        let event = event.lock().expect("no panic").take();
        let Some(event) = event else {
            return std::future::pending().await;
        };
        let deadline = functions::now().as_ms() + 29_000;
        let response = Response::builder()
            .header("lambda-runtime-aws-request-id", "request-1")
            .header("lambda-runtime-deadline-ms", deadline.to_string())
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:123456789012:function:f",
            )
            .body(Full::new(event.to_string().into()));
        return Ok(response.expect("a response"));
    }
    let said = request
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    let _ = sender.send(serde_json::from_slice(&said).unwrap_or(Value::Null));
    Ok(Response::builder()
        .status(202)
        .body(Full::default())
        .expect("a response"))
}

/// Starts the binary as Lambda does, with only the environment that the template sets.
fn started(binary: &str, cloud: &Cloud, runtime_api: &str, secret: &str) -> Child {
    Command::new(binary)
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", runtime_api),
            ("AWS_LAMBDA_FUNCTION_NAME", "f"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL", &cloud.endpoint),
            ("ENVIRONMENT", "test"),
            ("JOBS_TABLE", tables::JOBS),
            ("ADMISSIONS_TABLE", tables::ADMISSIONS),
            ("UPLOADS_TABLE", tables::UPLOADS),
            ("BUCKET", cloud::BUCKET),
            ("RECEIVERS_TABLE", tables::RECEIVERS),
            ("SERVICE_KEYS", cloud::SERVICE_KEYS),
            ("STATE_MACHINE_ARN", cloud::MACHINE),
            ("WEBHOOK_SECRET", secret),
            ("SHARES_TABLE", tables::SHARES),
            ("UNDELIVERED_QUEUE", cloud::UNDELIVERED_QUEUE),
        ])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a process")
}

/// The complete log of a process.
async fn log_of(mut process: Child) -> String {
    let mut log = String::new();
    let mut out = process.stdout.take().expect("a pipe");
    out.read_to_string(&mut log).await.expect("text");
    process.wait().await.expect("an end");
    log
}

#[tokio::test]
async fn ingest_does_not_start_with_a_weak_secret() {
    let cloud = Cloud::start().await;
    let (address, _said) = runtime_api(json!({})).await;
    cloud.front.secrets.set("empty", "");
    cloud.front.secrets.set("none", "{}");
    cloud
        .front
        .secrets
        .set("short", r#"{"current": "c2hvcnQ="}"#);
    for secret in [
        "",
        "whsec_",
        "whsec_c2hvcnQ=",
        "empty",
        "none",
        "short",
        "not-there",
    ] {
        let mut process = started(INGEST, &cloud, &address, secret);
        let ended = timeout(Duration::from_secs(10), process.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("it has started with {secret:?}"));
        assert!(!ended.expect("an end").success(), "{secret}");
        let log = log_of(process).await;
        let why: Value = serde_json::from_str(log.lines().last().expect("a line")).expect("JSON");
        assert_eq!(
            (&why["level"], &why["message"]),
            (&json!("ERROR"), &json!("the function cannot start"))
        );
        assert!(!log.contains("c2hvcnQ"), "the log has the secret: {log}");
    }
}

#[tokio::test]
async fn an_accepted_event_is_logged_with_its_job_and_attempt() {
    let cloud = Cloud::start().await;
    let id = cloud.running("job-1").await;
    let call = event(&samples::events(&id, 1, "job.completed")[4]).signed();
    let (address, mut said) = runtime_api(call.http_api_event()).await;
    let mut process = started(INGEST, &cloud, &address, SECRET);
    let answer = timeout(Duration::from_secs(20), said.recv())
        .await
        .expect("in time")
        .expect("an answer");
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_eq!(cloud.job(&id).await.status, domain::Status::Succeeded);
    process.start_kill().expect("killed");
    let log = log_of(process).await;
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let received = lines
        .iter()
        .find(|line| line["message"] == "event received")
        .expect("a line");
    assert_eq!(
        (&received["span"]["job_id"], &received["span"]["attempt"]),
        (&json!(id), &json!(1)),
        "{log}"
    );
    let metric = lines
        .iter()
        .find(|line| line["JobsSucceeded"] == 1)
        .expect("a metric");
    assert_eq!(
        (
            &metric["Environment"],
            &metric["_aws"]["CloudWatchMetrics"][0]["Namespace"]
        ),
        (&json!("test"), &json!("clipwright"))
    );
}

#[tokio::test]
async fn a_store_that_never_answers_times_out_before_the_gateway() {
    let cloud = Cloud::start().await;
    let mut calls = 0;
    cloud.front.faults(move |_| {
        calls += 1;
        // the first call is made at the start
        (calls > 1).then_some(Fault::Silent)
    });
    let call = Call::new("POST", "/ai-clipping-agent/jobs")
        .user("ann")
        .json(&samples::submission());
    let (address, mut said) = runtime_api(call.http_api_event()).await;
    let _process = started(SUBMIT, &cloud, &address, SECRET);
    // an HTTP API times out after 30 s
    let answer = timeout(Duration::from_secs(25), said.recv())
        .await
        .expect("in time")
        .expect("an answer");
    assert_eq!(
        (&answer["statusCode"], &answer["headers"]["retry-after"]),
        (&json!(503), &json!("5")),
        "{answer}"
    );
    assert!(cloud.records().is_empty());
}

/// The job and attempt of the log line with this message.
fn named(log: &str, message: &str) -> (Value, Value) {
    let lines = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let mut lines = lines.filter(|line: &Value| line["message"] == message);
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no line {message:?}: {log}"));
    (
        line["span"]["job_id"].clone(),
        line["span"]["attempt"].clone(),
    )
}

#[tokio::test]
async fn failures_are_logged_with_their_job_and_attempt() {
    let cloud = Cloud::start().await;
    let id = cloud.submitted("job-1").await;
    let queued = json!({"Records": cloud.queued()});
    let mut calls = 0;
    cloud.front.faults(move |call| {
        calls += 1;
        // not the calls of the start, nor the one that counts the request, which comes before the job is known
        (calls > 2 && call != "DynamoDB.UpdateItem").then_some(Fault::Broken)
    });
    let of = json!({"job_id": id, "attempt": 1});
    let submission = Call::new("POST", "/ai-clipping-agent/jobs")
        .user("ann")
        .header("Idempotency-Key", "k")
        .json(&samples::submission());
    for (binary, event, message, attempt) in [
        (SETTLE, of, "settling failed; it will be retried", json!(1)),
        (
            START,
            queued,
            "processing failed; it will be retried",
            json!(1),
        ),
        (
            SUBMIT,
            submission.http_api_event(),
            "the store is unavailable",
            Value::Null,
        ),
    ] {
        let (address, mut said) = runtime_api(event).await;
        let mut process = started(binary, &cloud, &address, SECRET);
        let answered = timeout(Duration::from_secs(20), said.recv()).await;
        assert!(answered.is_ok(), "{binary}");
        process.start_kill().expect("killed");
        let (job, tried) = named(&log_of(process).await, message);
        assert!(job.as_str().is_some_and(|job| !job.is_empty()), "{binary}");
        assert_eq!(tried, attempt, "{binary}");
    }
}
