//! Batches of the table's stream: repeated, reordered, with unparsable records, failing after any record.

use functions::stream::Batch;
use serde_json::{Value, json};

use crate::{cloud::Cloud, fault_proxy::Fault};

fn batch(records: &[Value]) -> Batch {
    serde_json::from_value(json!({"Records": records})).expect("a batch")
}

fn failed_at(record: &Value) -> Value {
    json!({"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]})
}

fn fine() -> Value {
    json!({"batchItemFailures": []})
}

/// An account with submitted jobs, and the names of their executions.
async fn submitted(number: usize) -> (Cloud, Vec<String>) {
    let cloud = Cloud::start().await;
    let mut names = Vec::new();
    for number in 0..number {
        let id = cloud.submitted(&format!("job-{number}")).await;
        names.push(format!("{id}-1"));
    }
    (cloud, names)
}

#[tokio::test]
async fn each_attempt_is_started_once_however_batches_are_ordered_and_repeated() {
    let (cloud, names) = submitted(4).await;
    let start = cloud.start_job();
    let mut records = cloud.queued();
    for round in 0..4 {
        assert_eq!(json!(start.handle(&batch(&records)).await), fine());
        assert_eq!(
            cloud.front.executions.all().into_keys().collect::<Vec<_>>(),
            names
        );
        records.rotate_left(round);
        records.reverse();
        // some have ended meanwhile: they are not started again
        cloud.front.executions.end(&names[round]);
    }
    assert_eq!(cloud.front.executions.running(), Vec::<String>::new());
}

#[tokio::test]
async fn a_failed_batch_resumes_at_the_failed_record() {
    for fault in [Fault::Throttled, Fault::Broken, Fault::Cut, Fault::Unheard] {
        for nth in 0..4 {
            let (cloud, names) = submitted(4).await;
            let start = cloud.start_job();
            let records = cloud.queued();
            cloud.front.dies_at(nth, fault);
            let answer = json!(start.handle(&batch(&records)).await);
            assert_eq!(answer, failed_at(&records[nth]), "{fault:?}");
            let begun = nth + usize::from(fault == Fault::Unheard);
            assert_eq!(cloud.front.executions.all().len(), begun, "{fault:?}");
            cloud.front.heal();
            assert_eq!(json!(start.handle(&batch(&records[nth..])).await), fine());
            assert_eq!(cloud.front.executions.running(), names);
        }
    }
}

#[tokio::test]
async fn an_unparsable_record_blocks_no_other() {
    let (cloud, names) = submitted(3).await;
    let start = cloud.start_job();
    let good = cloud.queued();
    let image = |image: Value| json!({"eventName": "MODIFY", "dynamodb": {"SequenceNumber": "1", "NewImage": image}});
    let poison = [
        Value::Null,
        json!("record"),
        json!({}),
        json!({"dynamodb": null}),
        json!({"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "2", "OldImage": {}}}),
        image(json!({})),
        image(json!({"status": {"S": "queued"}})),
        image(json!({"status": {"S": "queued"}, "id": {"S": "../x"}, "attempt": {"N": "1"}})),
        image(json!({"status": {"S": "queued"}, "id": {"S": "x"}, "attempt": {"N": "one"}})),
        image(json!({"status": {"S": "queued"}, "id": {"S": "x"}, "attempt": {"N": "-1"}})),
        image(json!({"status": {"S": "queued"}, "id": {"S": "x"}, "attempt": {"S": "1"}})),
        image(json!({"status": {"S": "queued"}, "id": {"N": "1"}, "attempt": {"N": "1"}})),
        image(json!({"status": {"N": "0"}, "id": {"S": "x"}, "attempt": {"N": "1"}})),
    ];
    for record in &poison {
        let (cloud, names) = submitted(3).await;
        let records = [&good[..1], std::slice::from_ref(record), &good[1..]].concat();
        assert_eq!(
            json!(cloud.start_job().handle(&batch(&records)).await),
            fine(),
            "{record}"
        );
        assert_eq!(cloud.front.executions.running(), names);
    }
    let records = [&poison[..], &good[..], &poison[..]].concat();
    assert_eq!(json!(start.handle(&batch(&records)).await), fine());
    assert_eq!(cloud.front.executions.running(), names);
    assert_eq!(json!(start.handle(&batch(&[])).await), fine());
}

#[tokio::test]
async fn only_records_of_queued_attempts_start_executions() {
    let cloud = Cloud::start().await;
    let id = cloud.running("job-1").await;
    let cancel = domain::Job::cancel(&domain::Owner::user("ann"), functions::now());
    assert!(cloud.change(&id, &cancel).await);
    let retry = cloud.job(&id).await.retry(functions::now());
    assert!(cloud.change(&id, &retry).await);
    assert!(cloud.claim(&id, 2).await);
    // without the template's filter, and the older attempt last
    let mut records = cloud.stream();
    assert_eq!(records.len(), 5);
    records.reverse();
    assert_eq!(
        json!(cloud.start_job().handle(&batch(&records)).await),
        fine()
    );
    let all: Vec<String> = cloud.front.executions.all().into_keys().collect();
    assert_eq!(all, [format!("{id}-1"), format!("{id}-2")]);
    // the task of a finished attempt finds nothing to do, and its end changes nothing
    let before = cloud.records();
    assert!(!cloud.claim(&id, 1).await);
    let of = json!({"job_id": id, "attempt": 1});
    cloud.settle_job().handle(&of).await.expect("settled");
    assert_eq!(cloud.records(), before);
}
