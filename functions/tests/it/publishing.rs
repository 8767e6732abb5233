//! Notifications of open connections from the job table's stream: content, recipients, order, and failures at every call.

use domain::{Job, JobId, Owner};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    fault_proxy::Fault,
    realtime::{connected, say},
    requests::{event, send_event},
    samples,
};

/// An account in which a client of the user `ann` follows all jobs.
pub(crate) async fn listening() -> Cloud {
    let cloud = Cloud::start().await;
    listen(&cloud, "c-1", "ann").await;
    cloud
}

pub(crate) async fn listen(cloud: &Cloud, id: &str, user: &str) {
    connected(cloud, id, user).await;
    let snapshot = say(cloud, id, &json!({"action": "subscribe"})).await;
    assert_eq!(snapshot[0]["type"], "snapshot");
}

async fn progress(cloud: &Cloud, id: &JobId, percents: impl IntoIterator<Item = u32>) {
    let ingest = cloud.ingest_webhook().await;
    for percent in percents {
        let body = samples::event(id, "job.progress", 1, percent + 1, percent);
        assert_eq!(send_event!(ingest, event(&body).signed()).status, 200);
    }
}

async fn end(cloud: &Cloud, id: &JobId) {
    let ingest = cloud.ingest_webhook().await;
    for body in &samples::events(id, 1, "job.completed")[4..] {
        let mut body = body.clone();
        body["sequence"] = 200.into();
        assert_eq!(send_event!(ingest, event(&body).signed()).status, 200);
    }
}

/// A job that runs to its end with progress of every percent.
async fn complete_job(cloud: &Cloud) -> JobId {
    let id = cloud.running("job-1").await;
    progress(cloud, &id, 1..100).await;
    end(cloud, &id).await;
    id
}

pub(crate) async fn publish(cloud: &Cloud, records: &[Value]) -> Value {
    let batch = serde_json::from_value(json!({"Records": records})).expect("a batch");
    json!(cloud.publish_events().handle(&batch).await)
}

pub(crate) fn fine() -> Value {
    json!({"batchItemFailures": []})
}

fn place(message: &Value) -> (u64, u64) {
    let number = |name: &str| message[name].as_u64().expect("a number");
    (number("attempt"), number("sequence"))
}

/// The messages that a client keeps if it drops those at or below its last.
fn kept(messages: Vec<Value>) -> Vec<Value> {
    let mut last = (0, 0);
    let mut is_new = |message: &Value| {
        let new = place(message) > last;
        last = last.max(place(message));
        new
    };
    messages
        .into_iter()
        .filter(|message| is_new(message))
        .collect()
}

fn told(messages: &[Value]) -> Vec<(String, u64)> {
    let of = |message: &Value| {
        let percent = message["job"]["progressPercent"].as_u64();
        let kind = message["type"].as_str().expect("a type").to_owned();
        (kind, percent.expect("a percentage"))
    };
    messages.iter().map(of).collect()
}

/// The messages of a complete job.
fn wanted() -> Vec<(String, u64)> {
    let tenths = (1..10).map(|tenth| ("job.progress".to_owned(), tenth * 10));
    let started = ("job.started".to_owned(), 0);
    let completed = ("job.completed".to_owned(), 100);
    [started]
        .into_iter()
        .chain(tenths)
        .chain([completed])
        .collect()
}

#[tokio::test]
async fn the_start_each_tenth_of_progress_and_the_end_are_published() {
    let cloud = listening().await;
    complete_job(&cloud).await;
    assert_eq!(publish(&cloud, &cloud.stream()).await, fine());
    let heard = cloud.front.sockets.heard("c-1");
    assert_eq!(told(&heard), wanted());
    assert!(heard.is_sorted_by(|one, next| place(one) < place(next)));
    let last = heard.last().expect("an end");
    assert_eq!(last["job"]["clips"].as_array().map(Vec::len), Some(2));
    let text = json!(heard).to_string();
    assert!(
        !text.contains("X-Amz-") && !text.contains("https://bucket"),
        "links are not told"
    );
}

