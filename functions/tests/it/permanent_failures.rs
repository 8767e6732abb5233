//! Permanent failures are told from temporary ones wherever something is retried, and are dead-lettered with their reason.

use domain::{DeliveryState, Owner};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    customer::{Customer, JOBS, events_of, post},
    fault_proxy::Fault,
    requests::{call, event, send_event},
    samples,
    tables::RECEIVERS,
};

/// Injects a fault into every call of a kind, from the `first` on, counted from 0.
fn fails(cloud: &Cloud, call: &'static str, first: usize, fault: Fault) {
    let mut seen = 0;
    cloud.front.faults(move |name| {
        seen += usize::from(name == call);
        (name == call && seen > first).then_some(fault)
    });
}

/// Functions and reasons of the dead-lettered events.
fn kept(cloud: &Cloud) -> Vec<(String, String)> {
    let letters = cloud.front.messages.letters().into_iter();
    let text = |letter: &Value, name: &str| letter["refused"][name].as_str().map(str::to_owned);
    let both = |letter: Value| (text(&letter, "function"), text(&letter, "why"));
    letters
        .map(both)
        .map(|(function, why)| (function.expect("a function"), why.expect("a reason")))
        .collect()
}

async fn published(customer: &Customer) -> Value {
    let batch = json!({"Records": customer.cloud.stream()});
    let batch = serde_json::from_value(batch).expect("a batch");
    json!(customer.cloud.publish_events().handle(&batch).await)
}

#[tokio::test]
async fn addresses_of_any_length_can_be_disabled() {
    let cloud = Cloud::start().await;
    let (receivers, ann) = (cloud.receivers(), Owner::user("ann"));
    let url = |number: usize| format!("https://example.com/{number}/{}", "x".repeat(6000));
    for number in 0..100 {
        assert!(receivers.disable(&ann, &url(number)).await.expect("noted"));
    }
    let known = receivers.get(&ann).await.expect("an answer");
    assert!(known.is_disabled(&url(99)) && !known.is_disabled(&url(100)));
    let bytes = json!(cloud.all(RECEIVERS)).to_string().len();
    assert!(bytes < 5000, "{bytes}");
    receivers.enable(&ann, &url(99)).await.expect("usable");
    let known = receivers.get(&ann).await.expect("an answer");
    assert!(!known.is_disabled(&url(99)));
}

#[tokio::test]
async fn an_address_is_measured_as_it_is_stored() {
    let customer = Customer::start().await;
    // normalising turns each two bytes into three
    for (letters, status) in [(300, 202), (600, 422)] {
        let mut body = samples::submission();
        body["callbackUrl"] = json!(format!("{}/{}", customer.url, "é".repeat(letters)));
        let answer = call!(customer.cloud.submit_job(), post(JOBS).json(&body));
        assert_eq!(answer.status, status, "{letters}: {answer:?}");
    }
}

#[tokio::test]
async fn a_410_that_cannot_be_recorded_ends_the_delivery() {
    let customer = Customer::start().await;
    customer.receiver.answer_with([410, 410]);
    let id = customer.ended().await;
    let messages = customer.publish().await;
    // the only updates of the table that add to a set
    customer.cloud.front.refuses("ADD disabled");
    assert_eq!(customer.run(&messages[..1]).await, 0);
    customer.cloud.front.heal();
    assert_eq!(customer.states(&id).await, [DeliveryState::Failed; 2]);
    assert_eq!(
        customer.messages(),
        Vec::<Value>::new(),
        "nothing comes again"
    );
}

#[tokio::test]
async fn an_impossible_delivery_fails_with_a_reason() {
    let customer = Customer::start().await;
    let id = customer.ended().await;
    let messages = customer.publish().await;
    // of the first delivery: the table rejects its result
    let mut seen = 0;
    customer.cloud.front.faults(move |name| {
        seen += usize::from(name == "DynamoDB.PutItem");
        (name == "DynamoDB.PutItem" && seen == 1).then_some(Fault::Refused)
    });
    assert_eq!(customer.run(&messages[..1]).await, 0);
    customer.cloud.front.heal();
    let states = customer.states(&id).await;
    assert_eq!(states, [DeliveryState::Failed, DeliveryState::Delivered]);
    let tried = customer.owed(&id).await.remove(0).attempts.remove(0);
    assert!(tried.error.expect("a reason").contains("internal error"));
}

