//! Edited plans: the existing clips stay until an edit has succeeded, and a failed edit leaves nothing.

use domain::{AttemptId, Job, JobId, Status, keys};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    fault_proxy::Fault,
    history_invariants,
    requests::{Answer, Call, call, event, send_event},
    samples,
};

const JOBS: &str = "/api/ai-clipping-agent/jobs";
/// The objects of a job with two clips.
const OUTPUTS: [&str; 3] = ["clips/clip_00.mp4", "clips/clip_01.mp4", "plan.json"];

fn request(id: &JobId, method: &'static str, what: &str) -> Call {
    Call::new(method, format!("{JOBS}/{id}{what}")).user("ann")
}

async fn edit(cloud: &Cloud, id: &JobId) -> Answer {
    let edited = request(id, "PUT", "/plan").json(&samples::plan());
    call!(cloud.manage_jobs(), edited)
}

/// An attempt stores its outputs in its edition, and its success is told of.
async fn succeeds(cloud: &Cloud, id: &JobId, attempt: u32, revision: u32) {
    for name in OUTPUTS {
        cloud.store(id, &keys::in_revision(revision, name)).await;
    }
    let address = |name: &str| {
        let name = keys::in_revision(revision, name);
        cloud.bucket.address(&keys::in_job(id, &name))
    };
    let mut last = samples::events(id, attempt, "job.completed").remove(4);
    last["output"] = samples::output(address);
    let told = send_event!(cloud.ingest_webhook().await, event(&last).signed());
    assert_eq!(told.status, 200, "{told:?}");
}

async fn settle(cloud: &Cloud, id: &JobId, attempt: u32) {
    let of = AttemptId {
        job_id: id.clone(),
        attempt,
    };
    let settled = cloud.settle_job().handle(&json!(of)).await;
    settled.expect("settled");
}

/// A succeeded job whose plan is being edited, with a clip of the edit stored.
async fn with_an_edit_under_way() -> (Cloud, JobId) {
    let cloud = Cloud::start().await;
    let id = cloud.running("job-1").await;
    succeeds(&cloud, &id, 1, 0).await;
    settle(&cloud, &id, 1).await;
    assert_eq!(edit(&cloud, &id).await.status, 202);
    assert!(cloud.claim(&id, 2).await);
    assert_eq!(cloud.job(&id).await.revision, 2);
    cloud.store(&id, &keys::in_revision(2, OUTPUTS[0])).await;
    let mut made = samples::events(&id, 2, "job.completed").remove(2);
    made["clip"]["s3_url"] = json!("https://bucket.test/another.mp4");
    let told = send_event!(cloud.ingest_webhook().await, event(&made).signed());
    assert_eq!(told.status, 200);
    (cloud, id)
}

/// The links of the clips lead to those of the first attempt, for users and for back ends.
async fn still_has_both_clips(cloud: &Cloud, id: &JobId) -> Value {
    let shown = call!(cloud.manage_jobs(), request(id, "GET", "")).body;
    assert_eq!(shown["creditsCharged"], 3);
    let clips = shown["clips"].as_array().expect("clips");
    assert_eq!(clips.len(), 2, "{shown}");
    for (clip, name) in clips.iter().zip(OUTPUTS) {
        let link = clip["videoUrl"].as_str().expect("a link");
        let got = reqwest::get(link).await.expect("an answer");
        assert_eq!(got.text().await.expect("a text"), name);
    }
    let listed = call!(cloud.manage_jobs(), Call::new("GET", JOBS).user("ann"));
    let of_list = &listed.body["jobs"][0]["clips"];
    assert_eq!(of_list.as_array().map(Vec::len), Some(2));
    shown
}

#[tokio::test]
async fn the_clips_stay_visible_during_an_edit_and_after_it_failed() {
    let (cloud, id) = with_an_edit_under_way().await;
    still_has_both_clips(&cloud, &id).await;
    assert_eq!(
        call!(cloud.manage_jobs(), request(&id, "POST", "/cancel")).status,
        200
    );
    settle(&cloud, &id, 2).await;
    assert_eq!(
        still_has_both_clips(&cloud, &id).await["status"],
        "canceled"
    );

    // it is retried, and the source is gone
    assert_eq!(
        call!(cloud.manage_jobs(), request(&id, "POST", "/retry")).status,
        202
    );
    assert_eq!(cloud.job(&id).await.revision, 3);
    assert!(cloud.claim(&id, 3).await);
    let failed = samples::events(&id, 3, "job.failed").remove(4);
    let told = send_event!(cloud.ingest_webhook().await, event(&failed).signed());
    assert_eq!(told.status, 200);
    settle(&cloud, &id, 3).await;
    let shown = still_has_both_clips(&cloud, &id).await;
    assert_eq!(shown["errorCode"], "source_unavailable");
    history_invariants::check(&cloud);
}

