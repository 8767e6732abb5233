//! A test bed for one function's binary: the Lambda runtime API and an engine of the `DynamoDB` API on loopback. It starts the
//! binary, hands it events one after the other and prints as JSON how long each took; `tests/benches` makes a table of it.
//!
//! `bed ingest EVENTS COMMAND…` sends that many signed events of one job, `bed refused EVENTS COMMAND…` such that are malformed,
//! so that the store is not asked, `bed first FILE COMMAND…` the one event in a file.

use std::{
    collections::VecDeque,
    convert::Infallible,
    process::{Child, Command},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use dynoxide::Database;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode, body::Bytes, body::Incoming, service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

const TABLE: &str = "jobs";
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const LONGEST: Duration = Duration::from_mins(2);

/// What is to be handed out, and when each event was handed out and answered.
#[derive(Default)]
struct Bed {
    events: Mutex<VecDeque<Event>>,
    begun: Mutex<Option<Instant>>,
    answers: Mutex<Vec<(Duration, Instant)>>,
    wrong: Mutex<Option<String>>,
    done: Notify,
}

struct Event {
    payload: String,
    status: Option<u16>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (kind, what) = (
        arguments.next().expect("a kind"),
        arguments.next().expect("events"),
    );
    let command: Vec<String> = arguments.collect();
    let engine = engine();
    let engine_at = serve_engine(engine.clone()).await;
    let bed = Arc::new(Bed::default());
    *bed.events.lock().expect("no panic") = match kind.as_str() {
        "ingest" => signed_events(what.parse().expect("a number"), 99, 200),
        "refused" => signed_events(what.parse().expect("a number"), 99_000_000, 422),
        _ => VecDeque::from([Event {
            payload: std::fs::read_to_string(what).expect("an event"),
            status: None,
        }]),
    };
    let due = bed.events.lock().expect("no panic").len();
    let runtime_at = serve_runtime(Arc::clone(&bed)).await;
    let started = Instant::now();
    let mut child = start(&command, &engine_at, &runtime_at);
    let ended = tokio::time::timeout(LONGEST, bed.done.notified()).await;
    let report = report(&bed, &child, started, due);
    let _ = child.kill();
    let _ = child.wait();
    assert!(ended.is_ok(), "the function does not answer");
    if let Some(wrong) = bed.wrong.lock().expect("no panic").take() {
        panic!("{wrong}");
    }
    if kind == "ingest" {
        let item: Value = engine
            .get_item(
                serde_json::from_value(json!({"TableName": TABLE, "Key": {"id": {"S": "job-1"}}}))
                    .expect("a request"),
            )
            .map(|got| serde_json::to_value(got).expect("JSON"))
            .expect("the job");
        assert_eq!(
            item["Item"]["last_sequence"]["N"],
            due.to_string(),
            "events were lost"
        );
    }
    println!("{report}");
}

fn start(command: &[String], engine: &str, runtime: &str) -> Child {
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", runtime),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ("AWS_LAMBDA_LOG_LEVEL", "WARN"),
        ("AWS_ENDPOINT_URL", &format!("http://{engine}")),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("JOBS_TABLE", TABLE),
        ("UPLOADS_TABLE", "uploads"),
        ("BUCKET", "bucket"),
        (
            "STATE_MACHINE_ARN",
            "arn:aws:states:us-east-1:123456789012:stateMachine:jobs",
        ),
        ("SERVICE_KEYS", "keys"),
        ("WEBHOOK_SECRET", SECRET),
    ];
    Command::new(&command[0])
        .args(&command[1..])
        .env_clear()
        .envs(variables)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the function starts")
}

/// Times in milliseconds; what the first event took counts from the start of the process, and is left out of the others.
fn report(bed: &Bed, child: &Child, started: Instant, due: usize) -> Value {
    let answers = bed.answers.lock().expect("no panic");
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let mut taken: Vec<f64> = answers.iter().skip(1).map(|(time, _)| ms(*time)).collect();
    taken.sort_by(f64::total_cmp);
    let at = |part: f64| {
        taken
            .get(((taken.len() as f64 * part) as usize).min(taken.len().saturating_sub(1)))
            .copied()
    };
    json!({
        "events": due,
        "cold_ms": answers.first().map(|(_, at)| ms(at.duration_since(started))),
        "p50_ms": at(0.5),
        "p99_ms": at(0.99),
        "cpu_ms_each": cpu_ms(child.id()).map(|all| all / due as f64),
    })
}

/// Processor time of a process, user and system; the clock of /proc has 100 ticks a second.
fn cpu_ms(pid: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().ok()? + fields[12].parse::<f64>().ok()?;
    Some(ticks * 10.0)
}

