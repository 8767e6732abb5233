//! The events that a function is sent, and the effect to check when all are answered.

use std::{collections::VecDeque, path::PathBuf};

use domain::{Delivery, EventKind, Job, JobId, Secret, Status};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::{
    account::{Account, BUCKET, submitted},
    stub_receiver::StubReceiver,
};

/// The secret of the Standard Webhooks test vector.
pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const CLIPS: usize = 3;
/// How long a delivery is kept, in seconds.
const RETENTION_S: i64 = 30 * 24 * 3600;

/// A workload.
pub(crate) struct Load {
    pub(crate) events: VecDeque<Event>,
    pub(crate) effect: Effect,
    /// A certificate that the function has to trust.
    pub(crate) certificate: Option<PathBuf>,
}

/// An event, and fields that the response must have.
pub(crate) struct Event {
    pub(crate) payload: String,
    answer: Value,
}

impl Event {
    fn new(payload: &Value, answer: Value) -> Self {
        let payload = payload.to_string();
        Self { payload, answer }
    }

    pub(crate) fn is_answered_by(&self, response: &Bytes) -> bool {
        let response: Value = serde_json::from_slice(response).unwrap_or_default();
        let mut fields = self.answer.as_object().into_iter().flatten();
        fields.all(|(name, expected)| response[name] == *expected)
    }
}

/// What must be true after the last event.
pub(crate) enum Effect {
    Any,
    /// The sequence of the last event that the job has applied.
    LastSequence(JobId, usize),
    /// Number of posts to connections or receivers.
    Posts(usize),
}

impl Effect {
    pub(crate) fn check(&self, account: &Account, receiver: &StubReceiver) -> Result<(), String> {
        let (expected, got) = match self {
            Self::Any => return Ok(()),
            Self::LastSequence(id, expected) => {
                let sequence = account.image(id)["last_sequence"]["N"].take();
                let got = sequence.as_str().and_then(|digits| digits.parse().ok());
                (*expected, got.unwrap_or(0))
            }
            Self::Posts(expected) => (*expected, receiver.posts()),
        };
        if expected == got {
            return Ok(());
        }
        Err(format!("expected {expected} posts or events, got {got}"))
    }
}

impl Load {
    fn new(events: VecDeque<Event>, effect: Effect) -> Self {
        let certificate = None;
        Self {
            events,
            effect,
            certificate,
        }
    }

    /// The workload of a kind, such as `publish:10`; the argument is a number of events or a file.
    pub(crate) async fn of(
        kind: &str,
        argument: &str,
        account: &Account,
        receiver: &StubReceiver,
    ) -> Result<Self, String> {
        let (kind, size) = kind.split_once(':').unwrap_or((kind, "1"));
        if kind == "first" {
            return Self::first(argument);
        }
        let events: usize = argument
            .parse()
            .map_err(|why| format!("{argument}: {why}"))?;
        let size: usize = size.parse().map_err(|why| format!("{size}: {why}"))?;
        match kind {
            "ingest" => Ok(Self::ingest(events, account).await),
            "refused" => Ok(Self::refused(events)),
            "publish" => Ok(Self::publish(events, size, account).await),
            "deliver" => {
                let url = format!("http://{}/callbacks", receiver.address);
                Ok(Self::deliver(events, size, account, &url).await)
            }
            "deliver-tls" => {
                let url = format!("https://{}/callbacks", receiver.secure_address);
                Ok(Self {
                    certificate: Some(receiver.certificate().to_owned()),
                    ..Self::deliver(events, size, account, &url).await
                })
            }
            other => Err(format!("unknown kind of workload: {other}")),
        }
    }

    fn first(file: &str) -> Result<Self, String> {
        let payload = std::fs::read_to_string(file).map_err(|why| format!("{file}: {why}"))?;
        let answer = Value::Null;
        let events = VecDeque::from([Event { payload, answer }]);
        Ok(Self::new(events, Effect::Any))
    }

