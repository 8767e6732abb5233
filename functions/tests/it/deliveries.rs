//! The lifecycle of deliveries: one message at a time, deleted jobs, replays, rotated secrets, back ends.

use domain::{DeliveryState, Owner};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    customer::{Customer, JOBS, SECRETS, events_of, post},
    fault_proxy::Fault,
    receiver::Receiver,
    requests::{Call, call},
    samples,
    tables::{DELIVERIES, RECEIVERS},
};

fn by_key(method: &'static str, path: impl Into<String>) -> Call {
    Call::new(method, path).acme()
}

#[tokio::test]
async fn there_is_one_message_for_the_next_attempt() {
    let customer = Customer::start().await;
    customer.receiver.answer_with([500; 9]);
    let id = customer.ended().await;
    let messages = customer.publish().await;
    customer.run(&messages[..1]).await;
    // the second back-off, five minutes, is longer than this test on any machine
    let due = customer.let_time_pass(&id).await;
    customer.run(&due).await;
    let next = customer.messages();
    assert_eq!(next.len(), 1);
    // records of the stream and messages of the queue may be repeated
    for _ in 0..3 {
        let again = customer.publish().await;
        customer.run(&[messages.clone(), again].concat()).await;
        assert_eq!(customer.messages(), Vec::<Value>::new());
    }
    assert_eq!(customer.receiver.take().len(), 2);
    // an early message is sent again as it is
    customer.run(&next).await;
    assert_eq!(customer.messages(), next);
    assert_eq!(customer.states(&id).await, [DeliveryState::Pending; 2]);
}

#[tokio::test]
async fn a_deleted_job_sends_nothing_and_leaves_no_deliveries() {
    let customer = Customer::start().await;
    let id = customer.ended().await;
    let messages = customer.publish().await;
    let deleted = call!(
        customer.cloud.manage_jobs(),
        Call::new("DELETE", format!("{JOBS}/{id}")).user("ann")
    );
    assert_eq!(deleted.status, 204);
    // the stream reports the end afterwards
    let late = customer.publish().await;
    assert!(!customer.cloud.all(DELIVERIES).is_empty());
    customer.run_all([messages, late].concat()).await;
    assert!(customer.receiver.take().is_empty());
    let left = customer.cloud.all(DELIVERIES);
    assert!(left.iter().all(|row| row["url"].is_null()), "{left:?}");
}

#[tokio::test]
async fn the_replay_of_one_delivery_waits_for_those_before_it() {
    let customer = Customer::start().await;
    let id = customer.ended().await;
    let messages = customer.publish().await;
    customer.run_all(messages).await;
    customer.receiver.take();
    customer.receiver.answer_with([500]);
    let owed = customer.owed(&id).await;
    let manage = customer.cloud.manage_jobs();
    for delivery in owed.iter().rev() {
        let path = format!("/api/ai-clipping-agent/deliveries/{}/replay", delivery.id);
        assert_eq!(call!(manage, post(path)).status, 202);
    }
    let messages = customer.messages();
    customer.run(&messages).await;
    assert_eq!(events_of(&customer.receiver.take()), ["job.started"]);
    let messages = customer.let_time_pass(&id).await;
    customer.run_all(messages).await;
    let received = events_of(&customer.receiver.take());
    assert_eq!(received, ["job.started", "job.completed"]);
}

#[tokio::test]
async fn an_interrupted_replay_can_be_repeated() {
    let customer = Customer::start().await;
    let id = customer.ended().await;
    let messages = customer.publish().await;
    customer.run_all(messages).await;
    let last = customer.owed(&id).await.remove(1);
    let path = format!("/api/ai-clipping-agent/deliveries/{}/replay", last.id);
    for nth in 0..4 {
        customer.receiver.take();
        customer.cloud.front.dies_at(nth, Fault::Cut);
        let died = call!(customer.cloud.manage_jobs(), post(&path));
        customer.cloud.front.heal();
        assert_eq!(died.status, 503, "call {nth}");
        assert_eq!(call!(customer.cloud.manage_jobs(), post(&path)).status, 202);
        let messages = customer.messages();
        customer.run_all(messages).await;
        assert_eq!(events_of(&customer.receiver.take()), ["job.completed"]);
    }
}

