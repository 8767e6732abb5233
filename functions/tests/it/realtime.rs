//! The WebSocket API: admission, subscriptions, limits, and what a disconnect leaves.

use domain::{
    JobId, Owner,
    limits::{MAX_CLIENT_MESSAGE_BYTES, MAX_CONNECTIONS},
};
use functions::realtime::{Realtime, SocketEvent};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    fault_proxy::Fault,
    requests::{Call, call},
    tables::{LISTENERS, SESSIONS, SHARES},
};

const TICKETS: &str = "/api/ai-clipping-agent/realtime-tickets";

fn happening(id: &str, kind: &str, more: &Value) -> SocketEvent {
    let mut event = json!({"isBase64Encoded": false, "requestContext": {"connectionId": id, "eventType": kind,
        "stage": "live", "domainName": "api.execute-api.us-east-1.amazonaws.com", "requestId": "id"}});
    for (name, value) in more.as_object().expect("an object") {
        event[name] = value.clone();
    }
    serde_json::from_value(event).expect("an event")
}

async fn answer(realtime: &Realtime, event: SocketEvent) -> u16 {
    let answer = json!(realtime.answer(&event).await);
    answer["statusCode"].as_u64().expect("a status") as u16
}

/// Connects with a ticket.
async fn connect(cloud: &Cloud, id: &str, ticket: Option<&str>) -> u16 {
    cloud.front.sockets.open(id);
    let query = ticket.map(|ticket| json!({"ticket": ticket}));
    let event = happening(id, "CONNECT", &json!({"queryStringParameters": query}));
    answer(&cloud.realtime(), event).await
}

async fn ticket(cloud: &Cloud, user: &str) -> String {
    let issued = call!(cloud.manage_jobs(), Call::new("POST", TICKETS).user(user));
    assert_eq!(issued.status, 201);
    issued.body["ticket"].as_str().expect("a ticket").to_owned()
}

/// An open connection of a user.
pub(crate) async fn connected(cloud: &Cloud, id: &str, user: &str) {
    let ticket = ticket(cloud, user).await;
    assert_eq!(connect(cloud, id, Some(&ticket)).await, 200);
}

/// The messages that a client receives for one of its own.
pub(crate) async fn say(cloud: &Cloud, id: &str, message: &Value) -> Vec<Value> {
    say_text(cloud, id, &message.to_string()).await
}

async fn say_text(cloud: &Cloud, id: &str, text: &str) -> Vec<Value> {
    let event = happening(id, "MESSAGE", &json!({"body": text}));
    assert_eq!(answer(&cloud.realtime(), event).await, 200);
    cloud.front.sockets.heard(id)
}

async fn listens(cloud: &Cloud, id: &str) -> bool {
    let of_ann = cloud
        .publish_events()
        .listeners
        .list(&Owner::user("ann"))
        .await;
    let of_ann = of_ann.expect("listeners");
    of_ann.iter().any(|listener| listener.connection_id == id)
}

fn jobs(snapshot: &Value) -> Vec<&str> {
    let jobs = snapshot["jobs"].as_array().expect("jobs").iter();
    jobs.map(|shown| shown["job"]["id"].as_str().expect("an id"))
        .collect()
}