    async fn ingest(number: usize, account: &Account) -> Self {
        let job = account.running_job().await;
        let effect = Effect::LastSequence(job.id, number);
        Self::new(signed_events(number, 99, 200), effect)
    }

    fn refused(number: usize) -> Self {
        Self::new(signed_events(number, 99_000_000, 422), Effect::Any)
    }

    /// Changes of a job, each of more than a tenth of its progress, so that every connection is notified.
    async fn publish(number: usize, connections: usize, account: &Account) -> Self {
        let job = account.running_job().await;
        account.listen(&job.owner, connections).await;
        let at = |percent: usize| {
            let mut image = account.image(&job.id);
            image["progress_percent"] = json!({"N": percent.to_string()});
            image
        };
        let change = |place: usize| {
            let change = json!({
                "SequenceNumber": place.to_string(), "Keys": {"id": {"S": job.id}}, "StreamViewType": "NEW_AND_OLD_IMAGES",
                "OldImage": at(place % 9 * 10), "NewImage": at(place % 9 * 10 + 10),
            });
            let record =
                json!({"eventSource": "aws:dynamodb", "eventName": "MODIFY", "dynamodb": change});
            batch(&[record])
        };
        let effect = Effect::Posts(number * connections);
        Self::new((0..number).map(change).collect(), effect)
    }

    /// Messages of jobs that each have a callback for their end pending, with links to the clips.
    async fn deliver(events: usize, size: usize, account: &Account, url: &str) -> Self {
        let jobs: Vec<Job> = (0..events * size).map(|number| done(number, url)).collect();
        account.sign_with(&jobs[0].owner, SECRET).await;
        for job in &jobs {
            account.submit(job).await;
        }
        account.add_deliveries(jobs.iter().map(owed)).await;
        let messages = |jobs: &[Job]| batch(&jobs.iter().map(delivery_message).collect::<Vec<_>>());
        let events = jobs.chunks(size).map(messages).collect();
        Self::new(events, Effect::Posts(jobs.len()))
    }
}

fn batch(records: &[Value]) -> Event {
    let none_failed = json!({"batchItemFailures": []});
    Event::new(&json!({"Records": records}), none_failed)
}

fn delivery_message(job: &Job) -> Value {
    let body = json!({"job_id": job.id, "not_before": 0});
    json!({"eventSource": "aws:sqs", "messageId": job.id, "body": body.to_string()})
}

fn owed(job: &Job) -> Delivery {
    let now = functions::now();
    let delivery = Delivery::for_change(
        job,
        EventKind::Completed,
        now,
        now.as_seconds() + RETENTION_S,
    );
    delivery.expect("a job with an address")
}

/// A job with clips.
fn done(number: usize, callback_url: &str) -> Job {
    let job = submitted(&format!("job-{number}"));
    let clip = |index: usize| {
        let address = format!("s3://{BUCKET}/jobs/{}/clips/clip_{index:02}", job.id);
        json!({"clip_index": index, "s3_url": format!("{address}.mp4"), "captions_url": format!("{address}.vtt"),
            "duration_ms": 30_000, "virality_score": 0.8, "title": "How it ends", "summary": "It ends well, and sooner than one would think."})
    };
    let clips: serde_json::Map<_, _> = (0..CLIPS)
        .map(|index| (index.to_string(), clip(index)))
        .collect();
    Job {
        status: Status::Succeeded,
        progress_percent: 100,
        callback_url: Some(callback_url.to_owned()),
        clips: serde_json::from_value(clips.into()).expect("clips"),
        ..job
    }
}

/// Events of one job as API Gateway passes them on, each signed as the worker signs.
fn signed_events(number: usize, percent: usize, status: u16) -> VecDeque<Event> {
    let secret = Secret::parse(SECRET).expect("a secret");
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
        Event::new(&payload, json!({"statusCode": status}))
    };
    (1..=number).map(event).collect()
}