#[tokio::test]
async fn a_failed_edit_leaves_no_objects() {
    let of_edit = keys::in_revision(2, OUTPUTS[0]);
    let (cloud, id) = with_an_edit_under_way().await;
    // it is retried automatically and succeeds
    settle(&cloud, &id, 2).await;
    assert_eq!(cloud.job(&id).await.status, Status::Queued);
    assert!(cloud.stored(&id).await.contains(&of_edit));
    assert!(cloud.claim(&id, 3).await);
    let canceled = call!(cloud.manage_jobs(), request(&id, "POST", "/cancel"));
    assert_eq!(canceled.status, 200);
    settle(&cloud, &id, 3).await;
    assert!(!cloud.stored(&id).await.contains(&of_edit));
    still_has_both_clips(&cloud, &id).await;

    // the user is quicker than the end of the execution: the next edit does not touch it, and its own end deletes both
    let (cloud, id) = with_an_edit_under_way().await;
    for call in [("POST", "/cancel", 200), ("POST", "/retry", 202)] {
        let done = call!(cloud.manage_jobs(), request(&id, call.0, call.1));
        assert_eq!(done.status, call.2);
    }
    let of_next = keys::in_revision(3, OUTPUTS[0]);
    cloud.store(&id, &of_next).await;
    settle(&cloud, &id, 2).await;
    let stored = cloud.stored(&id).await;
    assert!(
        stored.contains(&of_next) && !stored.contains(&of_edit),
        "{stored:?}"
    );
    still_has_both_clips(&cloud, &id).await;
}

#[tokio::test]
async fn a_failed_job_shows_no_clips() {
    for last in ["canceled", "job.failed"] {
        let cloud = Cloud::start().await;
        let id = cloud.running("job-1").await;
        let events = samples::events(&id, 1, "job.failed");
        let ingest = cloud.ingest_webhook().await;
        for body in &events[..4] {
            assert_eq!(send_event!(ingest, event(body).signed()).status, 200);
        }
        let shown = call!(cloud.manage_jobs(), request(&id, "GET", "")).body;
        assert_eq!(shown["clips"].as_array().map(Vec::len), Some(1));
        if last == "canceled" {
            let canceled = call!(cloud.manage_jobs(), request(&id, "POST", "/cancel"));
            assert_eq!(
                (canceled.status, &canceled.body["clips"]),
                (200, &json!([]))
            );
        } else {
            assert_eq!(send_event!(ingest, event(&events[4]).signed()).status, 200);
        }
        let shown = call!(cloud.manage_jobs(), request(&id, "GET", "")).body;
        assert_eq!(
            (&shown["clips"], &shown["creditsCharged"]),
            (&json!([]), &Value::Null)
        );
    }
}

#[tokio::test]
async fn outputs_are_deleted_only_after_they_are_replaced() {
    let (cloud, id) = with_an_edit_under_way().await;
    for name in ["source.mp4", "attempts/1/outcome.json"] {
        cloud.store(&id, name).await;
    }
    let before = cloud.stored(&id).await;
    settle(&cloud, &id, 1).await;
    assert_eq!(cloud.stored(&id).await, before, "of an attempt before");
    succeeds(&cloud, &id, 2, 2).await;
    // the first call to the bucket fails, and the state machine retries
    cloud
        .front
        .faults(|call| call.starts_with("S3.").then_some(Fault::Broken));
    let of = json!({"job_id": id, "attempt": 2});
    assert!(cloud.settle_job().handle(&of).await.is_err());
    cloud.front.heal();
    settle(&cloud, &id, 2).await;
    let plan = cloud.job(&id).await.edited_plan.expect("a plan");
    let mut wanted = vec!["attempts/1/outcome.json".to_owned()];
    wanted.extend(OUTPUTS.map(|name| keys::in_revision(2, name)));
    wanted.extend([keys::edited_plan(&plan), "source.mp4".to_owned()]);
    assert_eq!(cloud.stored(&id).await, wanted);
    history_invariants::check(&cloud);
}

