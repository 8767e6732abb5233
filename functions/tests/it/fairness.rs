//! Limits per owner: delivery slots, upload slots, requests per minute; cached keys while Secrets Manager fails.

use std::time::Duration;

use aws::Slots;
use domain::{
    DeliveryState, Owner,
    limits::{MAX_CONCURRENT_DELIVERIES, MAX_OPEN_UPLOADS, STALE_SECRET_S, UPLOAD_IDLE_S},
};
use functions::{manage_jobs::ManageJobs, submit_job::SubmitJob};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    cloud::{Cloud, SERVICE_KEYS},
    customer::Customer,
    fault_proxy::Fault,
    requests::{Answer, Call, call},
    tables::{SHARES, UPLOADS},
};

const BEGIN: &str = "/api/ai-clipping-agent/uploads";

fn deliveries(owner: &Owner) -> Slots<'_> {
    Slots {
        purpose: "deliveries",
        owner,
        count: MAX_CONCURRENT_DELIVERIES,
    }
}

#[tokio::test]
async fn an_owner_never_exceeds_its_delivery_slots() {
    let cloud = Cloud::start().await;
    let (shares, ann, bob) = (cloud.shares(), Owner::user("ann"), Owner::user("bob"));
    let places = deliveries(&ann);
    let names: Vec<String> = (0..40).map(|number| format!("holder-{number}")).collect();
    let taken = join_all(
        names
            .iter()
            .map(|name| shares.acquire(&places, name, 0, 1000)),
    )
    .await;
    let held: Vec<&String> = names
        .iter()
        .zip(&taken)
        .filter(|(_, taken)| matches!(taken, Ok(true)))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(held.len(), MAX_CONCURRENT_DELIVERIES as usize);
    // whoever has one keeps it, and takes no second one
    assert!(
        shares
            .acquire(&places, held[0], 500, 1500)
            .await
            .expect("kept")
    );
    assert!(
        !shares
            .acquire(&places, "late", 500, 1500)
            .await
            .expect("none")
    );
    assert!(
        shares
            .acquire(&deliveries(&bob), "b", 500, 1500)
            .await
            .expect("his own")
    );
    shares.release(&places, held[1]).await.expect("given back");
    shares.release(&places, held[1]).await.expect("it is gone");
    assert!(
        shares
            .acquire(&places, "late", 500, 1500)
            .await
            .expect("taken")
    );
    assert!(
        !shares
            .acquire(&places, "later", 500, 1500)
            .await
            .expect("none")
    );
    // slots of interrupted runs expire at the time that they gave
    let names: Vec<String> = (0..40).map(|number| format!("next-{number}")).collect();
    let taken = join_all(
        names
            .iter()
            .map(|name| shares.acquire(&places, name, 1001, 2000)),
    )
    .await;
    let taken = taken
        .iter()
        .filter(|taken| matches!(taken, Ok(true)))
        .count();
    assert_eq!(taken, MAX_CONCURRENT_DELIVERIES as usize - 2);
    assert_eq!(cloud.all(SHARES).len(), 2, "a record each");
}

#[tokio::test]
async fn waiting_for_a_slot_costs_no_attempt() {
    let customer = Customer::start().await;
    let id = customer.ended().await;
    let messages = customer.publish().await;
    let (shares, ann) = (customer.cloud.shares(), Owner::user("ann"));
    let places = deliveries(&ann);
    let now_ms = functions::now().as_ms();
    for number in 0..MAX_CONCURRENT_DELIVERIES {
        let holder = number.to_string();
        let taken = shares.acquire(&places, &holder, now_ms, now_ms + 60_000);
        assert!(taken.await.expect("taken"));
    }
    assert_eq!(customer.run(&messages[..1]).await, 0);
    assert!(customer.receiver.take().is_empty());
    let waiting = customer.cloud.front.messages.take();
    assert_eq!(waiting.len(), 1);
    assert!((5..=20).contains(&waiting[0].0), "{waiting:?}");
    // the back-off grows with the time waited
    let mut patient = waiting[0].1.clone();
    assert!(patient["waits_since"].as_i64() >= Some(now_ms));
    patient["waits_since"] = json!(now_ms - 3_600_000);
    assert_eq!(customer.run(&[patient.clone()]).await, 0);
    let later = customer.cloud.front.messages.take();
    assert!((75..=300).contains(&later[0].0), "{later:?}");
    assert_eq!(later[0].1, patient);
    assert_eq!(customer.states(&id).await, [DeliveryState::Pending; 2]);
    assert!(customer.owed(&id).await.iter().all(|one| one.failures == 0));
    shares.release(&places, "0").await.expect("given back");
    customer.run_all(vec![waiting[0].1.clone()]).await;
    assert_eq!(customer.states(&id).await, [DeliveryState::Delivered; 2]);
    // and the place is given back
    let free = shares.acquire(&places, "0", now_ms, now_ms + 60_000);
    assert!(free.await.expect("taken"));
}

