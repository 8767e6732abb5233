//! What was there before and comes again: a deleted job's key, an edited plan of a job that was paid for, a result that no table takes.

use domain::{AttemptOf, Change, Job, keys};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    requests::{Call, ask, event, tell},
    samples,
};

const JOBS: &str = "/api/ai-clipping-agent/jobs";

fn batch(records: &[Value]) -> functions::stream::Batch {
    serde_json::from_value(json!({"Records": records})).expect("a batch")
}

#[tokio::test]
async fn the_key_of_a_deleted_job_leads_to_one_that_is_worked_off() {
    let cloud = Cloud::start().await;
    let (submit, manage) = (cloud.submit_job(), cloud.manage_jobs());
    let keyed = Call::new("POST", JOBS)
        .user("ann")
        .header("idempotency-key", "k")
        .json(&samples::submission());
    let first = ask!(submit, keyed.clone());
    cloud.start_job().handle(&batch(&cloud.queued())).await;
    let path = format!("{JOBS}/{}", first.id());
    assert_eq!(
        ask!(manage, Call::new("DELETE", path.clone()).user("ann")).status,
        204
    );
    assert_eq!(
        ask!(manage, Call::new("GET", path.clone()).user("ann")).status,
        404
    );
    assert_eq!(
        ask!(manage, Call::new("DELETE", path).user("ann")).status,
        404
    );

    let second = ask!(submit, keyed.clone());
    assert_eq!((second.status, second.id()), (202, first.id()));
    assert_eq!(second.body["attempt"], 2);
    assert_eq!(ask!(submit, keyed).id(), first.id());
    cloud.start_job().handle(&batch(&cloud.queued())).await;
    assert_eq!(
        cloud.front.executions.running(),
        [format!("{}-2", first.id())]
    );
}

#[tokio::test]
async fn an_edited_plan_of_a_job_that_was_paid_for_costs_nothing_more() {
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    let id = cloud.running("job-1").await;
    let tell = async |attempt: u32, considered_ms: u64| {
        let mut last = samples::events(&id, attempt, "job.completed").remove(4);
        last["output"]["considered_ms"] = considered_ms.into();
        assert_eq!(tell!(ingest, event(&last).signed()).status, 200);
        cloud.job(&id).await
    };
    assert_eq!(tell(1, 120_001).await.credits_charged, Some(3));
    let plan = Call::new("PUT", format!("{JOBS}/{id}/plan")).user("ann");
    let edited = ask!(cloud.manage_jobs(), plan.json(&samples::plan()));
    assert_eq!(edited.status, 202);
    assert!(cloud.claim(&id, 2).await);
    let again = tell(2, 600_000).await;
    assert_eq!((again.attempt, again.credits_charged), (2, Some(3)));
    crate::history::check(&cloud);
}

#[tokio::test]
async fn a_plan_larger_than_any_of_ours_is_refused() {
    let cloud = Cloud::start().await;
    let submitted = ask!(
        cloud.submit_job(),
        Call::new("POST", JOBS)
            .user("ann")
            .json(&samples::submission())
    );
    let id = submitted.id();
    assert!(
        cloud
            .change(
                &id,
                &Job::cancel(&domain::Owner::user("ann"), functions::now())
            )
            .await
    );
    let sent = |pointer: &str, value: Value| {
        let mut plan = samples::plan();
        *plan.pointer_mut(pointer).expect("a place in the plan") = value;
        Call::new("PUT", format!("{JOBS}/{id}/plan"))
            .user("ann")
            .json(&plan)
    };
    let row = samples::plan()["clips"][0].clone();
    let many: Vec<Value> = (0..31)
        .map(|index| {
            let mut row = row.clone();
            row["clip_index"] = json!(index);
            row
        })
        .collect();
    let manage = cloud.manage_jobs();
    let wrong = [
        ("clips", "/clips", json!(many)),
        (
            "clips[0]",
            "/clips/0/title",
            json!("x".repeat(domain::limits::LONGEST_TITLE + 1)),
        ),
        ("clips[0]", "/clips/0/end_ms", json!(4_000_000)),
        ("clips[0]", "/clips/0/clip_index", json!(4_000_000)),
    ];
    for (field, pointer, value) in wrong {
        let answer = ask!(manage, sent(pointer, value));
        assert_eq!((answer.status, answer.field()), (422, field));
    }
    assert_eq!(
        ask!(manage, sent("/clips/0/title", json!("mine"))).status,
        202
    );
}

#[tokio::test]
async fn an_outcome_that_no_table_takes_ends_the_job_all_the_same() {
    let cloud = Cloud::start().await;
    let submitted = ask!(
        cloud.submit_job(),
        Call::new("POST", JOBS)
            .user("ann")
            .json(&samples::submission())
    );
    let id = submitted.id();
    // as if a record had grown to nearly what the table takes: outputs are cut to what one that has not has room for
    let grown = Change {
        set: vec![("padding".into(), "x".repeat(390_000).into())],
        ..Change::default()
    };
    assert!(cloud.change(&id, &grown).await);
    let clip = |index: u32| json!({"clip_index": index, "s3_url": format!("https://b/{}", "x".repeat(2000)), "duration_ms": 1, "virality_score": 0.5});
    let clips: Vec<Value> = (0..20).map(clip).collect();
    let outcome = json!({"status": "succeeded", "finished_at": functions::now().to_string(), "stages": [], "tools": {},
        "output": {"total_clips": 20, "clips": clips}});
    let key = keys::of_job(&id, &keys::outcome_of(1));
    cloud
        .bucket
        .write(&key, outcome.to_string().into_bytes())
        .await
        .expect("an object");
    let of = AttemptOf {
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
