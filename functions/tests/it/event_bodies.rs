//! Bodies of events: malformed ones are rejected as the contract says, and nothing is stored.

use domain::{
    JobId,
    limits::{
        MAX_CALLBACK_TEST_BYTES, MAX_COMPLETION_BYTES, MAX_EVENT_BYTES, MAX_PLAN_BYTES,
        MAX_SUBMISSION_BYTES,
    },
};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    requests::{Call, call, event, raw_event, send_event},
    samples,
};

/// An event with one field changed, as text.
fn changed(field: &str, value: &str) -> String {
    let id: JobId = "job-1".parse().expect("an id");
    let mut body = samples::events(&id, 1, "job.completed")[4].clone();
    let pointer = field.replace(['.', '['], "/").replace(']', "");
    let pointer = format!("/{pointer}");
    match body.pointer_mut(&pointer) {
        Some(there) => *there = json!("@"),
        None => body[field] = json!("@"),
    }
    body.to_string().replace("\"@\"", value)
}

fn without(field: &str) -> String {
    let mut body: Value = serde_json::from_str(&changed("x", "0")).expect("JSON");
    body.as_object_mut().expect("an event").remove(field);
    body.to_string()
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// A complete event, padded to a length by an unknown field.
fn of_length(bytes: usize) -> String {
    let empty = changed("padding", "\"\"").len();
    changed("padding", &format!("\"{}\"", "x".repeat(bytes - empty)))
}

#[tokio::test]
async fn a_malformed_event_is_rejected_with_the_path_of_the_field() {
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    cloud.running("job-1").await;
    let whole = changed("x", "0");
    let cases: Vec<(Vec<u8>, &str)> = [
        (String::new(), ""),
        (" ".to_owned(), ""),
        ("null".to_owned(), ""),
        (r#"["job.failed", "2024-11-28T10:30:00Z", "job-1", null, null, "failed", 5, "x", null, null, null, null, null, null, null, null, null]"#.to_owned(), ""),
        (nested(10_000), ""),
        (whole[..whole.len() - 1].to_owned(), ""),
        (whole[..9].to_owned(), ""),
        (format!("{whole}{whole}"), ""),
        (format!("{whole} x"), ""),
        (changed("output", &nested(10_000)), "output[0]"),
        (
            changed("clip", &format!(r#"{{"clip_index": {}}}"#, nested(10_000))),
            "clip.clip_index",
        ),
        (changed("progress_percent", "NaN"), "progress_percent"),
        (changed("progress_percent", "-Infinity"), "progress_percent"),
        (changed("progress_percent", "\"5\""), "progress_percent"),
        (changed("progress_percent", "null"), "progress_percent"),
        (changed("job_id", "7"), "job_id"),
        (changed("external_job_id", "[]"), "external_job_id"),
        (changed("event", r#""job.exploded""#), "event"),
        (changed("status", r#""canceled?""#), "status"),
        (changed("timestamp", "1700000000"), "timestamp"),
        (changed("attempt", "0"), "attempt"),
        (changed("attempt", "-1"), "attempt"),
        (changed("attempt", "4294967296"), "attempt"),
        (changed("sequence", "1.5"), "sequence"),
        (
            changed("output.clips[0].virality_score", "\"1\""),
            "output.clips[0].virality_score",
        ),
        (
            changed("output.clips[0].clip_index", "null"),
            "output.clips[0].clip_index",
        ),
        (
            changed("output.clips[1]", r#"{"clip_index": 1}"#),
            "output.clips[1].s3_url",
        ),
        (without("job_id"), "job_id"),
        (without("timestamp"), "timestamp"),
    ]
    .map(|(body, field)| (body.into_bytes(), field))
    .into_iter()
    .chain([
        (
            changed("current_step", "\"\u{0}\"").into_bytes(),
            "current_step",
        ),
        ([whole.as_bytes(), b"\xff"].concat(), ""),
        (
            whole
                .clone()
                .into_bytes()
                .into_iter()
                .map(|byte| if byte == b'T' { 0xff } else { byte })
                .collect(),
            "output.source_video_title",
        ),
    ])
    .collect();
    let before = cloud.records();
    cloud.front.calls();
    for (body, field) in cases {
        let shown = String::from_utf8_lossy(&body)
            .chars()
            .take(300)
            .collect::<String>();
        let told = send_event!(ingest, raw_event(body).base64().signed());
        assert_eq!(
            (told.status, told.code()),
            (422, "invalid_request"),
            "{told:?} {shown}"
        );
        assert_eq!(told.field(), field, "{told:?} {shown}");
    }
    assert_eq!(cloud.front.calls(), Vec::<String>::new());
    assert_eq!(cloud.records(), before);
}

#[tokio::test]
async fn a_body_has_a_limit_whoever_sends_it() {
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    cloud.running("job-1").await;
    let before = cloud.records();
    cloud.front.calls();
    let long = raw_event(of_length(MAX_EVENT_BYTES + 1));
    for call in [long.clone(), long.clone().signed(), long.base64().signed()] {
        let told = send_event!(ingest, call);
        assert_eq!((told.status, told.code()), (413, "payload_too_large"));
    }
    assert_eq!((cloud.front.calls(), cloud.records()), (vec![], before));
    let told = send_event!(ingest, raw_event(of_length(MAX_EVENT_BYTES)).signed());
    assert_eq!(
        (told.status, &told.body["job_status"]),
        (200, &json!("succeeded"))
    );
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    for (number, field) in [
        nested(10_000),
        "NaN".to_owned(),
        "1e999".to_owned(),
        "null".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        let id = cloud.running(&format!("job-{number}")).await;
        let body = changed("x", &field).replace("job-1", id.as_str());
        let told = send_event!(ingest, raw_event(body).signed());
        // a body that is not JSON is rejected even there
        assert_eq!(
            told.status,
            if field == "NaN" { 422 } else { 200 },
            "{field:.20} {told:?}"
        );
    }
}

#[tokio::test]
async fn an_event_of_no_job_is_not_found() {
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    let id: JobId = "nobody".parse().expect("an id");
    for body in samples::events(&id, 1, "job.completed") {
        let told = send_event!(ingest, event(&body).signed());
        assert_eq!((told.status, told.code()), (404, "not_found"));
    }
    assert!(cloud.records().is_empty() && cloud.stream().is_empty());
    // found by the second id if the first is unknown
    let there = cloud.running("there").await;
    let mut body = samples::event(&there, "job.progress", 1, 1, 10);
    body["external_job_id"] = json!("nobody");
    assert_eq!(send_event!(ingest, event(&body).signed()).status, 200);
    assert_eq!(cloud.job(&there).await.progress_percent, 10);
    for (method, path) in [
        ("GET", crate::requests::EVENTS),
        ("POST", "/api/webhooks"),
        ("POST", "/webhooks/ai-clipping/"),
    ] {
        assert_eq!(
            send_event!(ingest, Call::new(method, path).signed()).status,
            404
        );
    }
}

#[tokio::test]
async fn an_unavailable_store_answers_503_so_that_the_event_is_retried() {
    use crate::fault_proxy::Fault;
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    let id = cloud.running("job-1").await;
    for (number, fault) in [Fault::Throttled, Fault::Broken, Fault::Cut, Fault::Unheard]
        .into_iter()
        .enumerate()
    {
        let percent = 10 + number as u32;
        let call = event(&samples::event(&id, "job.progress", 1, percent, percent)).signed();
        cloud.front.faults(move |_| Some(fault));
        let told = send_event!(ingest, call);
        assert_eq!(
            (told.status, told.code()),
            (503, "unavailable"),
            "{fault:?}"
        );
        assert!(told.header("retry-after").is_some());
        cloud.front.heal();
        assert_eq!(send_event!(ingest, call).status, 200);
        assert_eq!(cloud.job(&id).await.progress_percent, percent);
    }
}

/// An object of this many bytes without known fields.
fn object_of(bytes: usize) -> Vec<u8> {
    let padding = bytes - r#"{"x": ""}"#.len();
    format!(r#"{{"x": "{}"}}"#, "x".repeat(padding)).into_bytes()
}

#[tokio::test]
async fn bodies_stand_at_their_limits() {
    let cloud = Cloud::start().await;
    let (submit, manage) = (cloud.submit_job(), cloud.manage_jobs());
    let id = cloud.submitted("job-1").await;
    let agent = "/api/ai-clipping-agent";
    let post = |path: &str| Call::new("POST", format!("{agent}/{path}")).user("ann");
    let upload = json!({"fileName": "a.mp4", "sizeBytes": 5});
    let upload = call!(submit, post("uploads").json(&upload));
    let upload = upload.body["uploadId"].as_str().expect("an id").to_owned();
    let of_submit = [
        (post("jobs"), MAX_SUBMISSION_BYTES),
        (
            Call::new("POST", "/ai-clipping/jobs").acme(),
            MAX_SUBMISSION_BYTES,
        ),
        (post("uploads"), MAX_SUBMISSION_BYTES),
        (
            post(&format!("uploads/{upload}/parts")),
            MAX_SUBMISSION_BYTES,
        ),
        (
            post(&format!("uploads/{upload}/complete")),
            MAX_COMPLETION_BYTES,
        ),
    ];
    for (call, most) in of_submit {
        for (bytes, status) in [(most, 422), (most + 1, 413)] {
            let answer = call!(submit, call.clone().body(object_of(bytes)));
            assert_eq!(answer.status, status, "{bytes} {answer:?}");
        }
    }
    let plan = Call::new("PUT", format!("{agent}/jobs/{id}/plan")).user("ann");
    let of_manage = [
        (plan, MAX_PLAN_BYTES),
        (post("callback-tests"), MAX_CALLBACK_TEST_BYTES),
    ];
    for (call, most) in of_manage {
        for (bytes, status) in [(most, 422), (most + 1, 413)] {
            let answer = call!(manage, call.clone().body(object_of(bytes)));
            assert_eq!(answer.status, status, "{bytes} {answer:?}");
        }
    }
}