#[tokio::test]
async fn messages_of_an_owner_are_a_group_of_the_queue() {
    let customer = Customer::start().await;
    customer.ended().await;
    customer.ended().await;
    customer.publish().await;
    let mut groups = customer.cloud.front.messages.groups();
    assert!(groups.len() >= 4);
    groups.dedup();
    assert_eq!(groups.len(), 1);
    // a message of an older version has no owner: the job's is used
    let job = customer.ended().await;
    let later = functions::now().as_ms() + 5000;
    customer
        .run(&[json!({"job_id": job, "not_before": later})])
        .await;
    let mut all = customer.cloud.front.messages.groups();
    all.dedup();
    assert_eq!(all, groups);
}

#[tokio::test]
async fn requests_over_the_limit_are_told_when_to_retry() {
    let cloud = Cloud::start().await;
    let manage = ManageJobs {
        rate_limiter: cloud.rate_limiter(5),
        ..cloud.manage_jobs()
    };
    let submit = SubmitJob {
        rate_limiter: cloud.rate_limiter(5),
        ..cloud.submit_job()
    };
    let list = |user: &str| Call::new("GET", "/ai-clipping-agent/jobs").user(user);
    // not across the end of a minute
    if functions::now().as_seconds() % 60 > 50 {
        tokio::time::sleep(Duration::from_secs(11)).await;
    }
    let (ann, bob) = (list("ann"), list("bob"));
    let answers = join_all((0..20).map(|_| async { call!(manage, ann).status })).await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 5);
    assert_eq!(answers.iter().filter(|status| **status == 429).count(), 15);
    // submissions count as well, other owners do not
    let refused = call!(
        submit,
        Call::new("POST", "/ai-clipping-agent/jobs")
            .user("ann")
            .json(&crate::samples::submission())
    );
    assert_eq!((refused.status, refused.code()), (429, "rate_limited"));
    let wait: i64 = refused
        .header("retry-after")
        .and_then(|text| text.parse().ok())
        .expect("seconds");
    assert!((1..=60).contains(&wait));
    assert_eq!(call!(manage, bob).status, 200);
    // in the next minute they are accepted again
    let next = functions::now().as_seconds() + 60;
    let counted = cloud
        .shares()
        .count_request(&Owner::user("ann"), next, 5)
        .await;
    assert!(counted.expect("counted"));
    let ends = cloud
        .all(SHARES)
        .into_iter()
        .map(|row| row["expires_at"].clone());
    assert!(ends.into_iter().all(|end| end.as_i64().is_some()));
}

async fn begun(submit: &SubmitJob) -> Answer {
    let file = json!({"fileName": "a.mp4", "sizeBytes": 5});
    call!(submit, Call::new("POST", BEGIN).user("ann").json(&file))
}

