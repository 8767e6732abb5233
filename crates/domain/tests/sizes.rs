//! Records, events and deliveries with every text at its limit fit the stores and transports.

use std::collections::BTreeSet;

use domain::{
    AttemptId, Change, Condition, Delivery, DeliveryAttempt, Event, EventKind, Failure, Job, JobId,
    JobOutput, JobSource, Labels, Outcome, OutcomeRecord, Owner, Plan, Rates, Record, Settlement,
    Stage, Submission, Timestamp,
    limits::{
        MAX_CLIPS, MAX_EVENT_BYTES, MAX_LABEL_BYTES, MAX_MESSAGE_BYTES, MAX_MESSAGE_IDS,
        MAX_REPORTED_CLIPS, MAX_TEXT_BYTES, MAX_TIMING_NAME_BYTES, MAX_TIMINGS, MAX_TITLE_BYTES,
        MAX_TOPIC_CHARS, MAX_TOPICS, MAX_URL_BYTES,
    },
};
use serde_json::{Map, Value, json};

/// Maximum size of a `DynamoDB` item.
const ITEM_BYTES: usize = 400 * 1024;
const RATES: Rates = Rates {
    credits_per_minute: 1,
};

fn at() -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000)
}

/// Returns a text far above any limit that JSON escapes to twice its length.
fn overlong() -> String {
    "\"".repeat(450_000)
}

/// Returns the longest URL of an object in the bucket.
fn address(id: &JobId, name: &str) -> String {
    let bucket = "b".repeat(63);
    format!("https://{bucket}.s3.ap-southeast-2.amazonaws.com/jobs/{id}/{name}")
}

fn output(id: &JobId) -> JobOutput {
    output_at(|name| address(id, name))
}

/// Returns an output with every field at its limit, whose files have these URLs.
fn output_at(address: impl Fn(&str) -> String) -> JobOutput {
    let long = u64::from(u32::MAX);
    let score = 0.123;
    let clip = |index: u32| {
        let of = |end: &str| address(&format!("clips/clip_{index:02}.{end}"));
        json!({"clip_index": index, "s3_url": of("mp4"), "duration_ms": long, "virality_score": score, "summary": overlong(),
            "title": overlong(), "rank": index + 1, "start_ms": long, "end_ms": long, "reason": overlong(), "captions_url": of("vtt"),
            "score_breakdown": {"hook": score, "flow": score, "value": score, "emotion": score}, "thumbnail_url": of("jpg"),
            "width": 1080, "height": 1920})
    };
    let clips: Vec<Value> = (0..MAX_REPORTED_CLIPS as u32).map(clip).collect();
    let timings: Map<String, Value> = (0..MAX_TIMINGS)
        .map(|number| (format!("{number:x>MAX_TIMING_NAME_BYTES$}"), long.into()))
        .collect();
    let output = json!({"total_clips": MAX_REPORTED_CLIPS, "source_video_title": overlong(), "processing_time_seconds": 4_294_967.295,
        "considered_ms": long, "source_duration_ms": long, "timings": timings, "clips": clips,
        "transcript_url": address("transcript.json"), "plan_url": address("plan.json")});
    serde_json::from_value(output).expect("valid")
}

/// Returns a submitted job with every field at its limit.
fn submitted() -> Job {
    let url = format!("https://{}", "x".repeat(MAX_URL_BYTES - 8));
    let label = Some("l".repeat(MAX_LABEL_BYTES));
    let options = json!({"requestedClipCount": MAX_CLIPS, "minClipSeconds": 5, "maxClipSeconds": 180, "aspectRatio": "9:16",
        "layout": "auto", "captions": "karaoke", "removeSilences": true,
        "topics": vec!["\u{1f3ac}".repeat(MAX_TOPIC_CHARS); MAX_TOPICS]});
    let submission = Submission {
        owner: Owner::user(&"o".repeat(128)),
        source: JobSource {
            youtube_url: None,
            video_url: Some(url.clone()),
            upload_id: None,
            upload_key: None,
            title: Some("\"".repeat(MAX_TITLE_BYTES)),
            duration_ms: None,
        },
        options: serde_json::from_value(options).expect("valid"),
        body_sha256: Some("0".repeat(64)),
        callback_url: Some(url),
        labels: Labels {
            external_job_id: label.clone(),
            owner_user_id: label,
        },
    };
    let id = "j".repeat(64);
    Job::new(id.parse().expect("valid"), submission, at())
}

/// Returns the record of the same job when it has ended, with full sets of message ids.
fn record() -> Record {
    let job = submitted();
    record_of(&job, output(&job.id))
}

fn record_of(job: &Job, output: JobOutput) -> Record {
    let Value::Object(mut record) = json!(job) else {
        panic!("not an object")
    };
    let of = AttemptId {
        job_id: job.id.clone(),
        attempt: 1,
    };
    assert!(Job::claim(&of, &"t".repeat(64), at()).apply(&mut record));
    let ended = OutcomeRecord {
        outcome: Outcome::Succeeded {
            output,
            stages: vec![],
            tools: [].into(),
        },
        finished_at: at(),
    };
    let Settlement::Change(change) = job.settle(1, Some(&ended), RATES, at()) else {
        panic!("no change")
    };
    assert!(change.apply(&mut record));
    for set in ["message_ids_0", "message_ids_1", "message_ids_2"] {
        let ids = (0..MAX_MESSAGE_IDS).map(|number| (set, format!("{number:016x}")));
        let change = Change {
            when: vec![Condition::Exists],
            add_to_set: ids.collect(),
            ..Change::default()
        };
        assert!(change.apply(&mut record));
    }
    record.insert(
        "error_message".into(),
        "\"".repeat(MAX_MESSAGE_BYTES).into(),
    );
    record
}