#[tokio::test]
async fn only_subscribers_are_notified() {
    let cloud = listening().await;
    listen(&cloud, "c-2", "bob").await;
    let (mine, other) = (
        cloud.submitted("job-1").await,
        cloud.submitted("job-2").await,
    );
    for (id, job) in [("c-3", &mine), ("c-4", &other)] {
        connected(&cloud, id, "ann").await;
        say(&cloud, id, &json!({"action": "subscribe", "jobId": job})).await;
    }
    connected(&cloud, "c-5", "ann").await;
    assert!(cloud.claim(&mine, 1).await);
    assert_eq!(publish(&cloud, &cloud.stream()).await, fine());
    let heard = |id: &str| cloud.front.sockets.heard(id).len();
    assert_eq!(
        ["c-1", "c-2", "c-3", "c-4", "c-5"].map(heard),
        [1, 0, 1, 0, 0]
    );
}

#[tokio::test]
async fn a_cancellation_and_the_next_attempt_are_published() {
    let cloud = listening().await;
    let id = cloud.running("job-1").await;
    progress(&cloud, &id, [55]).await;
    assert!(
        cloud
            .change(&id, &Job::cancel(&Owner::user("ann"), functions::now()))
            .await
    );
    let retry = cloud.job(&id).await.retry(functions::now());
    assert!(cloud.change(&id, &retry).await);
    assert!(cloud.claim(&id, 2).await);
    assert_eq!(publish(&cloud, &cloud.stream()).await, fine());
    let heard = cloud.front.sockets.heard("c-1");
    let kinds = ["job.started", "job.progress", "job.failed", "job.started"];
    assert_eq!(
        told(&heard)
            .into_iter()
            .map(|(kind, _)| kind)
            .collect::<Vec<_>>(),
        kinds
    );
    assert_eq!(
        (&heard[2]["job"]["status"], &heard[2]["job"]["errorCode"]),
        (&json!("canceled"), &json!("canceled"))
    );
    assert!(heard.is_sorted_by(|one, next| place(one) < place(next)));
}

#[tokio::test]
async fn repeated_split_and_reordered_records_publish_the_same() {
    let cloud = listening().await;
    complete_job(&cloud).await;
    let records = cloud.stream();
    for size in [1, 3, 10, 25, records.len()] {
        // a batch is repeated completely or in part before the stream continues
        for batch in records.chunks(size) {
            for again in [batch, &batch[batch.len() / 2..], batch] {
                assert_eq!(publish(&cloud, again).await, fine());
            }
        }
        let heard = cloud.front.sockets.heard("c-1");
        assert!(heard.len() > wanted().len());
        assert_eq!(told(&kept(heard)), wanted(), "batches of {size}");
    }
    let mut disordered = records.clone();
    for turn in 0..8 {
        disordered.rotate_left(records.len() / 8 + turn);
        disordered.reverse();
        assert_eq!(publish(&cloud, &disordered).await, fine());
        let kept = kept(cloud.front.sockets.heard("c-1"));
        assert!(kept.is_sorted_by(|one, next| place(one) < place(next)));
        assert_eq!(kept.last().expect("an end")["type"], "job.completed");
    }
}

#[tokio::test]
async fn without_subscribers_there_is_one_query_and_nothing_else() {
    let cloud = Cloud::start().await;
    let id = cloud.running("job-1").await;
    let records = cloud.stream();
    cloud.front.calls();
    assert_eq!(publish(&cloud, &records[1..]).await, fine());
    assert_eq!(cloud.front.calls(), ["DynamoDB.Query"]);
    // and no query for changes that are not published
    progress(&cloud, &id, [3, 7]).await;
    let records = cloud.stream();
    cloud.front.calls();
    assert_eq!(publish(&cloud, &records[2..]).await, fine());
    assert!(cloud.front.calls().is_empty());
}

