//! User requests concurrent with the worker, its events and the end of its execution.

use std::sync::Arc;

use domain::{AttemptId, Job, JobId, Owner, Status};
use futures_util::future::join_all;
use proptest::{prelude::*, sample::select, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::{
    cloud::{Cloud, MACHINE},
    history_invariants,
    outcomes::{aborted, leave, of, short},
    requests::{Answer, Call, call, event, send_event},
    samples,
};

fn request(id: &JobId, method: &'static str, what: &str) -> Call {
    Call::new(method, format!("/ai-clipping-agent/jobs/{id}{what}")).user("ann")
}

async fn at_once(cloud: &Cloud, calls: Vec<Call>) -> Vec<Answer> {
    let tasks = calls.into_iter().map(|call| {
        let manage = cloud.manage_jobs();
        tokio::spawn(async move { call!(manage, call) })
    });
    let answers = join_all(tasks).await.into_iter();
    answers.map(|answer| answer.expect("an answer")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_retries_start_one_attempt() {
    let cloud = Cloud::start().await;
    let id = cloud.running("job-1").await;
    assert!(
        cloud
            .change(&id, &Job::cancel(&Owner::user("ann"), functions::now()))
            .await
    );
    let mut calls = vec![request(&id, "POST", "/retry"); 8];
    calls.extend(vec![request(&id, "PUT", "/plan").json(&samples::plan()); 8]);
    let answers = at_once(&cloud, calls).await;
    let accepted = |answers: &[Answer]| answers.iter().any(|answer| answer.status == 202);
    assert!(
        answers
            .iter()
            .all(|answer| [202, 409].contains(&answer.status))
    );
    // a request that comes second is answered like the first
    let (retries, plans) = answers.split_at(8);
    assert!(accepted(retries) != accepted(plans));
    assert_eq!(cloud.job(&id).await.attempt, 2);
    history_invariants::check(&cloud);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_a_concurrent_cancellation_and_completion_wins() {
    let cloud = Cloud::start().await;
    let ingest = Arc::new(cloud.ingest_webhook().await);
    for number in 0..20 {
        let id = cloud.running(&format!("job-{number}")).await;
        let completed = event(&samples::events(&id, 1, "job.completed")[4]).signed();
        let ingest = Arc::clone(&ingest);
        let told = tokio::spawn(async move { send_event!(ingest, completed) });
        let canceled = at_once(&cloud, vec![request(&id, "POST", "/cancel")])
            .await
            .remove(0);
        let told = told.await.expect("an answer");
        let job = cloud.job(&id).await;
        assert_eq!(
            (told.status, &told.body["job_status"]),
            (200, &json!(job.status))
        );
        match job.status {
            Status::Succeeded => assert_eq!((canceled.status, job.credits_charged), (409, Some(3))),
            Status::Canceled => assert_eq!((canceled.status, job.credits_charged), (200, None)),
            other => panic!("{other:?}"),
        }
    }
    history_invariants::check(&cloud);
}

#[tokio::test]
async fn a_deletion_stops_the_attempt_that_runs_by_then() {
    let cloud = Cloud::start().await;
    let id = cloud.running("job-1").await;
    let executions = aws::Executions::new(&cloud.connection, MACHINE);
    for attempt in 1..=2 {
        let of = AttemptId {
            job_id: id.clone(),
            attempt,
        };
        executions.start(&of).await.expect("started");
    }
    cloud.front.executions.end(&format!("{id}-1"));
    // the next attempt starts between the reading of the job and its cancellation
    let (meddle, mut updates) = (cloud.meddler(), 0);
    cloud.front.faults(move |call| {
        updates += usize::from(call == "DynamoDB.UpdateItem");
        // the first update counts the request
        if call == "DynamoDB.UpdateItem" && updates == 2 {
            meddle(json!({"Key": {"id": {"S": "job-1"}}, "UpdateExpression": "SET attempt = :two", "ExpressionAttributeValues": {":two": {"N": "2"}}}));
        }
        None
    });
    let deleted = call!(cloud.manage_jobs(), request(&id, "DELETE", ""));
    assert_eq!((deleted.status, cloud.records().len()), (204, 0));
    assert_eq!(cloud.front.executions.running(), Vec::<String>::new());
}

#[tokio::test]
async fn an_overtaken_deletion_deletes_nothing_of_a_new_job() {
    let cloud = Cloud::start().await;
    let id = cloud.running("job-1").await;
    let (meddle, mut looks) = (cloud.meddler(), 0);
    cloud.front.faults(move |call| {
        let update = match (call, looks) {
            // the request is counted
            ("DynamoDB.UpdateItem", 0) => None,
            ("DynamoDB.UpdateItem", 1) => Some("REMOVE #owner SET expires_at = :two"),
            // a new job with its key starts before the bucket is listed
            ("S3.GET", 2) => Some("SET #owner = :ann, attempt = :two"),
            _ => return None,
        };
        looks += 1;
        let update = update?;
        let mut values = json!({":two": {"N": "2"}});
        if looks == 3 {
            values[":ann"] = json!({"S": "user:ann"});
        }
        meddle(
            json!({"Key": {"id": {"S": "job-1"}}, "UpdateExpression": update,
            "ExpressionAttributeNames": {"#owner": "owner"}, "ExpressionAttributeValues": values}),
        );
        None
    });
    cloud.store(&id, "clips/clip_00.mp4").await;
    let deleted = call!(cloud.manage_jobs(), request(&id, "DELETE", ""));
    assert_eq!(deleted.status, 204);
    cloud.front.heal();
    assert_eq!(cloud.stored(&id).await, ["clips/clip_00.mp4"]);
    assert_eq!(cloud.job(&id).await.attempt, 2);
}

/// Deletes a job while another attempt starts with every listing of the bucket; returns the response, and the number of listings.
async fn deleted_while_retried(most: u32) -> (Cloud, Answer) {
    let cloud = Cloud::start().await;
    let id = cloud.running("job-1").await;
    let (meddle, mut attempt) = (cloud.meddler(), 1);
    cloud.front.faults(move |call| {
        if call == "S3.GET" && attempt <= most {
            attempt += 1;
            meddle(json!({"Key": {"id": {"S": "job-1"}}, "UpdateExpression": "SET attempt = :next, #status = :queued",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": {":next": {"N": attempt.to_string()}, ":queued": {"S": "queued"}}}));
        }
        None
    });
    let deleted = call!(cloud.manage_jobs(), request(&id, "DELETE", ""));
    (cloud, deleted)
}

#[tokio::test]
async fn a_job_retried_during_its_deletion_is_deleted_or_the_response_says_otherwise() {
    let (cloud, deleted) = deleted_while_retried(2).await;
    assert_eq!((deleted.status, cloud.records().len()), (204, 0));
    let (cloud, deleted) = deleted_while_retried(u32::MAX - 1).await;
    assert_eq!((deleted.status, deleted.code()), (409, "job_busy"));
    assert_eq!(cloud.records().len(), 1);
}

#[tokio::test]
async fn a_job_canceled_and_retried_at_once_ends_with_its_new_attempt() {
    let cloud = Cloud::start().await;
    let (ingest, manage, settle) = (
        cloud.ingest_webhook().await,
        cloud.manage_jobs(),
        cloud.settle_job(),
    );
    let id = cloud.running("job-1").await;
    for what in ["cancel", "retry"] {
        let asked = call!(
            manage,
            Call::new("POST", format!("/ai-clipping-agent/jobs/{id}/{what}")).user("ann")
        );
        assert!(asked.status < 300, "{asked:?}");
    }
    let retried = cloud.job(&id).await;
    // the old worker continues, ends and stores an outcome; its events are answered with the newer attempt
    for body in samples::events(&id, 1, "job.completed") {
        let told = send_event!(ingest, event(&body).signed());
        assert_eq!(
            told.body,
            json!({"received": true, "job_status": "queued", "attempt": 2})
        );
    }
    let old = samples::outcome(&samples::events(&id, 1, "job.failed")[4]).to_string();
    leave(&cloud, &id, 1, &old).await;
    for late in [of(&id, 1), aborted(&id, 1)] {
        let settled = settle.handle(&late).await.expect("settled");
        assert_eq!(
            json!(settled),
            json!({"changed": false, "status": "queued"})
        );
    }
    assert!(!cloud.claim(&id, 1).await);
    assert_eq!(cloud.job(&id).await, retried);
    assert!(cloud.claim(&id, 2).await);
    let new = samples::outcome(&samples::events(&id, 2, "job.completed")[4]).to_string();
    leave(&cloud, &id, 2, &new).await;
    settle.handle(&of(&id, 2)).await.expect("settled");
    assert_eq!(short(&cloud, &id), json!(["succeeded", null, 2, 3]));
    history_invariants::check(&cloud);
}

/// An operation in the lifecycle of a job, on an attempt or the one after it.
#[derive(Debug, Clone)]
enum Operation {
    Claim(u32),
    Tell(u32, usize, &'static str),
    End(u32, bool),
    Cancel,
    Retry,
}

fn operation() -> impl Strategy<Value = Operation> {
    let last = select(&["job.completed", "job.failed"][..]);
    prop_oneof![
        2 => (1_u32..4).prop_map(Operation::Claim),
        6 => (1_u32..4, 0_usize..5, last).prop_map(|(attempt, place, last)| Operation::Tell(attempt, place, last)),
        2 => (1_u32..4, any::<bool>()).prop_map(|(attempt, with_outcome)| Operation::End(attempt, with_outcome)),
        1 => Just(Operation::Cancel),
        1 => Just(Operation::Retry),
    ]
}

async fn perform(cloud: Arc<Cloud>, id: JobId, operation: Operation) {
    match operation {
        Operation::Claim(attempt) => drop(cloud.claim(&id, attempt).await),
        Operation::Tell(attempt, place, last) => {
            let body = samples::events(&id, attempt, last)[place].clone();
            let told = send_event!(cloud.ingest_webhook().await, event(&body).signed());
            assert_eq!(told.status, 200);
        }
        Operation::End(attempt, with_outcome) => {
            if with_outcome {
                let outcome = samples::outcome(&samples::events(&id, attempt, "job.completed")[4]);
                let key = domain::keys::in_job(&id, &domain::keys::attempt_outcome(attempt));
                cloud
                    .bucket
                    .write(&key, outcome.to_string().into_bytes())
                    .await
                    .expect("written");
            }
            settle(&cloud, &id, attempt).await;
        }
        Operation::Cancel => drop(call!(cloud.manage_jobs(), request(&id, "POST", "/cancel"))),
        Operation::Retry => drop(call!(cloud.manage_jobs(), request(&id, "POST", "/retry"))),
    }
}

async fn settle(cloud: &Cloud, id: &JobId, attempt: u32) -> Value {
    let of = json!({"job_id": id, "attempt": attempt});
    json!(cloud.settle_job().handle(&of).await.expect("settled"))
}

/// All operations at once and in any order: no invariant is violated, and the job ends.
#[test]
fn concurrent_operations_leave_a_valid_history_that_ends() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let cloud = Arc::new(runtime.block_on(Cloud::start()));
    let number = std::cell::Cell::new(0);
    let config = ProptestConfig {
        cases: 12,
        failure_persistence: None,
        max_shrink_iters: 20,
        ..ProptestConfig::default()
    };
    let outcome =
        TestRunner::new(config).run(&prop::collection::vec(operation(), 1..30), |deeds| {
            number.set(number.get() + 1);
            runtime.block_on(async {
                let id = cloud.submitted(&format!("job-{}", number.get())).await;
                let tasks = deeds.into_iter().map(|operation| {
                    tokio::spawn(perform(Arc::clone(&cloud), id.clone(), operation))
                });
                for done in join_all(tasks).await {
                    done.expect("no panic");
                }
                // from now on every worker dies silently
                for _ in 0..4 {
                    let job = cloud.job(&id).await;
                    settle(&cloud, &id, job.attempt).await;
                }
                let job = cloud.job(&id).await;
                assert!(job.status.is_terminal(), "{job:?}");
                assert_eq!(
                    job.credits_charged.is_some(),
                    job.status == Status::Succeeded
                );
            });
            Ok(())
        });
    outcome.expect("no counterexample");
    history_invariants::check(&cloud);
}