/// Returns the size of a value in an item: its bytes, and a few for each list, map and entry.
fn item_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 1,
        // 38 digits at most, two per byte
        Value::Number(_) => 21,
        Value::String(text) => text.len(),
        Value::Array(all) => 3 + all.iter().map(|one| 1 + item_bytes(one)).sum::<usize>(),
        Value::Object(all) => {
            let entries = all
                .iter()
                .map(|(name, one)| 1 + name.len() + item_bytes(one));
            3 + entries.sum::<usize>()
        }
    }
}

#[test]
fn a_record_at_every_limit_fits_an_item() {
    let bytes = item_bytes(&Value::Object(record()));
    assert!((150_000..ITEM_BYTES).contains(&bytes), "{bytes}");
}

#[test]
fn a_record_with_foreign_urls_at_their_limit_fits_an_item() {
    let output = output_at(|name| format!("{name:x>MAX_URL_BYTES$}"));
    let record = record_of(&submitted(), output);
    let bytes = item_bytes(&Value::Object(record));
    assert!((350_000..ITEM_BYTES).contains(&bytes), "{bytes}");
}

#[test]
fn a_record_with_clips_of_a_running_edit_fits_an_item() {
    let mut record = record();
    record["attempt_clips"] = record["clips"].clone();
    let bytes = item_bytes(&Value::Object(record));
    assert!((250_000..ITEM_BYTES).contains(&bytes), "{bytes}");
}

#[test]
fn an_event_at_every_limit_is_accepted() {
    let job: Job = serde_json::from_value(Value::Object(record())).expect("valid");
    let built = Event::from_job(&job, EventKind::Completed);
    let sent = Event {
        output: Some(output(&job.id)),
        owner_user_id: Some("o".repeat(MAX_LABEL_BYTES)),
        error: Some("\"".repeat(MAX_MESSAGE_BYTES)),
        ..built.clone()
    };
    for event in [built, sent] {
        let bytes = serde_json::to_vec(&event).expect("valid").len();
        assert!((200_000..MAX_EVENT_BYTES).contains(&bytes), "{bytes}");
    }
}

#[test]
fn a_delivery_at_every_limit_fits_an_item() {
    let job: Job = serde_json::from_value(Value::Object(record())).expect("valid");
    let mut delivery = Delivery::for_change(&job, EventKind::Completed, at(), 0).expect("valid");
    for _ in 0..100 {
        delivery.add(DeliveryAttempt {
            at: at(),
            status: Some(500),
            error: Some(overlong()),
            duration_ms: u64::MAX,
        });
    }
    let bytes = item_bytes(&json!(delivery));
    assert!((100_000..ITEM_BYTES).contains(&bytes), "{bytes}");
}

#[test]
fn outside_texts_are_truncated_to_their_limits() {
    let clip = &output(&submitted().id).clips[0];
    let lengths =
        [&clip.title, &clip.summary, &clip.reason].map(|text| text.as_ref().map(String::len));
    assert_eq!(
        lengths,
        [MAX_TITLE_BYTES, MAX_TEXT_BYTES, MAX_TEXT_BYTES].map(Some)
    );
    let failure = Failure::internal(Stage::Plan, overlong());
    assert_eq!(failure.message.len(), MAX_MESSAGE_BYTES);
    let Outcome::Failed { error, .. } = Outcome::from(&Failure {
        message: overlong(),
        ..failure
    }) else {
        panic!("not a failure")
    };
    assert_eq!(error.len(), MAX_MESSAGE_BYTES);
}

/// Returns a plan of one clip whose texts have this many bytes.
fn plan(title: usize, summary: usize, reason: usize) -> Plan {
    let score = json!({"hook": 0, "flow": 0, "value": 0, "emotion": 0});
    let clip = json!({"clip_index": 0, "rank": 1, "start_ms": 0, "end_ms": 9000, "title": "t".repeat(title),
        "summary": "s".repeat(summary), "reason": "r".repeat(reason), "virality_score": 1, "score_breakdown": score});
    serde_json::from_value(json!({"version": 1, "clips": [clip]})).expect("valid")
}

#[test]
fn texts_of_an_edited_plan_are_accepted_up_to_their_limits() {
    let (title, text) = (MAX_TITLE_BYTES, MAX_TEXT_BYTES);
    plan(title, text, text).check_edited().expect("valid");
    let messages: BTreeSet<String> = [
        plan(title + 1, text, text),
        plan(title, text + 1, text),
        plan(title, text, text + 1),
    ]
    .map(|plan| plan.check_edited().unwrap_err().to_string())
    .into();
    assert_eq!(messages.len(), 3, "{messages:?}");
    let planned = plan(title + 1, text + 1, text + 1).with_truncated_texts();
    planned.check_edited().expect("valid");
}
