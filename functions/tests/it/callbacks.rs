//! Callbacks from a job's changes to a customer's server: content, order, retries and signatures.

use domain::{DeliveryState, Job, Owner};
use serde_json::json;

use crate::{
    cloud::Cloud,
    customer::{Customer, JOBS, SECRETS, events_of, post},
    receiver::Receiver,
    requests::{Call, call},
    samples,
};

const TESTS: &str = "/api/ai-clipping-agent/callback-tests";

#[tokio::test]
async fn events_of_a_job_are_sent_in_order_and_signed() {
    let customer = Customer::start().await;
    let id = customer.submit().await;
    assert!(customer.cloud.claim(&id, 1).await);
    let events = samples::events(&id, 1, "job.completed");
    let messages = customer.publish().await;
    customer.run_all(messages).await;
    for each in &events[..3] {
        customer.tell(each).await;
    }
    let messages = customer.publish().await;
    customer.run_all(messages).await;
    for each in &events[3..] {
        customer.tell(each).await;
    }
    let messages = customer.publish().await;
    customer.run_all(messages).await;

    let received = customer.receiver.take();
    assert_eq!(
        events_of(&received),
        ["job.started", "job.progress", "job.completed"]
    );
    assert!(
        received
            .iter()
            .all(|each| each.is_signed_with(&customer.secret))
    );
    let progress = received[1].body();
    assert_eq!(
        (&progress["progress_percent"], &progress["status"]),
        (&json!(60), &json!("running"))
    );
    assert_eq!(progress["clip"]["clip_index"], 0);
    assert_eq!(progress["owner_user_id"], "ann");
    let completed = received[2].body();
    assert!(completed.get("clip").is_none());
    assert_eq!(completed["owner_user_id"], "ann");
    assert_eq!(completed["output"]["considered_ms"], 120_001);
    assert_eq!(completed["output"]["processing_time_seconds"], 482.5);
    assert_eq!(completed["job_id"], json!(id));
    assert_eq!(completed["output"]["total_clips"], 2);
    assert_eq!(completed["output"]["clips"][0]["clip_index"], 0);
    assert!(completed.get("error").is_none());
    // everything is delivered again, and nothing is sent twice
    let messages = customer.publish().await;
    customer.run_all(messages).await;
    assert!(customer.receiver.take().is_empty());
}

#[tokio::test]
async fn a_failing_receiver_is_retried_with_growing_back_off() {
    let customer = Customer::start().await;
    customer.receiver.answer_with([500; 9]);
    let id = customer.ended().await;
    let messages = customer.publish().await;
    customer.cloud.front.messages.take();
    customer.run(&messages[..1]).await;
    let mut ids = Vec::new();
    for seconds in [5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0] {
        let received = customer.receiver.take();
        assert_eq!(
            events_of(&received),
            ["job.started"],
            "the end waits for the start"
        );
        ids.push(received[0].headers["webhook-id"].clone());
        let (delay, message) = customer.cloud.front.messages.take().remove(0);
        let pause = message["not_before"].as_i64().expect("a time") - functions::now().as_ms();
        let off = pause as f64 / 1000.0 / seconds;
        assert!((0.75..1.25).contains(&off), "{seconds}: {pause}");
        assert!(delay as f64 <= (seconds * 1.2).ceil().min(900.0), "{delay}");
        // an early message is only sent again with its delay
        customer.run(std::slice::from_ref(&message)).await;
        assert!(customer.receiver.take().is_empty());
        let messages = customer.let_time_pass(&id).await;
        customer.run(&messages).await;
    }
    assert!(
        ids.iter().all(|id| *id == ids[0]),
        "the id stays the same: {ids:?}"
    );
    // after it has failed, the next one is sent
    assert_eq!(customer.states(&id).await[0], DeliveryState::Failed);
    assert_eq!(
        events_of(&customer.receiver.take()),
        ["job.started", "job.completed"]
    );
}