#[tokio::test]
async fn a_ticket_admits_one_connection() {
    let cloud = Cloud::start().await;
    let good = ticket(&cloud, "ann").await;
    let stored = cloud.all(SESSIONS);
    assert_eq!(stored.len(), 1);
    assert!(
        !json!(stored).to_string().contains(&good),
        "it is stored as a digest"
    );
    for strange in [None, Some(""), Some("nothing"), Some("connection#c-0")] {
        assert_eq!(connect(&cloud, "c-0", strange).await, 401, "{strange:?}");
    }
    assert_eq!(connect(&cloud, "c-1", Some(&good)).await, 200);
    assert_eq!(connect(&cloud, "c-2", Some(&good)).await, 401);
    assert_eq!(
        say(&cloud, "c-1", &json!({"action": "ping"})).await,
        [json!({"type": "pong"})]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_concurrent_connections_with_one_ticket_one_is_admitted() {
    let cloud = Cloud::start().await;
    let good = ticket(&cloud, "ann").await;
    let ids: Vec<String> = (0..20).map(|number| format!("c-{number}")).collect();
    let all = ids.iter().map(|id| connect(&cloud, id, Some(&good)));
    let answers = futures_util::future::join_all(all).await;
    let let_in = answers.iter().filter(|status| **status == 200).count();
    assert_eq!((let_in, answers.len()), (1, 20), "{answers:?}");
}

#[tokio::test]
async fn a_ticket_expires_after_a_minute() {
    let cloud = Cloud::start().await;
    let issued = call!(cloud.manage_jobs(), Call::new("POST", TICKETS).user("ann"));
    let until: jiff::Timestamp = issued.body["expiresAt"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("a time");
    let holds = until.as_millisecond() - functions::now().as_ms();
    assert!((57_000..=60_000).contains(&holds), "{holds} ms");
    let url = issued.body["url"].as_str().expect("an address");
    assert!(
        url.starts_with("ws://")
            && url.ends_with(issued.body["ticket"].as_str().expect("a ticket"))
    );
    let old = ticket(&cloud, "ann").await;
    for session in cloud.all(SESSIONS) {
        let owner = Owner::user("ann");
        let id = session["id"].as_str().expect("an id").to_owned();
        let past = functions::now().as_seconds();
        cloud
            .realtime()
            .sessions
            .put(id, &owner, past)
            .await
            .expect("put");
    }
    assert_eq!(connect(&cloud, "c-1", Some(&old)).await, 401);
}

#[tokio::test]
async fn a_subscription_is_answered_with_the_current_state() {
    let cloud = Cloud::start().await;
    connected(&cloud, "c-1", "ann").await;
    let nothing = say(&cloud, "c-1", &json!({"action": "subscribe"})).await;
    assert_eq!(
        nothing,
        [json!({"type": "snapshot", "jobs": [], "more": false})]
    );
    let queued = cloud.submitted("job-1").await;
    let running = cloud.running("job-2").await;
    let all = say(&cloud, "c-1", &json!({"action": "subscribe"})).await;
    let mut shown = jobs(&all[0]);
    shown.sort_unstable();
    assert_eq!(shown, [queued.as_str(), running.as_str()]);
    let one = say(
        &cloud,
        "c-1",
        &json!({"action": "subscribe", "jobId": running}),
    )
    .await;
    assert_eq!(jobs(&one[0]), [running.as_str()]);
    let shown = &one[0]["jobs"][0];
    assert_eq!(
        (
            &shown["attempt"],
            &shown["sequence"],
            &shown["job"]["status"]
        ),
        (&json!(1), &json!(1), &json!("running"))
    );
    assert!(shown["job"]["progressPercent"].is_u64() && shown["job"]["clips"].is_array());
}

#[tokio::test]
async fn another_owners_job_cannot_be_subscribed_to() {
    let cloud = Cloud::start().await;
    let id = cloud.running("job-1").await;
    connected(&cloud, "c-1", "bob").await;
    let all = say(&cloud, "c-1", &json!({"action": "subscribe"})).await;
    assert_eq!(jobs(&all[0]), [""; 0]);
    for job in [id.as_str(), "job-9", "../job-1", ""] {
        let heard = say(&cloud, "c-1", &json!({"action": "subscribe", "jobId": job})).await;
        assert_eq!(
            (&heard[0]["type"], &heard[0]["code"]),
            (&json!("error"), &json!("not_found")),
            "{job}"
        );
    }
}

#[tokio::test]
async fn the_subscription_is_stored_before_the_snapshot_is_read() {
    let cloud = Cloud::start().await;
    let id = cloud.running("job-1").await;
    connected(&cloud, "c-1", "ann").await;
    for (message, looks) in [
        (json!({"action": "subscribe"}), "DynamoDB.Query"),
        (
            json!({"action": "subscribe", "jobId": id}),
            "DynamoDB.GetItem",
        ),
    ] {
        cloud.front.calls();
        say(&cloud, "c-1", &message).await;
        let calls = cloud.front.calls();
        // its message is counted before
        let registered = calls.iter().rposition(|call| call == "DynamoDB.UpdateItem");
        let looked = calls.iter().rposition(|call| call == looks);
        assert!(registered.is_some() && registered < looked, "{calls:?}");
    }
}

#[tokio::test]
async fn an_invalid_message_is_answered_and_the_connection_stays() {
    let cloud = Cloud::start().await;
    connected(&cloud, "c-1", "ann").await;
    let before = (cloud.all(SESSIONS), cloud.all(LISTENERS));
    let deep = "[".repeat(3000);
    let long = format!("{{\"action\": \"ping\", \"x\": \"{}\"}}", "x".repeat(5000));
    for text in [
        "",
        "{",
        "null",
        "[]",
        "7",
        "\"ping\"",
        "{}",
        &deep,
        &long,
        "{\"action\": \"shout\"}",
        "{\"action\": 7}",
        "{\"action\": \"subscribe\", \"jobId\": 7}",
        "{\"action\": \"ping\", \"action\": \"ping\"}",
    ] {
        let heard = say_text(&cloud, "c-1", text).await;
        assert_eq!(
            (heard.len(), &heard[0]["code"]),
            (1, &json!("invalid_request")),
            "{text}"
        );
    }
    assert_eq!((cloud.all(SESSIONS), cloud.all(LISTENERS)), before);
    assert_eq!(
        say(&cloud, "c-1", &json!({"action": "ping"})).await.len(),
        1
    );
}

#[tokio::test]
async fn a_client_message_stands_at_its_limit() {
    let cloud = Cloud::start().await;
    connected(&cloud, "c-1", "ann").await;
    let empty = json!({"action": "ping", "x": ""}).to_string().len();
    for (bytes, kind) in [
        (MAX_CLIENT_MESSAGE_BYTES, "pong"),
        (MAX_CLIENT_MESSAGE_BYTES + 1, "error"),
    ] {
        let message = json!({"action": "ping", "x": "x".repeat(bytes - empty)});
        let heard = say(&cloud, "c-1", &message).await;
        assert_eq!((heard.len(), &heard[0]["type"]), (1, &json!(kind)));
    }
}

/// The snapshots of a new connection of ann's.
pub(crate) async fn snapshot(cloud: &Cloud) -> Vec<Value> {
    connected(cloud, "c-1", "ann").await;
    say(cloud, "c-1", &json!({"action": "subscribe"})).await
}

#[tokio::test]
async fn a_connection_subscribes_to_a_hundred_jobs_at_most() {
    let cloud = Cloud::start().await;
    connected(&cloud, "c-1", "ann").await;
    let owner = Owner::user("ann");
    let listeners = cloud.realtime().listeners;
    for number in 0..100 {
        let job: JobId = format!("job-{number}").parse().expect("an id");
        assert!(
            listeners
                .subscribe(&owner, "c-1", Some(&job), i64::MAX)
                .await
                .expect("added")
        );
    }
    let last = cloud.submitted("job-100").await;
    let heard = say(
        &cloud,
        "c-1",
        &json!({"action": "subscribe", "jobId": last}),
    )
    .await;
    assert_eq!(heard[0]["code"], "too_many_jobs");
    let known = cloud.submitted("job-7").await;
    let heard = say(
        &cloud,
        "c-1",
        &json!({"action": "subscribe", "jobId": known}),
    )
    .await;
    assert_eq!(jobs(&heard[0]), [known.as_str()]);
    assert_eq!(
        say(&cloud, "c-1", &json!({"action": "subscribe"})).await[0]["type"],
        "snapshot"
    );
}

#[tokio::test]
async fn a_snapshot_of_many_long_jobs_is_split() {
    let cloud = Cloud::start().await;
    for number in 0..12 {
        let id = cloud.running(&format!("job-{number:02}")).await;
        let clip = json!({"M": {"clip_index": {"N": "0"}, "s3_url": {"S": "https://bucket.test/c"}, "duration_ms": {"N": "1"},
            "virality_score": {"N": "0.5"}, "summary": {"S": "x".repeat(1_500)}}});
        let clips: serde_json::Map<String, Value> = (0..20)
            .map(|index| (index.to_string(), clip.clone()))
            .collect();
        let set = json!({"Key": {"id": {"S": id}}, "UpdateExpression": "SET clips = :clips",
            "ExpressionAttributeValues": {":clips": {"M": clips}}});
        cloud.meddler()(set);
    }
    connected(&cloud, "c-1", "ann").await;
    let parts = say(&cloud, "c-1", &json!({"action": "subscribe"})).await;
    assert!(parts.len() > 2, "{}", parts.len());
    let (last, before) = parts.split_last().expect("parts");
    assert!(before.iter().all(|part| part["more"] == true) && last["more"] == false);
    let mut shown: Vec<&str> = parts.iter().flat_map(jobs).collect();
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown.len(), 12);
    assert!(parts[0]["jobs"][0]["job"]["clips"][0]["summary"].is_string());
}

#[tokio::test]
async fn a_disconnect_leaves_no_records() {
    let cloud = Cloud::start().await;
    connected(&cloud, "c-1", "ann").await;
    say(&cloud, "c-1", &json!({"action": "subscribe"})).await;
    assert!(listens(&cloud, "c-1").await);
    for _ in 0..2 {
        let gone = happening("c-1", "DISCONNECT", &json!({}));
        assert_eq!(answer(&cloud.realtime(), gone).await, 200);
    }
    assert!(cloud.all(SESSIONS).is_empty() && cloud.all(LISTENERS).is_empty());
    // its last message may be handled afterwards
    let late = happening(
        "c-2",
        "MESSAGE",
        &json!({"body": "{\"action\": \"subscribe\"}"}),
    );
    cloud.front.sockets.open("c-2");
    assert_eq!(answer(&cloud.realtime(), late).await, 200);
    assert!(
        !cloud.front.sockets.is_open("c-2"),
        "a connection that is not known is cut"
    );
    assert!(cloud.all(LISTENERS).is_empty());
}

#[tokio::test]
async fn a_disconnect_during_a_response_is_not_an_error() {
    let cloud = Cloud::start().await;
    connected(&cloud, "c-1", "ann").await;
    cloud.front.sockets.lose("c-1");
    let event = happening("c-1", "MESSAGE", &json!({"body": "{\"action\": \"ping\"}"}));
    assert_eq!(answer(&cloud.realtime(), event).await, 200);
}

#[tokio::test]
async fn a_disconnect_before_the_snapshot_removes_the_subscription() {
    let cloud = Cloud::start().await;
    connected(&cloud, "c-1", "ann").await;
    cloud.front.sockets.lose("c-1");
    let message = happening(
        "c-1",
        "MESSAGE",
        &json!({"body": "{\"action\": \"subscribe\"}"}),
    );
    assert_eq!(answer(&cloud.realtime(), message).await, 200);
    assert!(!listens(&cloud, "c-1").await);
}

#[tokio::test]
async fn a_client_whose_message_fails_is_notified_and_disconnected() {
    for nth in 1..5 {
        let cloud = Cloud::start().await;
        cloud.running("job-1").await;
        connected(&cloud, "c-1", "ann").await;
        let mut calls = 0;
        cloud.front.faults(move |call| {
            calls += usize::from(call.starts_with("DynamoDB"));
            (calls == nth && call.starts_with("DynamoDB")).then_some(Fault::Broken)
        });
        let message = happening(
            "c-1",
            "MESSAGE",
            &json!({"body": "{\"action\": \"subscribe\"}"}),
        );
        assert_eq!(answer(&cloud.realtime(), message).await, 503, "call {nth}");
        assert!(!cloud.front.sockets.is_open("c-1"), "call {nth}");
    }
}

#[tokio::test]
async fn an_unavailable_store_admits_no_connection_until_a_new_ticket() {
    for nth in 0..4 {
        for fault in [Fault::Throttled, Fault::Broken, Fault::Cut, Fault::Unheard] {
            let cloud = Cloud::start().await;
            let lost = ticket(&cloud, "ann").await;
            cloud.front.dies_at(nth, fault);
            let status = connect(&cloud, "c-1", Some(&lost)).await;
            assert_eq!(status, 503, "{fault:?} at {nth}");
            cloud.front.heal();
            connected(&cloud, "c-2", "ann").await;
        }
    }
}

#[tokio::test]
async fn connections_stand_at_their_limit() {
    let cloud = Cloud::start().await;
    let way_in = async |id: &str, user: &str| {
        let ticket = ticket(&cloud, user).await;
        connect(&cloud, id, Some(&ticket)).await
    };
    for number in 0..MAX_CONNECTIONS {
        assert_eq!(way_in(&format!("c-{number}"), "ann").await, 200);
    }
    let known = cloud.all(SESSIONS).len();
    assert_eq!(way_in("late", "ann").await, 429);
    assert_eq!(cloud.all(SESSIONS).len(), known, "it is not let in");
    assert_eq!(way_in("other", "bob").await, 200);
    // a disconnect frees a slot
    let ends = happening("c-7", "DISCONNECT", &json!({}));
    assert_eq!(answer(&cloud.realtime(), ends).await, 200);
    assert_eq!(way_in("next", "ann").await, 200);
    assert_eq!(way_in("later", "ann").await, 429);
    // so does a connection that is found closed
    say(&cloud, "c-8", &json!({"action": "subscribe"})).await;
    cloud.front.sockets.lose("c-8");
    cloud.running("job-1").await;
    let told = crate::publishing::publish(&cloud, &cloud.stream()).await;
    assert_eq!(told, crate::publishing::fine());
    assert_eq!(way_in("last", "ann").await, 200);
    assert_eq!(way_in("later", "ann").await, 429);
}

#[tokio::test]
async fn a_rejected_connection_holds_no_slot() {
    let cloud = Cloud::start().await;
    let ticket = ticket(&cloud, "ann").await;
    cloud
        .front
        .faults(|call| (call == "DynamoDB.PutItem").then_some(Fault::Broken));
    assert_eq!(connect(&cloud, "c-1", Some(&ticket)).await, 503);
    let places = cloud.all(SHARES);
    assert!(!json!(places).to_string().contains("c-1"), "{places:?}");
}

#[tokio::test]
async fn a_client_over_the_message_limit_is_notified_and_disconnected() {
    // not across the end of a minute
    if functions::now().as_seconds() % 60 > 50 {
        tokio::time::sleep(std::time::Duration::from_secs(11)).await;
    }
    let cloud = Cloud::start().await;
    connected(&cloud, "c-1", "ann").await;
    connected(&cloud, "c-2", "bob").await;
    let mut realtime = cloud.realtime();
    // the ticket was requested in the same minute
    realtime.rate_limiter = cloud.rate_limiter(1 + 5);
    let ping = |id: &str| happening(id, "MESSAGE", &json!({"body": "{\"action\": \"ping\"}"}));
    for _ in 0..5 {
        assert_eq!(answer(&realtime, ping("c-1")).await, 200);
    }
    assert_eq!(cloud.front.sockets.heard("c-1").len(), 5);
    cloud.front.calls();
    assert_eq!(answer(&realtime, ping("c-1")).await, 200);
    assert!(!cloud.front.sockets.is_open("c-1"));
    let calls = cloud.front.calls();
    let told = calls.iter().filter(|call| *call == "Sockets.POST").count();
    assert_eq!(told, 1, "{calls:?}");
    // other owners are not affected
    assert_eq!(answer(&realtime, ping("c-2")).await, 200);
    assert_eq!(cloud.front.sockets.heard("c-2"), [json!({"type": "pong"})]);
}
