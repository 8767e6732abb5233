//! Invariants of a job's history, checked over the stream of its table.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cloud::{Cloud, plain};

const ENDS: [&str; 3] = ["succeeded", "failed", "canceled"];

/// Fields that may depend on the order of events unless the job has succeeded.
const INTERMEDIATE: [&str; 7] = [
    "progress_stage",
    "progress_percent",
    "current_step",
    "clips_completed",
    "total_clips",
    "clips",
    "attempt_clips",
];
/// Fields that name the job, depend on time or hold the order of events itself.
const NEVER_THE_SAME: [&str; 7] = [
    "queued_at_ms",
    "id",
    "created_at",
    "started_at",
    "updated_at",
    "last_sequence",
    "last_event_ms",
];

/// A record without the fields that the contract leaves open.
pub(crate) fn essence(record: &Value) -> Value {
    let mut record = record.clone();
    let succeeded = record["status"] == "succeeded";
    let attributes = record.as_object_mut().expect("a record");
    let intermediate = INTERMEDIATE.iter().filter(|_| !succeeded);
    for name in NEVER_THE_SAME.iter().chain(intermediate) {
        attributes.remove(*name);
    }
    record
}

/// Every record of every job, before and after, in order.
pub(crate) fn changes(cloud: &Cloud) -> BTreeMap<String, Vec<(Value, Value)>> {
    let mut changes: BTreeMap<String, Vec<(Value, Value)>> = BTreeMap::new();
    for record in cloud.stream() {
        let image = |name: &str| match &record["dynamodb"][name] {
            Value::Null => Value::Null,
            image => plain(&json!({"M": image})),
        };
        let id = record["dynamodb"]["Keys"]["id"]["S"]
            .as_str()
            .expect("an id");
        let change = (image("OldImage"), image("NewImage"));
        changes.entry(id.to_owned()).or_default().push(change);
    }
    changes
}

/// Panics at the first violation.
pub(crate) fn check(cloud: &Cloud) {
    for (id, changes) in changes(cloud) {
        let mut charged = 0;
        for (old, new) in &changes {
            if old.is_null() || new.is_null() {
                continue;
            }
            check_step(&id, old, new);
            if old["credits_charged"] != new["credits_charged"] && !new["credits_charged"].is_null()
            {
                charged += 1;
                assert_eq!(charged, 1, "{id}: charged twice");
            }
        }
    }
}

fn check_step(id: &str, old: &Value, new: &Value) {
    let number = |record: &Value, name: &str| record[name].as_i64().unwrap_or(0);
    let (before, after) = (number(old, "attempt"), number(new, "attempt"));
    assert!(before <= after, "{id}: an older attempt came back");
    assert_eq!(old["owner"], new["owner"]);
    let clips = |record: &Value| record["clips"].as_object().map_or(0, serde_json::Map::len);
    assert!(
        clips(old) == 0 || clips(new) > 0,
        "{id}: the owner's clips are gone"
    );
    assert_eq!(
        clips(new) > 0,
        new["credits_charged"].as_u64() > Some(0),
        "{id}: credits are not those of what the owner has: {new}"
    );
    let ended = |record: &Value| ENDS.map(Value::from).contains(&record["status"]);
    assert_eq!(
        new["active_owner"].is_null(),
        ended(new),
        "{id}: counted wrongly: {new}"
    );
    if before != after {
        assert_eq!((after, &new["status"]), (before + 1, &json!("queued")));
        return;
    }
    assert!(!ended(old), "{id}: changed after its end: {old} {new}");
    for name in ["progress_percent", "last_sequence", "last_event_ms"] {
        assert!(
            number(old, name) <= number(new, name),
            "{id}: {name} went back"
        );
    }
    let stage = |record: &Value| match record["status"].as_str() {
        Some("queued") => 0,
        Some("running") => 1,
        _ => 2,
    };
    assert!(stage(old) <= stage(new), "{id}: back to queued");
}
