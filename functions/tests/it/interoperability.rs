//! Signatures and events across languages: what we sign others believe, what they sign we believe, and a receiver of the old
//! system understands our events.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use domain::{Event, Secret, Timestamp};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    requests::{raw_event, send_event},
    samples::{self, SECRET},
};

const LONG_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";

/// All four kinds of events as the worker sends them, with all fields and with as few as possible.
fn events() -> Vec<Event> {
    let id = "0193a1b2-0000-7000-8000-000000000001"
        .parse()
        .expect("an id");
    let mut events = samples::events(&id, 1, "job.completed");
    events.extend(samples::events(&id, 1, "job.failed").pop());
    let scores = json!({"hook": 0.9, "flow": 0.8, "value": 0.95, "emotion": 0.7});
    let clip = json!({"clip_index": 0, "s3_url": "https://b.test/clip_00.mp4", "duration_ms": 39_700, "virality_score": 0.92, "summary": "Größe zählt – 🎬",
        "title": "t", "rank": 1, "start_ms": 65_200, "end_ms": 104_900, "score_breakdown": scores, "reason": "r", "captions_url": "https://b.test/clip_00.vtt",
        "thumbnail_url": "https://b.test/clip_00.jpg", "width": 1080, "height": 1920});
    let mut full = events[4].clone();
    full["owner_user_id"] = json!("user_789");
    full["output"] = json!({"total_clips": 1, "source_video_title": "A \"talk\"\n\u{2028}", "processing_time_seconds": 482.5, "considered_ms": 3_605_000,
        "clips": [clip], "transcript_url": "https://b.test/transcript.json", "plan_url": "https://b.test/plan.json"});
    events.push(full);
    let mut with_clip = events[2].clone();
    with_clip["clip"] = clip;
    events.push(with_clip);
    let read = |event| serde_json::from_value(event).expect("an event");
    events.into_iter().map(read).collect()
}

struct Message {
    secret: &'static str,
    id: String,
    at: Timestamp,
    body: String,
    signature: String,
    is_good: bool,
}

fn messages() -> Vec<Message> {
    let at = functions::now();
    let mut messages = Vec::new();
    for (number, event) in events().iter().enumerate() {
        let body = serde_json::to_string(event).expect("JSON");
        for secret in [SECRET, LONG_SECRET] {
            let id = format!("msg_{number}-{}", secret.len());
            let good = Secret::parse(secret)
                .expect("a secret")
                .sign(&id, at, body.as_bytes());
            let other = Secret::parse(secret)
                .expect("a secret")
                .sign("msg", at, body.as_bytes());
            for (signature, is_good) in [
                (good.clone(), true),
                (format!("v1,AAAA {good}"), true),
                (other, false),
            ] {
                let (id, body) = (id.clone(), body.clone());
                messages.push(Message {
                    secret,
                    id,
                    at,
                    body,
                    signature,
                    is_good,
                });
            }
        }
    }
    messages
}

impl Message {
    fn line(&self) -> String {
        let timestamp = self.at.as_seconds().to_string();
        json!({"secret": self.secret, "id": self.id, "timestamp": timestamp, "body": self.body, "signature": self.signature}).to_string()
    }
}

/// Sends all messages to a peer, and its signed messages to our function.
async fn exchange(command: &mut Command) -> Vec<Value> {
    let messages = messages();
    let lines: Vec<String> = messages.iter().map(Message::line).collect();
    let said = answers(command, &lines.join("\n"));
    assert_eq!(said.len(), messages.len());
    let cloud = Cloud::start().await;
    cloud
        .submitted("0193a1b2-0000-7000-8000-000000000001")
        .await;
    for (message, said) in messages.iter().zip(&said) {
        assert_eq!(said["believed"], message.is_good, "{}", message.line());
        takes(
            &cloud,
            message,
            said["signature"].as_str().expect("a signature"),
        )
        .await;
    }
    said
}

async fn takes(cloud: &Cloud, message: &Message, signature: &str) {
    let ingest = cloud.ingest_webhook_of(message.secret).await;
    let call = raw_event(message.body.as_str())
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", message.at.as_seconds().to_string());
    assert_eq!(
        send_event!(ingest, call.clone().header("webhook-signature", signature)).status,
        200
    );
    let ours = send_event!(ingest, call.header("webhook-signature", &message.signature)).status;
    assert_eq!(ours == 200, message.is_good);
}