fn engine() -> Database {
    let engine = Database::memory().expect("an engine");
    let table = json!({
        "TableName": TABLE,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    engine
        .create_table(serde_json::from_value(table).expect("a request"))
        .expect("a table");
    let job = json!({
        "id": {"S": "job-1"}, "owner": {"S": "user:ann"}, "active_owner": {"S": "user:ann"}, "status": {"S": "running"},
        "attempt": {"N": "1"}, "automatic_attempts_left": {"N": "2"}, "progress_percent": {"N": "0"}, "current_step": {"S": "…"},
        "source": {"M": {"video_url": {"S": "https://example.com/talk.mp4"}}}, "options": {"M": {}}, "labels": {"M": {}}, "clips": {"M": {}},
        "created_at": {"S": "2024-11-28T10:30:00.000Z"}, "updated_at": {"S": "2024-11-28T10:30:00.000Z"},
    });
    let put = json!({"TableName": TABLE, "Item": job});
    engine
        .put_item(serde_json::from_value(put).expect("a request"))
        .expect("a job");
    engine
}

async fn serve_engine(engine: Database) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(dynoxide::server::serve_on(listener, engine));
    address
}

/// Events of one job as API Gateway hands them on, each signed as the worker does it.
fn signed_events(number: usize, percent: usize, status: u16) -> VecDeque<Event> {
    let secret = domain::Secret::parse(SECRET).expect("a secret");
    let now = functions::now();
    let event = |sequence: usize| {
        let body = json!({
            "event": "job.progress", "timestamp": now.to_string(), "job_id": "job-1", "external_job_id": "job-1", "status": "running",
            "progress_percent": sequence * percent / number, "current_step": "Rendering clip 3/5...", "clips_completed": 2, "total_clips": 5,
            "attempt": 1, "sequence": sequence, "stage": "render",
        });
        let body = body.to_string();
        let id = format!("msg_{sequence}");
        let path = "/api/webhooks/ai-clipping";
        let payload = json!({
            "resource": path, "path": path, "httpMethod": "POST", "isBase64Encoded": false, "body": body,
            "headers": {
                "content-type": "application/json", "host": "events", "webhook-id": id,
                "webhook-timestamp": now.as_seconds().to_string(), "webhook-signature": secret.sign(&id, now, body.as_bytes()),
            },
            "multiValueHeaders": {}, "queryStringParameters": null, "multiValueQueryStringParameters": null,
            "pathParameters": null, "stageVariables": null,
            "requestContext": {"resourcePath": path, "httpMethod": "POST", "stage": "events", "path": path, "identity": {"sourceIp": "127.0.0.1"}},
        });
        Event {
            payload: payload.to_string(),
            status: Some(status),
        }
    };
    (1..=number).map(event).collect()
}

async fn serve_runtime(bed: Arc<Bed>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let bed = Arc::clone(&bed);
            let service = service_fn(move |request| answer(Arc::clone(&bed), request));
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    address
}

async fn answer(
    bed: Arc<Bed>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() == Method::GET {
        let Some(payload) = bed
            .events
            .lock()
            .expect("no panic")
            .front()
            .map(|event| event.payload.clone())
        else {
            bed.done.notify_one();
            return std::future::pending().await;
        };
        *bed.begun.lock().expect("no panic") = Some(Instant::now());
        let answer = Response::builder()
            .header("content-type", "application/json")
            .header(
                "lambda-runtime-aws-request-id",
                "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            )
            .header("lambda-runtime-deadline-ms", "9999999999999")
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:123456789012:function:bench",
            )
            .header(
                "lambda-runtime-trace-id",
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            );
        return Ok(answer.body(Full::from(payload)).expect("an answer"));
    }
    let (at, path) = (Instant::now(), request.uri().path().to_owned());
    let said = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let event = bed.events.lock().expect("no panic").pop_front();
    let begun = bed.begun.lock().expect("no panic").unwrap_or(at);
    bed.answers
        .lock()
        .expect("no panic")
        .push((at.duration_since(begun), at));
    let status = serde_json::from_slice::<Value>(&said)
        .ok()
        .and_then(|said| said["statusCode"].as_u64());
    let wanted = event.and_then(|event| event.status).map(u64::from);
    if !path.ends_with("/response") || (wanted.is_some() && status != wanted) {
        *bed.wrong.lock().expect("no panic") =
            Some(format!("{path}: {}", String::from_utf8_lossy(&said)));
        bed.done.notify_one();
    }
    Ok(Response::builder()
        .status(StatusCode::ACCEPTED)
        .body(Full::default())
        .expect("an answer"))
}
