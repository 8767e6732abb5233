//! Events that arrive again after a retry was requested: they end no later attempt.

use domain::{JobId, Owner, Status};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    requests::{event, send_event},
    samples,
};

/// The end of an attempt as reported by a worker that does not count attempts.
fn end_without_attempt(id: &JobId, kind: &str, timestamp: &Value) -> Value {
    let mut end = samples::events(id, 1, kind)[4].clone();
    let fields = end.as_object_mut().expect("an event");
    fields.remove("attempt");
    fields.remove("sequence");
    end["timestamp"] = timestamp.clone();
    end
}

async fn again(cloud: &Cloud, id: &JobId, attempt: u32) {
    let retry = cloud.job(id).await.retry(functions::now());
    assert!(cloud.change(id, &retry).await);
    assert!(cloud.claim(id, attempt).await);
}

#[tokio::test]
async fn an_end_without_attempt_ends_no_later_attempt() {
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    for kind in ["job.failed", "job.completed"] {
        let id = cloud.running(&kind.replace('.', "-")).await;
        let end = end_without_attempt(&id, kind, &json!(functions::now()));
        let cancel = domain::Job::cancel(&Owner::user("ann"), functions::now());
        assert!(cloud.change(&id, &cancel).await);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        again(&cloud, &id, 2).await;
        let told = send_event!(ingest, event(&end).signed());
        assert_eq!(
            (told.status, &told.body["job_status"]),
            (200, &json!("running")),
            "{kind}"
        );
        // an event of this attempt ends it as before
        let end = end_without_attempt(&id, kind, &json!(functions::now()));
        let told = send_event!(ingest, event(&end).signed());
        assert_ne!(told.body["job_status"], "running", "{kind}");
    }
}

#[tokio::test]
async fn a_message_counts_once_whatever_its_timestamp() {
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    let later = json!("2099-01-01T00:00:00Z");
    // one event that was applied, and one that arrived after the job had ended
    for is_first in [true, false] {
        let id = cloud.running(&format!("job-{is_first}")).await;
        let end = event(&end_without_attempt(&id, "job.failed", &later)).signed();
        if !is_first {
            let other = samples::events(&id, 1, "job.failed")[4].clone();
            assert_eq!(send_event!(ingest, event(&other).signed()).status, 200);
        }
        for _ in 0..2 {
            let told = send_event!(ingest, end.clone());
            assert_eq!(told.body["job_status"], "failed", "{told:?}");
        }
        again(&cloud, &id, 2).await;
        let told = send_event!(ingest, end);
        assert_eq!(
            (told.status, &told.body["job_status"]),
            (200, &json!("running")),
            "{is_first}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_copies_of_a_message_count_once() {
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    let id = cloud.running("job-1").await;
    let end = event(&end_without_attempt(
        &id,
        "job.completed",
        &json!(functions::now()),
    ))
    .signed();
    let told = (0..16).map(|_| async { send_event!(ingest, end.clone()) });
    for told in futures_util::future::join_all(told).await {
        assert_eq!(
            (told.status, &told.body["job_status"]),
            (200, &json!("succeeded"))
        );
    }
    assert_eq!(cloud.job(&id).await.status, Status::Succeeded);
    crate::history_invariants::check(&cloud);
}