/// Fails the `nth` call of publishing a short job and repeats the batch; returns whether there was such a call.
async fn dies_and_comes_again(nth: usize, fault: Fault) -> bool {
    let cloud = listening().await;
    listen(&cloud, "c-2", "ann").await;
    let id = cloud.running("job-1").await;
    progress(&cloud, &id, [12, 55]).await;
    end(&cloud, &id).await;
    let records = cloud.stream();
    cloud.front.dies_at(nth, fault);
    let died = publish(&cloud, &records).await != fine();
    cloud.front.heal();
    assert_eq!(publish(&cloud, &records).await, fine());
    for id in ["c-1", "c-2"] {
        // a connection that could not be notified may be disconnected: it connects again to a snapshot
        if cloud.front.sockets.is_open(id) {
            let kept = kept(cloud.front.sockets.heard(id));
            assert_eq!(kept.len(), 4, "{fault:?} at {nth}");
        }
    }
    died
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retried_batch_publishes_everything_whichever_call_failed() {
    for fault in [Fault::Broken, Fault::Unheard] {
        // four queries, four messages to each of two connections
        let trials = (0..14).map(|nth| dies_and_comes_again(nth, fault));
        let died = join_all(trials).await;
        let last = died.iter().rposition(|died| *died);
        assert_eq!(last, Some(11), "{fault:?}: {died:?}");
    }
}

#[tokio::test]
async fn an_unparsable_record_loses_no_other() {
    let cloud = listening().await;
    complete_job(&cloud).await;
    let image = |image: Value| json!({"eventName": "MODIFY", "dynamodb": {"SequenceNumber": "1", "NewImage": image}});
    let mut records = Vec::new();
    for record in cloud.stream() {
        records.extend([
            Value::Null,
            json!({}),
            image(json!({"status": {"S": "running"}})),
            record,
            image(json!({"id": {"S": "../x"}})),
        ]);
    }
    assert_eq!(publish(&cloud, &records).await, fine());
    assert_eq!(told(&cloud.front.sockets.heard("c-1")), wanted());
}

#[tokio::test]
async fn a_job_too_long_for_a_message_is_published_without_its_clips() {
    let cloud = listening().await;
    let id = cloud.running("job-1").await;
    let clip = |index: u32| {
        json!({"M": {"clip_index": {"N": index.to_string()}, "s3_url": {"S": "https://bucket.test/c"},
        "duration_ms": {"N": "1"}, "virality_score": {"N": "0.5"}, "summary": {"S": "\u{1F600}".repeat(1500)}}})
    };
    let clips: serde_json::Map<String, Value> = (0..30)
        .map(|index| (index.to_string(), clip(index)))
        .collect();
    let step = "x".repeat(130_000);
    let set = json!({"Key": {"id": {"S": id}}, "UpdateExpression": "SET clips = :clips, progress_percent = :percent, current_step = :step",
        "ExpressionAttributeValues": {":clips": {"M": clips}, ":percent": {"N": "55"}, ":step": {"S": step}}});
    cloud.meddler()(set);
    assert_eq!(publish(&cloud, &cloud.stream()).await, fine());
    let heard = cloud.front.sockets.heard("c-1");
    assert_eq!(told(&heard).last(), Some(&("job.progress".to_owned(), 55)));
    assert_eq!(heard[1]["job"]["clips"], json!([]));
}

#[tokio::test]
async fn a_thousand_connections_of_an_owner_are_notified() {
    let cloud = Cloud::start().await;
    let owner = Owner::user("ann");
    let listeners = cloud.realtime().listeners;
    for number in 0..1000 {
        let id = format!("c-{number}");
        cloud.front.sockets.open(&id);
        assert!(
            listeners
                .subscribe(&owner, &id, None, i64::MAX)
                .await
                .expect("added")
        );
    }
    cloud.running("job-1").await;
    cloud.front.calls();
    assert_eq!(publish(&cloud, &cloud.stream()).await, fine());
    for number in 0..1000 {
        assert_eq!(cloud.front.sockets.heard(&format!("c-{number}")).len(), 1);
    }
    assert_eq!(cloud.front.calls().len(), 1001);
}