#[tokio::test]
async fn a_replay_requested_during_an_attempt_takes_precedence() {
    let customer = Customer::start().await;
    let id = customer.ended().await;
    let messages = customer.publish().await;
    let first = customer.owed(&id).await.remove(0);
    let deliveries = customer.cloud.deliveries();
    let asked = async {
        customer.receiver.busy().await;
        let due_ms = functions::now().as_ms() + 1;
        deliveries.replay(&first, due_ms, i64::MAX).await
    };
    let (failed, asked) = tokio::join!(customer.run(&messages[..1]), asked);
    assert_eq!(
        (failed, asked.expect("an answer").map(|one| one.failures)),
        (0, Some(0))
    );
    customer.run_all(messages).await;
    let owed = customer.owed(&id).await;
    assert!(owed.iter().all(|one| one.state == DeliveryState::Delivered));
    assert_eq!(
        (owed[0].attempts.len(), owed[1].attempts.len()),
        (2, 1),
        "no try is lost"
    );
}

#[tokio::test]
async fn progress_is_not_sent_after_the_end() {
    let customer = Customer::start().await;
    let id = customer.submit().await;
    assert!(customer.cloud.claim(&id, 1).await);
    let events = samples::events(&id, 1, "job.completed");
    customer.tell(&events[1]).await;
    let messages = customer.publish().await;
    // the job ends while its start is being sent
    let end = async {
        customer.receiver.busy().await;
        customer.tell(&events[4]).await;
        customer.publish().await
    };
    let progress = [json!({"job_id": id, "not_before": 0, "progress_of": 1})];
    let (_, late) = tokio::join!(customer.run(&progress), end);
    customer.run_all([messages, late].concat()).await;
    let received = events_of(&customer.receiver.take());
    assert_eq!(
        received.last().map(String::as_str),
        Some("job.completed"),
        "{received:?}"
    );
}

#[tokio::test]
async fn every_secret_of_the_last_day_signs() {
    let customer = Customer::start().await;
    let mut secrets = vec![customer.secret.clone()];
    for _ in 0..2 {
        let made = call!(customer.cloud.manage_jobs(), post(SECRETS));
        secrets.push(made.body["secret"].as_str().expect("a secret").to_owned());
    }
    let id = customer.ended().await;
    let messages = customer.publish().await;
    customer.run_all(messages).await;
    let received = customer.receiver.take();
    assert_eq!(received.len(), 2, "{id}");
    assert!(secrets.iter().all(|one| received[0].is_signed_with(one)));
    let (receivers, ann) = (customer.cloud.receivers(), Owner::user("ann"));
    // the same call again, as when its response was lost, removes no secret
    let until = functions::now().as_seconds() + 60;
    for _ in 0..3 {
        let had_one = receivers.rotate(&ann, "whsec_new", 0, until).await;
        assert!(had_one.expect("an answer"));
    }
    let known = receivers.get(&ann).await.expect("an answer");
    assert_eq!(known.secrets(until - 1).count(), 4);
    // a day later one is left, and there are never many
    assert_eq!(known.secrets(i64::MAX).collect::<Vec<_>>(), ["whsec_new"]);
    for number in 0..20 {
        let secret = format!("whsec_{number}");
        receivers
            .rotate(&ann, &secret, 0, until)
            .await
            .expect("made");
    }
    let known = receivers.get(&ann).await.expect("an answer");
    assert_eq!(known.secrets(0).count(), 6);
    assert!(!format!("{known:?}").contains("whsec_"));
}

