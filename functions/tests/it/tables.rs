//! The tables as the template defines them.

use dynoxide::Database;
use serde_json::json;

use crate::cloud::ask;

pub(crate) const JOBS: &str = "ai_clipping_agent_jobs-test";
pub(crate) const ADMISSIONS: &str = "ai_clipping_agent_admissions-test";
pub(crate) const UPLOADS: &str = "ai_clipping_agent_uploads-test";
pub(crate) const SESSIONS: &str = "ai_clipping_agent_sessions-test";
pub(crate) const LISTENERS: &str = "ai_clipping_agent_listeners-test";
pub(crate) const DELIVERIES: &str = "ai_clipping_agent_deliveries-test";
pub(crate) const RECEIVERS: &str = "ai_clipping_agent_receivers-test";
pub(crate) const SHARES: &str = "ai_clipping_agent_shares-test";

/// Creates all tables.
pub(crate) fn create(engine: &Database) {
    let text = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let index = |name: &str, hash: &str, range: &str, projection: &str| {
        json!({"IndexName": name, "KeySchema": [key(hash, "HASH"), key(range, "RANGE")],
            "Projection": {"ProjectionType": projection}})
    };
    let jobs = json!({
        "TableName": JOBS,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [text("id"), text("owner"), text("active_owner"), text("created_at"), text("sweep"), text("deleted_at")],
        "KeySchema": [key("id", "HASH")],
        "GlobalSecondaryIndexes": [
            index("owner-created", "owner", "created_at", "ALL"),
            index("owner-active", "active_owner", "created_at", "KEYS_ONLY"),
            index("deleted", "sweep", "deleted_at", "KEYS_ONLY"),
        ],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    let keyed = |name: &str, hash: &str| {
        json!({"TableName": name, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [text(hash)],
            "KeySchema": [key(hash, "HASH")]})
    };
    let sorted = |name: &str, hash: &str, range: &str| {
        json!({"TableName": name, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [text(hash), text(range)],
            "KeySchema": [key(hash, "HASH"), key(range, "RANGE")]})
    };
    let others = [
        keyed(ADMISSIONS, "owner"),
        keyed(UPLOADS, "id"),
        keyed(SESSIONS, "id"),
        sorted(LISTENERS, "owner", "connection_id"),
        sorted(DELIVERIES, "job_id", "id"),
        keyed(RECEIVERS, "owner"),
        keyed(SHARES, "id"),
    ];
    for table in [jobs].into_iter().chain(others) {
        engine.create_table(ask(table)).expect("a table");
    }
}
