//! The lifecycle of a job from submission to deletion, and who may see it.

use domain::{AttemptId, keys};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    requests::{Call, call, event, send_event},
    samples,
};

const JOBS: &str = "/api/ai-clipping-agent/jobs";

fn batch(records: &[Value]) -> functions::stream::Batch {
    serde_json::from_value(json!({"Records": records})).expect("a batch")
}

#[tokio::test]
async fn a_job_is_submitted_run_shown_edited_canceled_retried_and_deleted() {
    let cloud = Cloud::start().await;
    let (submit, manage) = (cloud.submit_job(), cloud.manage_jobs());

    let submitted = call!(
        submit,
        Call::new("POST", JOBS)
            .user("ann")
            .json(&samples::submission())
    );
    assert_eq!(submitted.status, 202, "{submitted:?}");
    let id = submitted.id();
    let path = format!("{JOBS}/{id}");
    assert_eq!(submitted.header("location"), Some(path.as_str()));
    assert_eq!(submitted.body["status"], "queued");

    start_and_run(&cloud, &id).await;
    shown_with_links(&cloud, &id).await;

    let again = call!(
        manage,
        Call::new("POST", format!("{path}/retry")).user("ann")
    );
    assert_eq!((again.status, again.code()), (409, "job_not_retryable"));
    let edited = call!(
        manage,
        Call::new("PUT", format!("{path}/plan"))
            .user("ann")
            .json(&samples::plan())
    );
    assert_eq!(
        (
            edited.status,
            &edited.body["status"],
            &edited.body["attempt"]
        ),
        (202, &json!("queued"), &json!(2))
    );
    let stored = cloud.job(&id).await.edited_plan.expect("a plan");
    let stored = cloud
        .bucket
        .read(&keys::in_job(&id, &keys::edited_plan(&stored)))
        .await;
    assert_eq!(
        stored.expect("an answer"),
        Some(samples::plan().to_string().into_bytes())
    );
    let twice = call!(
        manage,
        Call::new("PUT", format!("{path}/plan"))
            .user("ann")
            .json(&samples::plan())
    );
    assert_eq!((twice.status, twice.code()), (409, "job_under_way"));

    cloud.start_job().handle(&batch(&cloud.queued())).await;
    assert_eq!(cloud.front.executions.running(), [format!("{id}-2")]);
    let canceled = call!(
        manage,
        Call::new("POST", format!("{path}/cancel")).user("ann")
    );
    assert_eq!(
        (
            canceled.status,
            &canceled.body["status"],
            &canceled.body["errorCode"]
        ),
        (200, &json!("canceled"), &json!("canceled"))
    );
    assert!(cloud.front.executions.running().is_empty());
    let retried = call!(
        manage,
        Call::new("POST", format!("{path}/retry")).user("ann")
    );
    assert_eq!((retried.status, &retried.body["attempt"]), (202, &json!(3)));
    assert_eq!(cloud.job(&id).await.automatic_attempts_left, 2);

    cloud.start_job().handle(&batch(&cloud.queued())).await;
    let deleted = call!(manage, Call::new("DELETE", path.clone()).user("ann"));
    assert_eq!((deleted.status, deleted.body), (204, Value::Null));
    assert!(cloud.front.executions.running().is_empty() && cloud.records().is_empty());
    assert!(cloud.bucket.list("").await.expect("a list").is_empty());
    assert_eq!(
        call!(manage, Call::new("GET", path).user("ann")).status,
        404
    );
}

