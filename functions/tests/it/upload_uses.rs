//! Uploads and their jobs: an upload is deleted with its last job, under concurrency.

use domain::{JobId, Timestamp, limits::MAX_JOBS_PER_UPLOAD};
use serde_json::json;

use crate::{
    cloud::Cloud,
    fault_proxy::Fault,
    requests::{Answer, Call, call},
    tables::{JOBS, UPLOADS},
    uploads::uploaded,
};

const PATH: &str = "/api/ai-clipping-agent/jobs";

async fn submitted(cloud: &Cloud, upload: &str) -> Answer {
    let mut submit = cloud.submit_job();
    submit.max_active = u32::MAX;
    let call = Call::new("POST", PATH).user("ann");
    call!(submit, call.json(&json!({"uploadId": upload})))
}

async fn delete(cloud: &Cloud, id: &JobId) -> u16 {
    let call = Call::new("DELETE", format!("{PATH}/{id}")).user("ann");
    call!(cloud.manage_jobs(), call).status
}

/// Number of objects and of records of uploads.
async fn left(cloud: &Cloud) -> (usize, usize) {
    let objects = cloud.bucket.list("uploads/").await.expect("a list");
    (objects.len(), cloud.all(UPLOADS).len())
}

fn hours_on(hours: i64) -> Timestamp {
    Timestamp::from_ms(functions::now().as_ms() + hours * 3600 * 1000)
}

#[tokio::test]
async fn an_upload_is_deleted_with_its_last_job() {
    let cloud = Cloud::start().await;
    let upload = uploaded(&cloud.submit_job()).await;
    let other = uploaded(&cloud.submit_job()).await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(submitted(&cloud, &upload).await.id());
    }
    for job in &jobs {
        assert_eq!(left(&cloud).await, (2, 2));
        assert_eq!(delete(&cloud, job).await, 204);
    }
    assert_eq!(left(&cloud).await, (1, 1), "no job is made from the other");
    let late = submitted(&cloud, &upload).await;
    assert_eq!((late.status, late.field()), (422, "uploadId"));
    assert_eq!(submitted(&cloud, &other).await.status, 202);
}

#[tokio::test]
async fn nothing_is_left_of_an_upload_whichever_call_of_a_deletion_fails() {
    for fault in [Fault::Cut, Fault::Unheard] {
        for nth in 0..30 {
            let cloud = Cloud::start().await;
            let upload = uploaded(&cloud.submit_job()).await;
            let id = submitted(&cloud, &upload).await.id();
            cloud.front.dies_at(nth, fault);
            let died = delete(&cloud, &id).await;
            cloud.front.heal();
            if died == 204 {
                // there is no such call
                assert!(nth > 8, "{nth}");
                break;
            }
            let again = delete(&cloud, &id).await;
            assert!([204, 404].contains(&again), "{fault:?} {nth}: {again}");
            assert_eq!(left(&cloud).await, (0, 0), "{fault:?} {nth}");
        }
    }
}

#[tokio::test]
async fn a_sweep_deletes_the_upload_of_a_deleted_job_unless_another_job_uses_it() {
    for (others, left_after) in [(0, (0, 0)), (1, (1, 1))] {
        let cloud = Cloud::start().await;
        let upload = uploaded(&cloud.submit_job()).await;
        let id = submitted(&cloud, &upload).await.id();
        for _ in 0..others {
            submitted(&cloud, &upload).await;
        }
        // a deletion by a version that did not know of uploads
        let (job, now) = (cloud.job(&id).await, functions::now());
        let deleted = cloud.jobs.delete(&job, now, now.as_seconds() + 3600);
        assert!(deleted.await.expect("deleted"));
        let swept = cloud.sweep_jobs().sweep(hours_on(8)).await;
        assert_eq!(swept.expect("swept").jobs, 1);
        assert_eq!(left(&cloud).await, left_after);
        let tombstones = cloud.all(JOBS).into_iter();
        let mut of_job = tombstones.filter(|item| item["id"] == json!(id));
        assert!(of_job.all(|item| item.get("upload").is_none()));
    }
}

#[tokio::test]
async fn no_job_is_created_from_an_upload_that_is_being_deleted() {
    let cloud = Cloud::start().await;
    let upload = uploaded(&cloud.submit_job()).await;
    let goes = cloud.end_of_upload(&upload);
    cloud.front.faults(move |call| {
        if call == "DynamoDB.TransactWriteItems" {
            goes();
        }
        None
    });
    let refused = submitted(&cloud, &upload).await;
    assert_eq!((refused.status, refused.field()), (422, "uploadId"));
    assert!(cloud.all(JOBS).is_empty());
}

#[tokio::test]
async fn jobs_of_an_upload_stand_at_their_limit() {
    let cloud = Cloud::start().await;
    let upload = uploaded(&cloud.submit_job()).await;
    let first = submitted(&cloud, &upload).await;
    for _ in 1..MAX_JOBS_PER_UPLOAD {
        assert_eq!(submitted(&cloud, &upload).await.status, 202);
    }
    let over = submitted(&cloud, &upload).await;
    assert_eq!((over.status, over.field()), (422, "uploadId"));
    assert_eq!(delete(&cloud, &first.id()).await, 204);
    assert_eq!(submitted(&cloud, &upload).await.status, 202);
}
