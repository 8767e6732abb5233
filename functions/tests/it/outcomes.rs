//! `settle-job` repeated, late, concurrent and failing at every call: the outcome is the same.

use domain::{AUTOMATIC_ATTEMPTS, AttemptId, Change, JobId, Owner, Status, keys};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    fault_proxy::Fault,
    history_invariants::{self, essence},
    samples,
};

/// Outcomes of an attempt, the number of attempts left, and the expected job.
fn ends() -> Vec<(&'static str, Option<String>, u32, Value)> {
    let id: JobId = "job".parse().expect("an id");
    let [done, failed] = ["job.completed", "job.failed"]
        .map(|last| Some(samples::outcome(&samples::events(&id, 1, last)[4]).to_string()));
    let retryable = Some(samples::retryable().to_string());
    let end = |status: &str, code: Value, attempt: u32, credits: Value| {
        json!([status, code, attempt, credits])
    };
    let null = Value::Null;
    vec![
        (
            "done",
            done.clone(),
            2,
            end("succeeded", null.clone(), 1, json!(3)),
        ),
        (
            "done at last",
            done,
            0,
            end("succeeded", null.clone(), 1, json!(3)),
        ),
        (
            "the source is at fault",
            failed,
            2,
            end("failed", json!("source_unavailable"), 1, null.clone()),
        ),
        (
            "may end better",
            retryable.clone(),
            1,
            end("queued", null.clone(), 2, null.clone()),
        ),
        (
            "nothing is left",
            None,
            2,
            end("queued", null.clone(), 2, null.clone()),
        ),
        (
            "half an outcome",
            Some(r#"{"status": "succ"#.to_owned()),
            1,
            end("queued", null.clone(), 2, null.clone()),
        ),
        (
            "may end better, but was the last",
            retryable,
            0,
            end("failed", json!("disk_full"), 1, null.clone()),
        ),
        (
            "nothing is left of the last",
            None,
            0,
            end("failed", json!("internal"), 1, null),
        ),
    ]
}

/// A job whose attempt has ended.
async fn ended(cloud: &Cloud, id: &str, outcome: Option<&str>, left: u32) -> JobId {
    let mut job = samples::job(id);
    job.automatic_attempts_left = left;
    cloud.create(&job).await;
    assert!(cloud.claim(&job.id, 1).await);
    if let Some(outcome) = outcome {
        leave(cloud, &job.id, 1, outcome).await;
    }
    job.id
}

pub(crate) async fn leave(cloud: &Cloud, id: &JobId, attempt: u32, outcome: &str) {
    let key = keys::in_job(id, &keys::attempt_outcome(attempt));
    cloud
        .bucket
        .write(&key, outcome.as_bytes().to_vec())
        .await
        .expect("written");
}

pub(crate) fn of(id: &JobId, attempt: u32) -> Value {
    json!({"job_id": id, "attempt": attempt})
}

/// The `EventBridge` event of an execution that was aborted.
pub(crate) fn aborted(id: &JobId, attempt: u32) -> Value {
    json!({"source": "aws.states", "detail-type": "Step Functions Execution Status Change",
        "detail": {"name": format!("{id}-{attempt}"), "status": "ABORTED", "input": "{}"}})
}

pub(crate) fn short(cloud: &Cloud, id: &JobId) -> Value {
    let record = &cloud.records()[id.as_str()];
    json!([
        record["status"],
        record["error_code"],
        record["attempt"],
        record["credits_charged"]
    ])
}

#[tokio::test]
async fn settling_has_the_same_outcome_whichever_call_fails() {
    for (what, outcome, left, wanted) in ends() {
        let cloud = Cloud::start().await;
        let settle = cloud.settle_job();
        let straight = ended(&cloud, "straight", outcome.as_deref(), left).await;
        cloud.front.calls();
        settle.handle(&of(&straight, 1)).await.expect("settled");
        let calls = cloud.front.calls();
        // at its end it releases its slot of the owner's limit
        let gives_back = cloud.job(&straight).await.status.is_terminal();
        let made = ["DynamoDB.GetItem", "S3.GET", "DynamoDB.UpdateItem"];
        let last = gives_back.then_some("DynamoDB.UpdateItem");
        assert!(calls.iter().eq(made.into_iter().chain(last)), "{calls:?}");
        assert_eq!(short(&cloud, &straight), wanted, "{what}");
        for (number, fault) in [Fault::Throttled, Fault::Cut, Fault::Unheard]
            .into_iter()
            .enumerate()
        {
            for nth in 0..calls.len() {
                let id = ended(
                    &cloud,
                    &format!("job-{number}-{nth}"),
                    outcome.as_deref(),
                    left,
                )
                .await;
                cloud.front.dies_at(nth, fault);
                let died = settle.handle(&of(&id, 1)).await;
                assert!(died.is_err(), "{what}: {fault:?} at {nth}");
                cloud.front.heal();
                // Step Functions retries, and EventBridge sends its event
                for event in [of(&id, 1), aborted(&id, 1), of(&id, 1)] {
                    settle.handle(&event).await.expect("settled");
                }
            }
        }
        let records = cloud.records();
        let without_time = |id: &str| {
            let mut record = essence(&records[id]);
            if outcome.is_none() {
                // only this settles it
                record
                    .as_object_mut()
                    .expect("a record")
                    .remove("finished_at");
            }
            record
        };
        for (id, changes) in history_invariants::changes(&cloud) {
            assert_eq!(without_time(&id), without_time("straight"), "{what}: {id}");
            // created, claimed, settled: once each
            assert_eq!(changes.len(), 3, "{what}: {id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_settling_takes_effect_once() {
    for (what, outcome, left, wanted) in ends() {
        let cloud = Cloud::start().await;
        let id = ended(&cloud, "job-1", outcome.as_deref(), left).await;
        let settle = std::sync::Arc::new(cloud.settle_job());
        let all = (0..8).map(|number| {
            let event = if number % 2 == 0 {
                of(&id, 1)
            } else {
                aborted(&id, 1)
            };
            let settle = std::sync::Arc::clone(&settle);
            tokio::spawn(async move { json!(settle.handle(&event).await.expect("settled")) })
        });
        let said: Vec<Value> = join_all(all)
            .await
            .into_iter()
            .map(|said| said.expect("no panic"))
            .collect();
        let changed = said.iter().filter(|said| said["changed"] == json!(true));
        assert_eq!(changed.count(), 1, "{what}");
        assert_eq!(
            (short(&cloud, &id), cloud.stream().len()),
            (wanted, 3),
            "{what}"
        );
        history_invariants::check(&cloud);
    }
}

#[tokio::test]
async fn a_job_fails_after_its_last_automatic_attempt() {
    let cloud = Cloud::start().await;
    let (start, settle) = (cloud.start_job(), cloud.settle_job());
    let id = cloud.submitted("job-1").await;
    for attempt in 1..=AUTOMATIC_ATTEMPTS {
        let batch = serde_json::from_value(json!({"Records": cloud.queued()})).expect("a batch");
        start.handle(&batch).await;
        assert_eq!(
            cloud.front.executions.running(),
            [format!("{id}-{attempt}")]
        );
        // the second task never starts
        assert!(attempt == 2 || cloud.claim(&id, attempt).await);
        cloud.front.executions.end(&format!("{id}-{attempt}"));
        settle.handle(&of(&id, attempt)).await.expect("settled");
        // events of earlier attempts arrive late
        for late in 0..attempt {
            settle
                .handle(&aborted(&id, late.max(1)))
                .await
                .expect("settled");
        }
    }
    let job = cloud.job(&id).await;
    assert_eq!(
        (job.status, job.attempt, job.error_code.as_deref()),
        (Status::Failed, AUTOMATIC_ATTEMPTS, Some("internal"))
    );
    assert!(
        job.error_message.is_some() && job.credits_charged.is_none() && job.active_owner.is_none()
    );
    assert_eq!(
        cloud.front.executions.all().len() as u32,
        AUTOMATIC_ATTEMPTS
    );
    history_invariants::check(&cloud);
}

#[tokio::test]
async fn settling_an_unknown_attempt_changes_nothing() {
    let cloud = Cloud::start().await;
    let settle = cloud.settle_job();
    let nobody: JobId = "nobody".parse().expect("an id");
    let settled = settle.handle(&of(&nobody, 1)).await.expect("settled");
    assert_eq!(json!(settled), json!({"changed": false, "status": null}));
    for wrong in [
        json!({}),
        json!(null),
        json!({"job_id": "../x", "attempt": 1}),
        json!({"detail": {"name": "x"}}),
        json!({"job_id": "x", "attempt": -1}),
    ] {
        let settled = settle.handle(&wrong).await.expect("kept for a person");
        assert_eq!(json!(settled), json!({"changed": false, "status": null}));
        assert_eq!(cloud.front.messages.letters().len(), 1, "{wrong}");
    }
    assert!(cloud.records().is_empty());
    // a finished job stays as it is, whatever objects are left
    let id = cloud.running("job-1").await;
    assert!(
        cloud
            .change(
                &id,
                &domain::Job::cancel(&Owner::user("ann"), functions::now())
            )
            .await
    );
    let canceled = cloud.records();
    let done = samples::outcome(&samples::events(&id, 1, "job.completed")[4]).to_string();
    leave(&cloud, &id, 1, &done).await;
    settle.handle(&of(&id, 1)).await.expect("settled");
    assert_eq!(cloud.records(), canceled);
}

#[tokio::test]
async fn an_outcome_that_cannot_be_stored_fails_the_job() {
    let cloud = Cloud::start().await;
    let id = cloud.submitted("job-1").await;
    // as if a record had grown nearly to the table's limit: outputs are cut to what fits a record that has not
    let grown = Change {
        set: vec![("padding".into(), "x".repeat(390_000).into())],
        ..Change::default()
    };
    assert!(cloud.change(&id, &grown).await);
    let clip = |index: u32| json!({"clip_index": index, "s3_url": format!("https://b/{}", "x".repeat(2000)), "duration_ms": 1, "virality_score": 0.5});
    let clips: Vec<Value> = (0..20).map(clip).collect();
    let outcome = json!({"status": "succeeded", "finished_at": functions::now().to_string(), "stages": [], "tools": {},
        "output": {"total_clips": 20, "clips": clips}});
    let key = keys::in_job(&id, &keys::attempt_outcome(1));
    cloud
        .bucket
        .write(&key, outcome.to_string().into_bytes())
        .await
        .expect("an object");
    let of = AttemptId {
        job_id: id.clone(),
        attempt: 1,
    };
    cloud.settle_job().handle(&json!(of)).await.expect("an end");
    let job = cloud.job(&id).await;
    assert_eq!(
        (job.status, job.error_code.as_deref()),
        (domain::Status::Failed, Some("internal"))
    );
}