#[tokio::test]
async fn temporary_failures_are_retried_and_not_dead_lettered() {
    for fault in [Fault::Throttled, Fault::Broken, Fault::Cut, Fault::Denied] {
        let customer = Customer::start().await;
        let id = customer.ended().await;
        fails(&customer.cloud, "DynamoDB.PutItem", 0, fault);
        let answer = published(&customer).await;
        assert_ne!(answer, json!({"batchItemFailures": []}), "{fault:?}");
        customer.cloud.front.heal();
        let messages = customer.publish().await;
        fails(&customer.cloud, "DynamoDB.PutItem", 0, fault);
        assert_eq!(customer.run(&messages[..1]).await, 1, "{fault:?}");
        customer.cloud.front.heal();
        assert_eq!(customer.states(&id).await, [DeliveryState::Pending; 2]);
        assert_eq!(kept(&customer.cloud), [], "{fault:?}");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_published_is_dead_lettered_and_blocks_no_other() {
    let customer = Customer::start().await;
    customer.ended().await;
    fails(&customer.cloud, "DynamoDB.PutItem", 0, Fault::Refused);
    assert_eq!(published(&customer).await, json!({"batchItemFailures": []}));
    let kept = kept(&customer.cloud);
    assert_eq!(kept.len(), 2, "the start and the end: {kept:?}");
    let (function, why) = &kept[0];
    assert_eq!(function, "publish-events");
    assert!(why.contains("ValidationException"), "{why}");
}

#[tokio::test]
async fn an_event_that_cannot_be_dead_lettered_is_retried() {
    let customer = Customer::start().await;
    customer.ended().await;
    customer.cloud.front.faults(|name| match name {
        "DynamoDB.PutItem" => Some(Fault::Refused),
        "Queue.SendMessage" => Some(Fault::Cut),
        _ => None,
    });
    let answer = published(&customer).await;
    assert_ne!(answer, json!({"batchItemFailures": []}));
}

#[tokio::test]
async fn an_attempt_that_cannot_be_started_is_dead_lettered() {
    let cloud = Cloud::start().await;
    cloud.submitted("job-1").await;
    for (fault, failures, letters) in [(Fault::Refused, 0, 1), (Fault::Denied, 1, 0)] {
        fails(&cloud, "States.StartExecution", 0, fault);
        let batch = json!({"Records": cloud.queued()});
        let batch = serde_json::from_value(batch).expect("a batch");
        let answer = json!(cloud.start_job().handle(&batch).await);
        let failed = answer["batchItemFailures"].as_array().map(Vec::len);
        assert_eq!(failed, Some(failures), "{fault:?}");
        assert_eq!(kept(&cloud).len(), letters, "{fault:?}");
    }
}

#[tokio::test]
async fn an_end_that_cannot_be_settled_is_dead_lettered() {
    let cloud = Cloud::start().await;
    let id = cloud.running("job-1").await;
    let settle = cloud.settle_job();
    let of = json!({"job_id": id, "attempt": 1});
    fails(&cloud, "DynamoDB.UpdateItem", 0, Fault::Refused);
    assert!(settle.handle(&of).await.is_ok());
    assert_eq!(kept(&cloud)[0].0, "settle-job");
    fails(&cloud, "DynamoDB.UpdateItem", 0, Fault::Denied);
    assert!(settle.handle(&of).await.is_err());
    cloud.front.heal();
    let nothing = json!({"detail": {"status": "FAILED"}});
    assert!(settle.handle(&nothing).await.is_ok());
    assert!(
        kept(&cloud)[0]
            .1
            .contains("does not identify a job attempt")
    );
}

#[tokio::test]
async fn an_event_that_cannot_be_stored_is_not_retried() {
    let cloud = Cloud::start().await;
    let id = cloud.running("job-1").await;
    let ingest = cloud.ingest_webhook().await;
    let body = samples::event(&id, "job.progress", 1, 2, 30);
    for (fault, status) in [
        (Fault::Refused, 422),
        (Fault::Broken, 503),
        (Fault::Denied, 500),
    ] {
        fails(&cloud, "DynamoDB.UpdateItem", 0, fault);
        let answer = send_event!(ingest, event(&body).signed());
        assert_eq!(answer.status, status, "{fault:?}");
    }
}

#[tokio::test]
async fn a_malformed_message_is_dead_lettered_and_loses_no_other() {
    let customer = Customer::start().await;
    let id = customer.ended().await;
    let messages = customer.publish().await;
    let bodies = [json!("{"), json!("[]"), json!(messages[0].to_string())];
    let records: Vec<_> = bodies
        .iter()
        .map(|body| json!({"messageId": body.as_str(), "body": body}))
        .collect();
    let messages = serde_json::from_value(json!({"Records": records})).expect("messages");
    let answer = json!(customer.cloud.deliver_callback().handle(&messages).await);
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(kept(&customer.cloud).len(), 2);
    assert_eq!(customer.states(&id).await, [DeliveryState::Delivered; 2]);
    let received = events_of(&customer.receiver.take());
    assert_eq!(received, ["job.started", "job.completed"]);
}