#[tokio::test]
async fn an_edit_without_a_source_is_rejected() {
    let cloud = Cloud::start().await;
    let mut job = samples::job("job-1");
    job.source.video_url = None;
    job.source.upload_id = Some("upload-1".to_owned());
    job.source.upload_key = Some(keys::upload("upload-1", "mp4"));
    cloud.create(&job).await;
    assert!(cloud.claim(&job.id, 1).await);
    succeeds(&cloud, &job.id, 1, 0).await;
    let stored = cloud.stored(&job.id).await;
    let refused = edit(&cloud, &job.id).await;
    assert_eq!((refused.status, refused.code()), (409, "source_gone"));
    assert_eq!(cloud.stored(&job.id).await, stored);
    assert_eq!(cloud.job(&job.id).await.status, Status::Succeeded);
    // the job's own copy, which lives as long as the job, or the upload
    cloud.store(&job.id, &keys::source("mp4")).await;
    assert_eq!(edit(&cloud, &job.id).await.status, 202);
    assert_eq!(
        call!(cloud.manage_jobs(), request(&job.id, "POST", "/cancel")).status,
        200
    );
    let own = keys::in_job(&job.id, &keys::source("mp4"));
    cloud.bucket.delete(&[own]).await.expect("deleted");
    let refused = call!(cloud.manage_jobs(), request(&job.id, "POST", "/retry"));
    assert_eq!((refused.status, refused.code()), (409, "source_gone"));
    let upload = job.source.upload_key.expect("a key");
    cloud
        .bucket
        .write(&upload, b"x".to_vec())
        .await
        .expect("written");
    assert_eq!(
        call!(cloud.manage_jobs(), request(&job.id, "POST", "/retry")).status,
        202
    );
}

#[tokio::test]
async fn the_plan_of_a_rejected_edit_is_not_stored() {
    for gone in [false, true] {
        let cloud = Cloud::start().await;
        let id = cloud.running("job-1").await;
        succeeds(&cloud, &id, 1, 0).await;
        let before = cloud.stored(&id).await;
        // between storing the plan and changing the job, another edit wins or the job is deleted
        let meddle = cloud.meddler();
        let update = if gone {
            "REMOVE #owner SET expires_at = :two"
        } else {
            "SET attempt = :two, #owner = :ann"
        };
        let mut values = json!({":two": {"N": "2"}});
        if !gone {
            values[":ann"] = json!({"S": "user:ann"});
        }
        cloud.front.faults(move |call| {
            if call == "S3.PUT" {
                meddle(json!({"Key": {"id": {"S": "job-1"}}, "UpdateExpression": update,
                    "ExpressionAttributeNames": {"#owner": "owner"}, "ExpressionAttributeValues": values}));
            }
            None
        });
        let refused = edit(&cloud, &id).await;
        let wanted = if gone {
            (404, "not_found")
        } else {
            (409, "job_under_way")
        };
        assert_eq!((refused.status, refused.code()), wanted);
        assert_eq!(cloud.stored(&id).await, before, "gone: {gone}");
    }
}

#[tokio::test]
async fn an_edit_costs_no_further_credits() {
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    let id = cloud.running("job-1").await;
    let tell = async |attempt: u32, considered_ms: u64| {
        let mut last = samples::events(&id, attempt, "job.completed").remove(4);
        last["output"]["considered_ms"] = considered_ms.into();
        assert_eq!(send_event!(ingest, event(&last).signed()).status, 200);
        cloud.job(&id).await
    };
    assert_eq!(tell(1, 120_001).await.credits_charged, Some(3));
    let plan = Call::new("PUT", format!("{JOBS}/{id}/plan")).user("ann");
    let edited = call!(cloud.manage_jobs(), plan.json(&samples::plan()));
    assert_eq!(edited.status, 202);
    assert!(cloud.claim(&id, 2).await);
    let again = tell(2, 600_000).await;
    assert_eq!((again.attempt, again.credits_charged), (2, Some(3)));
    crate::history_invariants::check(&cloud);
}

#[tokio::test]
async fn a_plan_beyond_the_size_limit_is_rejected() {
    let cloud = Cloud::start().await;
    let submitted = call!(
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
            json!("x".repeat(domain::limits::MAX_TITLE_BYTES + 1)),
        ),
        ("clips[0]", "/clips/0/end_ms", json!(4_000_000)),
        ("clips[0]", "/clips/0/clip_index", json!(4_000_000)),
    ];
    for (field, pointer, value) in wrong {
        let answer = call!(manage, sent(pointer, value));
        assert_eq!((answer.status, answer.field()), (422, field));
    }
    assert_eq!(
        call!(manage, sent("/clips/0/title", json!("mine"))).status,
        202
    );
}
