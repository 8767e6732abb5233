//! The events of the system that this one replaces, verbatim from its document.

use domain::{JobId, Status};
use functions::ingest_webhook::IngestWebhook;
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    requests::{Call, raw_event, send_event},
};

const STARTED: &str = include_str!("../../../tests/contracts/seed/started.json");
const PROGRESS: &str = include_str!("../../../tests/contracts/seed/progress.json");
const COMPLETED: &str = include_str!("../../../tests/contracts/seed/completed.json");
const FAILED: &str = include_str!("../../../tests/contracts/seed/failed.json");
/// The `external_job_id` of all four events.
const ID: &str = "550e8400-e29b-41d4-a716-446655440000";

async fn told(ingest: &IngestWebhook, body: &str) -> Value {
    let told = send_event!(ingest, raw_event(body));
    assert_eq!(
        (told.status, &told.body["received"]),
        (200, &json!(true)),
        "{told:?}"
    );
    told.body["job_status"].clone()
}

async fn fixture() -> (Cloud, IngestWebhook, JobId) {
    let cloud = Cloud::start().await;
    let mut ingest = cloud.ingest_webhook().await;
    ingest.allow_unsigned = true;
    // a worker of the old system claims nothing: its first event starts the attempt
    let id = cloud.submitted(ID).await;
    (cloud, ingest, id)
}

#[tokio::test]
async fn its_worker_starts_reports_and_completes() {
    let (cloud, ingest, id) = fixture().await;
    assert_eq!(told(&ingest, STARTED).await, "running");
    let job = cloud.job(&id).await;
    assert_eq!(json!(job.started_at), json!("2024-11-28T10:30:00.000Z"));
    assert_eq!(
        (job.progress_percent, job.current_step.as_str()),
        (5, "Downloading video...")
    );
    assert_eq!(told(&ingest, PROGRESS).await, "running");
    let job = cloud.job(&id).await;
    assert_eq!(
        (job.progress_percent, job.clips_completed, job.total_clips),
        (65, Some(2), Some(5))
    );
    // late and repeated: nothing changes
    assert_eq!(told(&ingest, STARTED).await, "running");
    assert_eq!(cloud.job(&id).await, job);

    assert_eq!(told(&ingest, COMPLETED).await, "succeeded");
    let job = cloud.job(&id).await;
    assert_eq!(
        (job.progress_percent, job.credits_charged, job.clips.len()),
        (100, Some(1), 1)
    );
    assert_eq!(job.source.title.as_deref(), Some("My Amazing Video"));
    assert_eq!(json!(job.finished_at), json!("2024-11-28T10:38:00.000Z"));
    assert_eq!(
        json!(job.clips["0"]),
        serde_json::from_str::<Value>(COMPLETED).expect("JSON")["output"]["clips"][0]
    );
    for body in [STARTED, PROGRESS, FAILED, COMPLETED] {
        assert_eq!(told(&ingest, body).await, "succeeded");
        assert_eq!(cloud.job(&id).await, job);
    }
}

#[tokio::test]
async fn its_worker_fails() {
    let (cloud, ingest, id) = fixture().await;
    assert_eq!(told(&ingest, FAILED).await, "failed");
    let job = cloud.job(&id).await;
    assert_eq!(
        (job.status, job.credits_charged, job.active_owner),
        (Status::Failed, None, None)
    );
    assert_eq!(
        job.error_message.as_deref(),
        Some("Failed to download video: Video is unavailable")
    );
    assert_eq!(job.error_code.as_deref(), Some("internal"));
}

#[tokio::test]
async fn unsigned_legacy_events_are_rejected_where_signatures_are_required() {
    let (cloud, mut ingest, _) = fixture().await;
    ingest.allow_unsigned = false;
    let before = cloud.records();
    cloud.front.calls();
    for body in [STARTED, PROGRESS, COMPLETED, FAILED] {
        for call in [
            raw_event(body),
            raw_event(body).header("Authorization", "Bearer secret"),
        ] {
            assert_eq!(send_event!(ingest, call).status, 401);
        }
        let other = Call::new("POST", "/webhooks/ai-clipping").body(body);
        assert_eq!(send_event!(ingest, other).status, 401);
    }
    assert_eq!((cloud.front.calls(), cloud.records()), (vec![], before));
    assert_eq!(send_event!(ingest, raw_event(STARTED).signed()).status, 200);
}
