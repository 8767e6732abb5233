//! The tables and numbers of the tests and of the code are those of the template.

use domain::limits::{MAX_UPLOAD_BYTES, UPLOAD_LIFETIME_S, UPLOAD_RECORD_RETENTION_S};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    tables::{ADMISSIONS, DELIVERIES, JOBS, LISTENERS, RECEIVERS, SESSIONS, SHARES, UPLOADS},
};

const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The block of a resource without white space.
fn block(resource: &str) -> String {
    let lines = TEMPLATE.lines();
    let from = lines.skip_while(|line| *line != format!("  {resource}:"));
    let own = from
        .skip(1)
        .take_while(|line| line.starts_with("   ") || line.is_empty());
    own.flat_map(str::split_whitespace).collect()
}

fn keys(schema: &Value) -> String {
    let keys = schema.as_array().expect("keys").iter().map(|key| {
        let text = |name: &str| key[name].as_str().expect("a text").to_owned();
        let (name, kind) = (text("AttributeName"), text("KeyType"));
        format!("{{AttributeName:{name},KeyType:{kind}}}")
    });
    format!("KeySchema:[{}]", keys.collect::<Vec<_>>().join(","))
}

#[tokio::test]
async fn the_tables_of_the_tests_are_those_of_the_template() {
    let cloud = Cloud::start().await;
    for (table, resource) in [
        (JOBS, "JobsTable"),
        (ADMISSIONS, "AdmissionsTable"),
        (UPLOADS, "UploadsTable"),
        (SESSIONS, "SessionsTable"),
        (LISTENERS, "ListenersTable"),
        (DELIVERIES, "DeliveriesTable"),
        (RECEIVERS, "ReceiversTable"),
        (SHARES, "SharesTable"),
    ] {
        let block = block(resource);
        let described = cloud.described(table);
        let name = table.trim_end_matches("test");
        assert!(
            block.contains(&format!("TableName:!Sub{name}${{Environment}}")),
            "{block}"
        );
        assert!(block.contains(&keys(&described["KeySchema"])), "{block}");
        let none = json!([]);
        let indexes = described.get("GlobalSecondaryIndexes").unwrap_or(&none);
        let indexes = indexes.as_array().expect("indexes");
        assert_eq!(block.matches("IndexName:").count(), indexes.len());
        for index in indexes {
            let name = index["IndexName"].as_str().expect("a name");
            let projection = index["Projection"]["ProjectionType"]
                .as_str()
                .expect("a type");
            let keys = keys(&index["KeySchema"]);
            let wanted =
                format!("IndexName:{name}{keys}Projection:{{ProjectionType:{projection}}}");
            assert!(block.contains(&wanted), "{wanted} in {block}");
        }
        let view = &described["StreamSpecification"]["StreamViewType"];
        let stream = view.as_str().map(|view| format!("StreamViewType:{view}"));
        assert_eq!(
            block.contains("StreamViewType:"),
            stream.is_some_and(|stream| block.contains(&stream))
        );
    }
}

/// The number that follows a text of the template.
fn number_after(text: &str) -> i64 {
    let (_, rest) = TEMPLATE.split_once(text).expect("it is there");
    let digits = rest
        .trim_start()
        .split(|letter: char| !letter.is_ascii_digit());
    digits
        .into_iter()
        .next()
        .expect("digits")
        .parse()
        .expect("a number")
}

#[test]
fn the_default_size_of_an_upload_is_that_of_the_template() {
    let default = number_after("  MaxUploadBytes:\n    Type: Number\n    Default:");
    assert_eq!(default as u64, MAX_UPLOAD_BYTES);
    // what the worker copies in one call
    const { assert!(MAX_UPLOAD_BYTES <= 5 << 30) };
    assert_eq!(
        number_after("Default: 5000000000\n    MinValue: 1\n    MaxValue:"),
        5 << 30
    );
}

#[test]
fn the_record_of_an_upload_outlives_its_object() {
    const DAY_S: i64 = 24 * 3600;
    let incomplete = number_after("AbortIncompleteMultipartUpload: {DaysAfterInitiation:");
    assert_eq!(UPLOAD_LIFETIME_S, incomplete * DAY_S);
    let complete = number_after("Prefix: uploads/, ExpirationInDays:");
    // a lifecycle counts from the next midnight, and takes its time
    assert!(UPLOAD_RECORD_RETENTION_S > (incomplete + complete + 2) * DAY_S);
}