fn answers(command: &mut Command, input: &str) -> Vec<Value> {
    let mut peer = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a peer");
    let mut stdin = peer.stdin.take().expect("a pipe");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let Output { status, stdout, .. } = peer.wait_with_output().expect("an end");
    writer.join().expect("no panic").expect("written");
    assert!(status.success(), "{command:?}");
    let text = String::from_utf8(stdout).expect("text");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A file that the set-up installs; a test that is skipped without it would prove nothing.
fn installed(path: &str) -> PathBuf {
    let file = in_repository(path);
    assert!(
        file.exists(),
        "{path} is not there: run `make test`, which installs it"
    );
    file
}

#[tokio::test]
async fn signatures_agree_with_the_rust_package() {
    let cloud = Cloud::start().await;
    cloud
        .submitted("0193a1b2-0000-7000-8000-000000000001")
        .await;
    for message in messages() {
        let peer = standardwebhooks::Webhook::new(message.secret).expect("a secret");
        let headers = [
            ("webhook-id", message.id.clone()),
            ("webhook-timestamp", message.at.as_seconds().to_string()),
            ("webhook-signature", message.signature.clone()),
        ];
        let headers = headers
            .into_iter()
            .map(|(name, value)| {
                (
                    name.parse().expect("a name"),
                    value.parse().expect("a value"),
                )
            })
            .collect();
        assert_eq!(
            peer.verify(message.body.as_bytes(), &headers).is_ok(),
            message.is_good
        );
        let signature = peer.sign(
            &message.id,
            message.at.as_seconds(),
            message.body.as_bytes(),
        );
        takes(&cloud, &message, &signature.expect("a signature")).await;
    }
}

#[tokio::test]
async fn signatures_agree_with_the_python_package() {
    let python = installed(".cache/venvs/stack/bin/python");
    exchange(Command::new(python).arg(in_repository("tests/contracts/peer.py"))).await;
}

#[tokio::test]
async fn a_typescript_receiver_verifies_and_parses_our_events() {
    let packages = installed(".cache/contracts");
    let compiler = installed(".cache/contracts/node_modules/typescript/lib/tsc.js");
    let folder = tempfile::TempDir::new_in(&packages).expect("a folder");
    let source = in_repository("tests/contracts/receiver.ts");
    std::fs::copy(source, folder.path().join("receiver.ts")).expect("a copy");
    std::fs::write(folder.path().join("events.ts"), typed_events()).expect("written");
    let checked = Command::new("node")
        .arg(&compiler)
        .args([
            "--strict",
            "--target",
            "es2022",
            "--module",
            "commonjs",
            "--types",
            "node",
            "--skipLibCheck",
            "receiver.ts",
            "events.ts",
        ])
        .current_dir(folder.path())
        .output()
        .expect("a compiler");
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stdout)
    );
    let said = exchange(Command::new("node").arg(folder.path().join("receiver.js"))).await;
    let jobs: Vec<&Value> = said.iter().step_by(6).map(|said| &said["job"]).collect();
    let wanted = [
        "running",
        "running 30 step 2 0/0",
        "running 60 step 3 1/2",
        "running 80 step 4 0/0",
        "succeeded 2",
        "failed the video is not there",
        "succeeded 1",
        "running 60 step 3 1/2",
    ];
    assert_eq!(jobs, wanted);
}

/// Our events for the compiler, and beside each one that it must reject.
fn typed_events() -> String {
    let mut text = String::from(
        "import type { WebhookPayload } from \"./receiver\";\nfunction accepts<const T extends WebhookPayload>(_event: T): void {}\n",
    );
    for event in events() {
        let event = json!(event);
        let mut wrong = event.clone();
        wrong["status"] = json!("canceled");
        let line = format!("accepts({event});\n// @ts-expect-error\naccepts({wrong});\n");
        text.push_str(&line);
    }
    // TypeScript ends a line at this character, even within a string
    text.replace('\u{2028}', "\\u2028")
}