#[tokio::test]
async fn an_address_that_answered_410_is_disabled_until_a_test_succeeds() {
    let customer = Customer::start().await;
    customer.receiver.answer_with([410]);
    let id = customer.ended().await;
    let messages = customer.publish().await;
    customer.run_all(messages).await;
    assert_eq!(events_of(&customer.receiver.take()), ["job.started"]);
    assert_eq!(customer.states(&id).await, [DeliveryState::Failed; 2]);
    let other = customer.ended().await;
    let messages = customer.publish().await;
    customer.run_all(messages).await;
    assert!(customer.receiver.take().is_empty());

    let manage = customer.cloud.manage_jobs();
    let shown = call!(
        manage,
        Call::new("GET", format!("{JOBS}/{other}/deliveries")).user("ann")
    );
    let last = &shown.body["deliveries"][1];
    assert_eq!(
        (&last["event"], &last["state"]),
        (&json!("job.completed"), &json!("failed"))
    );
    let replay = format!(
        "/api/ai-clipping-agent/deliveries/{}/replay",
        last["id"].as_str().expect("an id")
    );
    assert_eq!(call!(manage, post(&replay)).code(), "address_disabled");
    let tested = call!(manage, post(TESTS).json(&json!({"url": customer.url})));
    assert_eq!(
        (tested.status, &tested.body["delivered"]),
        (200, &json!(true))
    );
    assert!(customer.receiver.take()[0].is_signed_with(&customer.secret));
    assert_eq!(
        call!(manage, Call::new("POST", &replay).user("bob")).status,
        404
    );
    assert_eq!(call!(manage, post(&replay)).status, 202);
    // its message may have been lost: it is sent again
    assert_eq!(call!(manage, post(&replay)).status, 202);
    let messages = customer.messages();
    customer.run_all(messages).await;
    assert_eq!(events_of(&customer.receiver.take()), ["job.completed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_one_delivery_of_a_job_at_a_time() {
    let customer = Customer::start().await;
    let id = customer.ended().await;
    let messages = customer.publish().await;
    let messages = [messages.clone(), messages].concat();
    let records = messages.iter().enumerate();
    let records: Vec<_> = records
        .map(
            |(number, message)| json!({"messageId": number.to_string(), "body": message.to_string()}),
        )
        .collect();
    let messages = serde_json::from_value(json!({"Records": records})).expect("messages");
    let answer = customer.cloud.deliver_callback().handle(&messages).await;
    assert_eq!(json!(answer), json!({"batchItemFailures": []}));
    let messages = customer.messages();
    customer.run_all(messages).await;
    assert_eq!(
        events_of(&customer.receiver.take()),
        ["job.started", "job.completed"]
    );
    assert_eq!(customer.receiver.most_at_once(), 1);
    assert_eq!(customer.states(&id).await, [DeliveryState::Delivered; 2]);
}

#[tokio::test]
async fn deliveries_arrive_in_order_whatever_call_fails() {
    for nth in 0.. {
        let customer = Customer::start().await;
        let id = customer.ended().await;
        let messages = customer.publish().await;
        customer
            .cloud
            .front
            .dies_at(nth, crate::fault_proxy::Fault::Unheard);
        let failed = customer.run(&messages[..1]).await;
        customer.cloud.front.heal();
        // the lease of an interrupted run expires
        let free = customer
            .cloud
            .deliveries()
            .acquire_lease(&id, i64::MAX - 1, i64::MAX - 1)
            .await;
        assert!(free.expect("an answer").is_some());
        customer
            .cloud
            .deliveries()
            .release_lease(&id, i64::MAX - 1)
            .await
            .expect("given");
        customer.run_all(messages).await;
        let mut received = events_of(&customer.receiver.take());
        received.dedup();
        assert_eq!(
            received,
            ["job.started", "job.completed"],
            "died at call {nth}"
        );
        assert_eq!(
            customer.states(&id).await,
            [DeliveryState::Delivered; 2],
            "{nth}"
        );
        if failed == 0 {
            assert!(nth > 5, "{nth} calls");
            return;
        }
    }
}

#[tokio::test]
async fn users_need_a_secret_and_back_ends_do_not() {
    let cloud = Cloud::start().await;
    let (receiver, url) = Receiver::start().await;
    let (submit, manage) = (cloud.submit_job(), cloud.manage_jobs());
    let mut body = samples::submission();
    body["callbackUrl"] = json!(url);
    let without = call!(submit, post(JOBS).json(&body));
    assert_eq!((without.status, without.field()), (422, "callbackUrl"));
    assert_eq!(
        call!(manage, post(TESTS).json(&json!({"url": url}))).field(),
        "url"
    );

    let secret = |answer: crate::requests::Answer| {
        answer.body["secret"].as_str().expect("a secret").to_owned()
    };
    let first = secret(call!(manage, post(SECRETS)));
    let second = call!(manage, post(SECRETS));
    assert!(second.body["previousValidUntil"].is_string());
    let second = secret(second);
    let _ = call!(manage, post(TESTS).json(&json!({"url": url})));
    let tested = receiver.take().remove(0);
    assert!(tested.is_signed_with(&first) && tested.is_signed_with(&second));

    let service = json!({"video_url": "https://videos.test/a.mp4", "callback_url": url, "external_job_id": "order 7", "owner_user_id": "u-1"});
    let taken = call!(
        submit,
        Call::new("POST", "/ai-clipping/jobs").acme().json(&service)
    );
    assert_eq!(taken.status, 202);
    let customer = Customer {
        cloud,
        receiver,
        url,
        secret: second,
    };
    let canceled = Job::cancel(&Owner::tenant("acme"), functions::now());
    assert!(customer.cloud.change(&taken.id(), &canceled).await);
    let messages = customer.publish().await;
    customer.run_all(messages).await;
    let told = customer.receiver.take().remove(0);
    assert!(!told.headers.contains_key("webhook-signature"));
    let body = told.body();
    let field = |name: &str| body[name].as_str().unwrap_or_default();
    assert_eq!(
        [
            "event",
            "status",
            "error_code",
            "external_job_id",
            "owner_user_id"
        ]
        .map(field),
        ["job.failed", "failed", "canceled", "order 7", "u-1"]
    );
}