/// Starts and runs an attempt as the stream, the task and the worker do.
async fn start_and_run(cloud: &Cloud, id: &domain::JobId) {
    let answer = cloud.start_job().handle(&batch(&cloud.queued())).await;
    assert_eq!(json!(answer), json!({"batchItemFailures": []}));
    let executions = cloud.front.executions.all();
    assert_eq!(
        executions[&format!("{id}-1")].input,
        json!({"job_id": id, "attempt": 1})
    );
    assert!(cloud.claim(id, 1).await);

    let ingest = cloud.ingest_webhook().await;
    let mut events = samples::events(id, 1, "job.completed");
    let output = samples::output(|name| cloud.bucket.address(&keys::in_job(id, name)));
    events[2]["clip"] = output["clips"][0].clone();
    events[4]["output"] = output;
    let names = [
        "clips/clip_00.mp4",
        "clips/clip_00.vtt",
        "transcript.json",
        "plan.json",
    ];
    for name in names {
        let key = keys::in_job(id, name);
        cloud
            .bucket
            .write(&key, name.as_bytes().to_vec())
            .await
            .expect("written");
    }
    for (event_of, percent, clips) in [(0, 1, 0), (1, 30, 0), (2, 60, 1), (3, 80, 1), (4, 100, 2)] {
        let told = send_event!(ingest, event(&events[event_of]).signed());
        let status = if event_of == 4 {
            "succeeded"
        } else {
            "running"
        };
        assert_eq!(
            (told.status, told.body),
            (
                200,
                json!({"received": true, "job_status": status, "attempt": 1})
            )
        );
        let job = cloud.job(id).await;
        assert_eq!(
            (job.progress_percent, job.shown_clips().len()),
            (percent, clips)
        );
    }
    cloud.front.executions.end(
        &AttemptId {
            job_id: id.clone(),
            attempt: 1,
        }
        .to_string(),
    );
}

async fn shown_with_links(cloud: &Cloud, id: &domain::JobId) {
    let manage = cloud.manage_jobs();
    let shown = call!(manage, Call::new("GET", format!("{JOBS}/{id}")).user("ann"));
    assert_eq!(shown.status, 200);
    let body = shown.body;
    assert_eq!(
        (&body["creditsCharged"], &body["timings"]),
        (&json!(3), &json!({"transcribeMs": 1200}))
    );
    assert_eq!(
        (&body["source"]["title"], &body["source"]["durationMs"]),
        (&json!("Talk"), &json!(120_001))
    );
    for (link, content) in [
        (&body["clips"][0]["videoUrl"], "clips/clip_00.mp4"),
        (&body["clips"][0]["captionsUrl"], "clips/clip_00.vtt"),
        (&body["transcriptUrl"], "transcript.json"),
        (&body["planUrl"], "plan.json"),
    ] {
        let link = link.as_str().expect("a link");
        assert!(link.contains("X-Amz-Expires=3600"), "{link}");
        let fetched = reqwest::get(link).await.expect("an answer");
        assert_eq!(fetched.text().await.expect("a text"), content);
        let unsigned = link.split('?').next().expect("an address");
        assert_eq!(
            reqwest::get(unsigned).await.expect("an answer").status(),
            403
        );
    }
    let listed = call!(manage, Call::new("GET", JOBS).user("ann"));
    let of_list = &listed.body["jobs"][0];
    assert_eq!(
        (&of_list["id"], &of_list["transcriptUrl"]),
        (&json!(id), &Value::Null)
    );
    assert_eq!(of_list["clips"][0].get("videoUrl"), None);
}

#[tokio::test]
async fn the_idempotency_key_of_a_deleted_job_creates_a_new_job_that_runs() {
    let cloud = Cloud::start().await;
    let (submit, manage) = (cloud.submit_job(), cloud.manage_jobs());
    let keyed = Call::new("POST", JOBS)
        .user("ann")
        .header("idempotency-key", "k")
        .json(&samples::submission());
    let first = call!(submit, keyed.clone());
    cloud.start_job().handle(&batch(&cloud.queued())).await;
    let path = format!("{JOBS}/{}", first.id());
    assert_eq!(
        call!(manage, Call::new("DELETE", path.clone()).user("ann")).status,
        204
    );
    assert_eq!(
        call!(manage, Call::new("GET", path.clone()).user("ann")).status,
        404
    );
    assert_eq!(
        call!(manage, Call::new("DELETE", path).user("ann")).status,
        404
    );

    let second = call!(submit, keyed.clone());
    assert_eq!((second.status, second.id()), (202, first.id()));
    assert_eq!(second.body["attempt"], 2);
    assert_eq!(call!(submit, keyed).id(), first.id());
    cloud.start_job().handle(&batch(&cloud.queued())).await;
    assert_eq!(
        cloud.front.executions.running(),
        [format!("{}-2", first.id())]
    );
}
