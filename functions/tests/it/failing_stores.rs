//! Throttled and failing stores: the caller receives 503 and may retry, and nothing is half done.

use domain::{AttemptId, keys};
use serde_json::json;

use crate::{
    cloud::Cloud,
    fault_proxy::Fault,
    requests::{Answer, Call, call},
    samples,
};

const JOBS: &str = "/api/ai-clipping-agent/jobs";
const FAULTS: [Fault; 4] = [Fault::Throttled, Fault::Broken, Fault::Cut, Fault::Unheard];

fn is_unavailable(answer: &Answer) -> bool {
    answer.status == 503 && answer.code() == "unavailable" && answer.header("retry-after").is_some()
}

#[tokio::test]
async fn an_interrupted_submission_resumes_when_it_is_repeated() {
    for fault in FAULTS {
        let cloud = Cloud::start().await;
        let submit = cloud.submit_job();
        let call = Call::new("POST", JOBS)
            .user("ann")
            .json(&samples::submission())
            .header("idempotency-key", "key");
        // the one call after that which counts the request
        cloud.front.dies_at(1, fault);
        let lost = call!(submit, call);
        assert!(is_unavailable(&lost), "{fault:?}: {lost:?}");
        let written = usize::from(fault == Fault::Unheard);
        assert_eq!(cloud.records().len(), written, "{fault:?}");

        cloud.front.heal();
        let again = call!(submit, call);
        assert_eq!(again.status, 202, "{fault:?}: {again:?}");
        assert_eq!(cloud.stream().len(), 1);
        assert_eq!(
            cloud.queued()[0]["dynamodb"]["NewImage"]["id"]["S"],
            json!(again.id())
        );
        let job = cloud.job(&again.id()).await;
        assert_eq!(job.active_owner, Some(job.owner));
    }
}

#[tokio::test]
async fn a_submission_without_a_key_is_written_whole_or_not_at_all() {
    for fault in FAULTS {
        let cloud = Cloud::start().await;
        let submit = cloud.submit_job();
        cloud
            .front
            .faults(move |call| (call == "DynamoDB.TransactWriteItems").then_some(fault));
        for call in [
            Call::new("POST", JOBS)
                .user("ann")
                .json(&samples::submission()),
            Call::new("POST", "/ai-clipping/jobs")
                .acme()
                .json(&json!({"video_url": "https://v.test/v.mp4"})),
        ] {
            let answer = call!(submit, call);
            assert!(is_unavailable(&answer), "{answer:?}");
        }
        let written = if fault == Fault::Unheard { 2 } else { 0 };
        assert_eq!(cloud.records().len(), written);
        for record in cloud.records().values() {
            let job: domain::Job = serde_json::from_value(record.clone()).expect("a whole job");
            assert_eq!((job.status, job.attempt), (domain::Status::Queued, 1));
        }
    }
}

#[tokio::test]
async fn unreadable_keys_answer_503() {
    let cloud = Cloud::start().await;
    let (submit, manage) = (cloud.submit_job(), cloud.manage_jobs());
    cloud
        .front
        .faults(|call| call.starts_with("Secrets").then_some(Fault::Throttled));
    let call = Call::new("POST", "/ai-clipping/jobs")
        .acme()
        .json(&json!({"video_url": "https://v.test/v.mp4"}));
    assert!(is_unavailable(&call!(submit, call)));
    assert!(is_unavailable(&call!(
        manage,
        Call::new("GET", "/ai-clipping/jobs/x").acme()
    )));
    cloud.front.heal();
    assert_eq!(call!(submit, call).status, 202);
    assert_eq!(
        call!(manage, Call::new("GET", "/ai-clipping/jobs/x").acme()).status,
        404
    );
}

/// User requests, each interrupted at every call and repeated: the state at the end is the same.
const WISHES: [(&str, &str); 4] = [
    ("POST", "/cancel"),
    ("POST", "/retry"),
    ("PUT", "/plan"),
    ("DELETE", ""),
];

async fn prepared(request: &str) -> (Cloud, domain::JobId) {
    let cloud = Cloud::start().await;
    let id = cloud.running("job").await;
    let of = AttemptId {
        job_id: id.clone(),
        attempt: 1,
    };
    let executions = aws::Executions::new(&cloud.connection, crate::cloud::MACHINE);
    executions.start(&of).await.expect("started");
    for name in ["plan.json", "clips/clip_00.mp4"] {
        cloud
            .bucket
            .write(&keys::in_job(&id, name), b"x".to_vec())
            .await
            .expect("written");
    }
    if matches!(request, "/retry" | "/plan") {
        let cancel = domain::Job::cancel(&domain::Owner::user("ann"), functions::now());
        assert!(cloud.change(&id, &cancel).await);
    }
    (cloud, id)
}

/// Everything that is stored, without times.
async fn stored_state(cloud: &Cloud) -> serde_json::Value {
    let mut records = cloud.records();
    for record in records.values_mut() {
        for time in [
            "updated_at",
            "queued_at_ms",
            "created_at",
            "finished_at",
            "started_at",
        ] {
            record.as_object_mut().expect("a record").remove(time);
        }
    }
    let objects = cloud.bucket.list("").await.expect("a list");
    json!([records, objects, cloud.front.executions.running()])
}

#[tokio::test]
async fn interrupted_requests_reach_the_same_state_when_repeated() {
    for (method, request) in WISHES {
        let (straight, id) = prepared(request).await;
        let call = Call::new(method, format!("{JOBS}/{id}{request}"))
            .user("ann")
            .json(&samples::plan());
        straight.front.calls();
        let answer = call!(straight.manage_jobs(), call);
        assert!(answer.status < 300, "{request}: {answer:?}");
        let calls = straight.front.calls();
        let wanted = stored_state(&straight).await;
        for fault in [Fault::Cut, Fault::Unheard] {
            for nth in 0..calls.len() {
                let (cloud, _) = prepared(request).await;
                cloud.front.dies_at(nth, fault);
                let lost = call!(cloud.manage_jobs(), call);
                assert!(
                    is_unavailable(&lost),
                    "{request} {} {fault:?}: {lost:?}",
                    calls[nth]
                );
                cloud.front.heal();
                let again = call!(cloud.manage_jobs(), call);
                // done the first time, only the response was lost
                let done = fault == Fault::Unheard && nth + 1 == calls.len();
                let repeated = if done && request != "/cancel" {
                    again.status
                } else {
                    answer.status
                };
                assert_eq!(
                    again.status, repeated,
                    "{request} {} {fault:?}: {again:?}",
                    calls[nth]
                );
                assert!([200, 202, 204, 404, 409].contains(&again.status));
                assert_eq!(
                    stored_state(&cloud).await,
                    wanted,
                    "{request} {} {fault:?}",
                    calls[nth]
                );
            }
        }
    }
}
