//! Objects stored after a deletion, or by a worker that outlived it, are gone a day later.

use domain::{JobId, Timestamp};
use serde_json::json;

use crate::{
    cloud::Cloud,
    fault_proxy::Fault,
    requests::{Call, call},
    samples,
    tables::DELIVERIES,
};

const JOBS: &str = "/api/ai-clipping-agent/jobs";
const HOUR_MS: i64 = 3600 * 1000;
/// Objects that a worker may store.
const OBJECTS: [&str; 5] = [
    "source.mp4",
    "transcript.json",
    "clips/clip_00.mp4",
    "editions/2/plan.json",
    "attempts/1/outcome.json",
];

fn hours_on(hours: i64) -> Timestamp {
    Timestamp::from_ms(functions::now().as_ms() + hours * HOUR_MS)
}

async fn deleted(id: &str) -> (Cloud, JobId) {
    let cloud = Cloud::start().await;
    let id = cloud.running(id).await;
    let delete = Call::new("DELETE", format!("{JOBS}/{id}")).user("ann");
    assert_eq!(call!(cloud.manage_jobs(), delete).status, 204);
    (cloud, id)
}

#[tokio::test]
async fn objects_stored_after_a_deletion_are_deleted_when_the_execution_ends() {
    let (cloud, id) = deleted("job-1").await;
    for name in OBJECTS {
        cloud.store(&id, name).await;
    }
    let ended = json!({"detail": {"name": format!("{id}-1"), "status": "ABORTED"}});
    let settled = cloud.settle_job().handle(&ended).await.expect("settled");
    assert_eq!(json!(settled), json!({"changed": false, "status": null}));
    assert!(cloud.stored(&id).await.is_empty());
}

#[tokio::test]
async fn nothing_of_a_deleted_job_is_left_a_day_later_whichever_call_of_a_sweep_fails() {
    let (cloud, id) = deleted("job-1").await;
    cloud.front.calls();
    let straight = cloud.sweep_jobs().sweep(hours_on(8)).await;
    assert_eq!(
        json!(straight.expect("swept")),
        json!({"jobs": 1, "objects": 0})
    );
    drop((cloud, id));
    for fault in [Fault::Cut, Fault::Unheard] {
        for nth in 0..20 {
            let (cloud, id) = deleted("job-1").await;
            for name in OBJECTS {
                cloud.store(&id, name).await;
            }
            let early = cloud.sweep_jobs().sweep(hours_on(6)).await;
            assert_eq!(early.expect("swept").jobs, 0, "workers may still write");
            cloud.front.calls();
            cloud.front.dies_at(nth, fault);
            let first = cloud.sweep_jobs().sweep(hours_on(8)).await;
            cloud.front.heal();
            if first.is_ok() {
                // there is no such call
                assert!(nth > 4, "{nth}");
                break;
            }
            cloud.sweep_jobs().sweep(hours_on(9)).await.expect("swept");
            assert!(cloud.stored(&id).await.is_empty(), "{fault:?} {nth}");
            let left = cloud.sweep_jobs().sweep(hours_on(10)).await;
            assert_eq!(left.expect("swept").jobs, 0, "{fault:?} {nth}");
        }
    }
}

#[tokio::test]
async fn a_new_job_of_a_deleted_one_s_key_keeps_what_it_stores() {
    let cloud = Cloud::start().await;
    let keyed = Call::new("POST", JOBS)
        .user("ann")
        .header("idempotency-key", "k")
        .json(&samples::submission());
    let id = call!(cloud.submit_job(), keyed.clone()).id();
    let delete = Call::new("DELETE", format!("{JOBS}/{id}")).user("ann");
    assert_eq!(call!(cloud.manage_jobs(), delete).status, 204);
    assert_eq!(call!(cloud.submit_job(), keyed).id(), id);
    cloud.store(&id, OBJECTS[2]).await;
    let ended = json!({"detail": {"name": format!("{id}-1"), "status": "ABORTED"}});
    cloud.settle_job().handle(&ended).await.expect("settled");
    let swept = cloud.sweep_jobs().sweep(hours_on(30)).await;
    assert_eq!(swept.expect("swept").jobs, 0);
    assert_eq!(cloud.stored(&id).await, [OBJECTS[2]]);
    assert_eq!(cloud.job(&id).await.attempt, 2);
}

#[tokio::test]
async fn deliveries_that_came_after_the_deletion_are_swept_too() {
    let customer = crate::customer::Customer::start().await;
    let id = customer.ended().await;
    let delete = Call::new("DELETE", format!("{JOBS}/{id}")).user("ann");
    assert_eq!(call!(customer.cloud.manage_jobs(), delete).status, 204);
    // the stream reports the end afterwards
    customer.publish().await;
    assert!(!customer.cloud.all(DELIVERIES).is_empty());
    let swept = customer.cloud.sweep_jobs().sweep(hours_on(8)).await;
    assert_eq!(swept.expect("swept").jobs, 1);
    assert!(customer.cloud.all(DELIVERIES).is_empty());
}
