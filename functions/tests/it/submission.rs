//! Submissions: repeated, concurrent, over the limit, malformed.

use std::collections::BTreeSet;

use domain::limits::{MAX_IDEMPOTENCY_KEY_CHARS, MAX_SUBMISSION_BYTES};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    requests::{Answer, Call, call},
    samples,
};

const JOBS: &str = "/api/ai-clipping-agent/jobs";

fn submit_with(key: &str, body: &Value) -> Call {
    let call = Call::new("POST", JOBS).user("ann").json(body);
    call.header("Idempotency-Key", key)
}

/// Number of jobs that were created.
fn inserted(cloud: &Cloud) -> usize {
    let stream = cloud.stream();
    let new = |record: &&Value| record["eventName"] == "INSERT";
    stream.iter().filter(new).count()
}

async fn all_at_once(cloud: &Cloud, calls: Vec<Call>) -> Vec<Answer> {
    let tasks = calls.into_iter().map(|call| {
        // each to another instance of the function
        let submit = cloud.submit_job();
        tokio::spawn(async move { call!(submit, call) })
    });
    let answers = join_all(tasks).await.into_iter();
    answers.map(|answer| answer.expect("an answer")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_with_one_idempotency_key_create_one_job() {
    let cloud = Cloud::start().await;
    let call = submit_with("key-1", &samples::submission());
    let answers = all_at_once(&cloud, vec![call.clone(); 50]).await;
    let ids: BTreeSet<_> = answers.iter().map(Answer::id).collect();
    assert!(answers.iter().all(|answer| answer.status == 202));
    assert_eq!(
        (ids.len(), inserted(&cloud), cloud.records().len()),
        (1, 1, 1)
    );
    // another owner or another key is another job
    let other = call!(cloud.submit_job(), call.clone().user("bob"));
    assert!(other.status == 202 && !ids.contains(&other.id()));
    let other = call!(
        cloud.submit_job(),
        submit_with("key-2", &samples::submission())
    );
    assert!(other.status == 202 && !ids.contains(&other.id()));
    assert_eq!(cloud.records().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_different_body_under_the_same_key_is_rejected() {
    let cloud = Cloud::start().await;
    let bodies = [2, 3]
        .map(|count| json!({"videoUrl": "https://videos.test/v.mp4", "requestedClipCount": count}));
    let calls = (0..50)
        .map(|number| submit_with("key", &bodies[number % 2]))
        .collect();
    let answers = all_at_once(&cloud, calls).await;
    assert_eq!(cloud.records().len(), 1);
    let job = cloud.records().into_values().next().expect("a job");
    let winner = job["options"]["requestedClipCount"]
        .as_u64()
        .expect("a number") as usize
        - 2;
    for (number, answer) in answers.iter().enumerate() {
        if number % 2 == winner {
            assert_eq!(
                (answer.status, answer.id().as_str()),
                (202, job["id"].as_str().expect("an id"))
            );
        } else {
            assert_eq!(
                (answer.status, answer.code()),
                (422, "idempotency_key_reused")
            );
        }
    }
}

#[tokio::test]
async fn submissions_beyond_the_limit_of_active_jobs_are_rejected() {
    let cloud = Cloud::start().await;
    let mut submit = cloud.submit_job();
    submit.max_active = 2;
    let first = call!(submit, submit_with("first", &samples::submission()));
    let second = call!(
        submit,
        Call::new("POST", JOBS)
            .user("ann")
            .json(&samples::submission())
    );
    assert_eq!((first.status, second.status), (202, 202));
    for call in [
        submit_with("third", &samples::submission()),
        Call::new("POST", JOBS)
            .user("ann")
            .json(&samples::submission()),
    ] {
        let refused = call!(submit, call);
        assert_eq!(
            (refused.status, refused.code()),
            (429, "too_many_active_jobs")
        );
        assert!(refused.header("retry-after").is_some());
    }
    // a repeated request is answered as before, one with another body is rejected as such
    let again = call!(submit, submit_with("first", &samples::submission()));
    assert_eq!((again.status, again.id()), (202, first.id()));
    let other = json!({"videoUrl": "https://videos.test/other.mp4"});
    let reused = call!(submit, submit_with("first", &other));
    assert_eq!(
        (reused.status, reused.code()),
        (422, "idempotency_key_reused")
    );
    assert_eq!(cloud.records().len(), 2);
    let bobs = Call::new("POST", JOBS)
        .user("bob")
        .json(&samples::submission());
    assert_eq!(call!(submit, bobs).status, 202);
    // a finished job frees a slot
    let cancel = domain::Job::cancel(&domain::Owner::user("ann"), functions::now());
    assert!(cloud.change(&first.id(), &cancel).await);
    let third = call!(submit, submit_with("third", &samples::submission()));
    assert_eq!(third.status, 202);
}

#[tokio::test]
async fn a_malformed_submission_is_rejected_and_nothing_is_stored() {
    let cloud = Cloud::start().await;
    let submit = cloud.submit_job();
    let call = |body: &[u8]| Call::new("POST", JOBS).user("ann").body(body);
    let deep = |field: &str| {
        let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        format!(r#"{{"videoUrl": "https://v.test/", "{field}": {nested}}}"#)
    };
    let whole = samples::submission().to_string();
    let too_long = format!(
        r#"{{"videoUrl": "https://v.test/", "x": "{}"}}"#,
        "x".repeat(MAX_SUBMISSION_BYTES)
    );
    let cases: [(Call, u16, &str); 12] = [
        (call(b""), 422, ""),
        (call(&whole.as_bytes()[..20]), 422, ""),
        (call(format!("{whole}{whole}").as_bytes()), 422, ""),
        (call(too_long.as_bytes()), 413, ""),
        (call(deep("topics").as_bytes()), 422, "topics[0]"),
        (
            call(br#"{"videoUrl": "https://v.test/", "videoUrl": "https://w.test/"}"#),
            422,
            "videoUrl",
        ),
        (
            call(b"{\"videoUrl\": \"https://v.test/\xff\"}").base64(),
            422,
            "videoUrl",
        ),
        (
            call(br#"{"videoUrl": "https://v.test/", "endSeconds": NaN}"#),
            422,
            "endSeconds",
        ),
        (
            call(br#"{"videoUrl": "https://v.test/", "endSeconds": 1e999}"#),
            422,
            "endSeconds",
        ),
        (call(br#"{"uploadId": "../jobs/x"}"#), 422, "uploadId"),
        (
            call(whole.as_bytes()).header("idempotency-key", ""),
            422,
            "Idempotency-Key",
        ),
        (
            call(whole.as_bytes())
                .header("idempotency-key", "k".repeat(MAX_IDEMPOTENCY_KEY_CHARS + 1)),
            422,
            "Idempotency-Key",
        ),
    ];
    for (call, status, field) in cases {
        let answer = call!(submit, call);
        assert_eq!(
            (answer.status, answer.field()),
            (status, field),
            "{answer:?} {call:.300?}"
        );
        assert!(!answer.code().is_empty());
    }
    assert!(cloud.records().is_empty());
    // unknown fields of any kind are ignored
    assert_eq!(call!(submit, call(deep("x").as_bytes())).status, 202);
    let key = "k".repeat(MAX_IDEMPOTENCY_KEY_CHARS);
    let longest = call!(submit, submit_with(&key, &samples::submission()));
    assert_eq!(longest.status, 202);
    // the same body is recognised however API Gateway passes it on
    let text = call!(submit, submit_with("key", &samples::submission()));
    let bytes = call!(submit, submit_with("key", &samples::submission()).base64());
    assert_eq!(
        (text.status, bytes.status, text.id()),
        (202, 202, bytes.id())
    );
}