#[tokio::test]
async fn disabled_addresses_are_recorded_up_to_a_limit() {
    let cloud = Cloud::start().await;
    let (receivers, ann) = (cloud.receivers(), Owner::user("ann"));
    let url = |number: usize| format!("https://example.com/{number}");
    for number in 0..100 {
        assert!(receivers.disable(&ann, &url(number)).await.expect("noted"));
    }
    assert!(!receivers.disable(&ann, &url(100)).await.expect("an answer"));
    assert!(receivers.disable(&ann, &url(7)).await.expect("an answer"));
    receivers.enable(&ann, &url(7)).await.expect("usable");
    assert!(receivers.disable(&ann, &url(100)).await.expect("noted"));
    assert_eq!(cloud.all(RECEIVERS).len(), 1);
}

#[tokio::test]
async fn addresses_are_compared_in_normalised_form() {
    let customer = Customer::start().await;
    customer.receiver.answer_with([410]);
    let mut spelled = samples::submission();
    spelled["callbackUrl"] = json!(
        customer
            .url
            .replace("http://", "HTTP://")
            .replace("/hook", "/./hook")
    );
    let id = call!(customer.cloud.submit_job(), post(JOBS).json(&spelled)).id();
    assert_eq!(
        customer.cloud.job(&id).await.callback_url,
        Some(customer.url.clone())
    );
}

#[tokio::test]
async fn a_start_and_its_progress_have_ids_of_their_own() {
    let customer = Customer::start().await;
    let id = customer.submit().await;
    assert!(customer.cloud.claim(&id, 1).await);
    let messages = customer.publish().await;
    customer.run_all(messages).await;
    let progress = |attempt: u32| json!({"job_id": id, "not_before": 0, "progress_of": attempt});
    // nothing is sent for another attempt
    customer.run(&[progress(1), progress(1), progress(2)]).await;
    let ids: Vec<String> = customer
        .receiver
        .take()
        .into_iter()
        .map(|each| each.headers["webhook-id"].clone())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[1], format!("{}-p", ids[0]));
}

#[tokio::test]
async fn a_back_end_tests_lists_and_replays_with_its_key() {
    let cloud = Cloud::start().await;
    let (receiver, url) = Receiver::start().await;
    let (submit, manage) = (cloud.submit_job(), cloud.manage_jobs());
    let made = call!(manage, by_key("POST", "/ai-clipping/callback-secrets"));
    let secret = made.body["secret"].as_str().expect("a secret").to_owned();
    let service = json!({"video_url": "https://videos.test/a.mp4", "callback_url": url});
    let id = call!(submit, by_key("POST", "/ai-clipping/jobs").json(&service)).id();
    let customer = Customer {
        cloud,
        receiver,
        url,
        secret,
    };
    let canceled = domain::Job::cancel(&Owner::tenant("acme"), functions::now());
    assert!(customer.cloud.change(&id, &canceled).await);
    customer.receiver.answer_with([410]);
    let messages = customer.publish().await;
    customer.run_all(messages).await;
    let path = format!("/ai-clipping/jobs/{id}/deliveries");
    let shown = call!(manage, by_key("GET", &path));
    assert_eq!(shown.body["deliveries"][0]["state"], "failed");
    let delivery = shown.body["deliveries"][0]["id"].as_str().expect("an id");
    let replay = format!("/ai-clipping/deliveries/{delivery}/replay");
    assert_eq!(
        call!(manage, by_key("POST", &replay)).code(),
        "address_disabled"
    );
    let test = json!({"url": customer.url});
    let tested = call!(
        manage,
        by_key("POST", "/ai-clipping/callback-tests").json(&test)
    );
    assert_eq!(
        (tested.status, &tested.body["delivered"]),
        (200, &json!(true))
    );
    assert_eq!(call!(manage, by_key("POST", &replay)).status, 202);
    customer.receiver.take();
    let messages = customer.messages();
    customer.run_all(messages).await;
    let told = customer.receiver.take();
    assert_eq!(events_of(&told), ["job.failed"]);
    assert!(told[0].is_signed_with(&customer.secret));
    // and no other owner can
    for (call, status) in [
        (Call::new("GET", &path), 401),
        (Call::new("POST", &replay).user("acme"), 401),
        (
            Call::new("GET", format!("{JOBS}/{id}/deliveries")).user("acme"),
            404,
        ),
    ] {
        assert_eq!(call!(manage, call).status, status);
    }
}