#[tokio::test]
async fn open_uploads_stop_at_their_limit() {
    let cloud = Cloud::start().await;
    let submit = cloud.submit_job();
    let answers = join_all((0..2 * MAX_OPEN_UPLOADS).map(|_| begun(&submit))).await;
    let (good, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(good.len(), MAX_OPEN_UPLOADS as usize);
    assert!(
        refused
            .iter()
            .all(|one| one.code() == "too_many_open_uploads")
    );
    assert!(
        refused
            .iter()
            .all(|one| one.header("retry-after").is_some())
    );
    assert_eq!(cloud.all(UPLOADS).len(), MAX_OPEN_UPLOADS as usize);
    let other = Call::new("POST", BEGIN).user("bob");
    let file = json!({"fileName": "a.mp4", "sizeBytes": 5});
    assert_eq!(call!(submit, other.json(&file)).status, 201);
    // completing one releases a slot
    let id = good[0].body["uploadId"].as_str().expect("an id");
    let parts = Call::new("POST", format!("{BEGIN}/{id}/parts")).user("ann");
    let links = call!(submit, parts.json(&json!({"partNumbers": [1]})));
    let url = links.body["parts"][0]["url"].as_str().expect("a link");
    let put = reqwest::Client::new().put(url).body(vec![7; 5]).send();
    let put = put.await.expect("an answer");
    let etag = put.headers()["etag"].to_str().expect("text").to_owned();
    let complete = Call::new("POST", format!("{BEGIN}/{id}/complete")).user("ann");
    let sent = json!({"parts": [{"partNumber": 1, "etag": etag}]});
    assert_eq!(call!(submit, complete.json(&sent)).status, 200);
    assert_eq!(begun(&submit).await.status, 201);
    assert_eq!(begun(&submit).await.status, 429);
}

#[tokio::test]
async fn an_abandoned_upload_releases_its_slot() {
    let cloud = Cloud::start().await;
    let submit = cloud.submit_job();
    for _ in 0..MAX_OPEN_UPLOADS {
        assert_eq!(begun(&submit).await.status, 201);
    }
    let ann = Owner::user("ann");
    let places = Slots {
        purpose: "uploads",
        owner: &ann,
        count: MAX_OPEN_UPLOADS,
    };
    let now_ms = functions::now().as_ms();
    let idle_ms = i64::from(UPLOAD_IDLE_S) * 1000;
    let taken = async |at| {
        let taken = cloud.shares().acquire(&places, "new", at, at + 1).await;
        taken.expect("an answer")
    };
    assert!(!taken(now_ms + idle_ms - 60_000).await);
    assert!(taken(now_ms + idle_ms + 60_000).await);
}

#[tokio::test]
async fn an_upload_that_fails_to_start_holds_its_slot_for_a_minute() {
    for nth in 0.. {
        let cloud = Cloud::start().await;
        let submit = cloud.submit_job();
        cloud.front.dies_at(nth, Fault::Unheard);
        let died = begun(&submit).await;
        cloud.front.heal();
        if died.status == 201 {
            assert!(nth > 4, "{nth} calls");
            return;
        }
        assert_eq!(died.status, 503, "{nth}");
        let rows = cloud.all(SHARES).into_iter();
        let held: Vec<i64> = rows
            .flat_map(|row| {
                let places = row.as_object().expect("a record").clone();
                places
                    .into_iter()
                    .filter_map(|(_, place)| place["until_ms"].as_i64())
            })
            .collect();
        // the last call extends the lease
        let longest = functions::now().as_ms() + 60_000;
        let is_begun = cloud.all(UPLOADS).len() == 1;
        assert!(
            held.iter().all(|until| *until <= longest || is_begun),
            "{nth}"
        );
    }
}

/// Advances the clock of caches, not the system's.
async fn wait(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn cached_keys_serve_while_they_cannot_be_refreshed() {
    let cloud = Cloud::start().await;
    let manage = cloud.manage_jobs();
    let ask_for = || Call::new("GET", "/ai-clipping/jobs/nothing").acme();
    assert_eq!(call!(manage, ask_for()).status, 404);
    cloud
        .front
        .faults(|name| name.starts_with("Secrets").then_some(Fault::Broken));
    wait(STALE_SECRET_S - 10).await;
    assert_eq!(call!(manage, ask_for()).status, 404);
    // a failing store is not called with every request
    cloud.front.calls();
    assert_eq!(call!(manage, ask_for()).status, 404);
    let calls: Vec<String> = cloud.front.calls();
    assert!(
        calls.iter().all(|name| !name.starts_with("Secrets")),
        "{calls:?}"
    );
    assert_eq!(
        call!(
            manage,
            Call::new("GET", "/ai-clipping/jobs/x").header("x-api-key", "no")
        )
        .status,
        401
    );
    wait(20).await;
    assert_eq!(call!(manage, ask_for()).status, 503);
    // a secret that cannot be parsed counts as one that cannot be read
    cloud.front.heal();
    assert_eq!(call!(manage, ask_for()).status, 404);
    cloud.front.secrets.set(SERVICE_KEYS, "no JSON");
    wait(61).await;
    assert_eq!(call!(manage, ask_for()).status, 404);
    wait(STALE_SECRET_S).await;
    assert_eq!(call!(manage, ask_for()).status, 500);
    let none: Value = json!({});
    cloud.front.secrets.set(SERVICE_KEYS, none.to_string());
    assert_eq!(call!(manage, ask_for()).status, 401, "taken back");
}
