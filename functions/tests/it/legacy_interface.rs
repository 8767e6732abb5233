//! Everything that the old system's TypeScript interface accepts is accepted: random events from it, in every way of writing JSON.

use domain::{JobId, Status, limits::MAX_REPORTED_CLIPS};
use proptest::{option, prelude::*, sample::select, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    requests::{event, raw_event, send_event},
    samples,
};

/// A value as JSON text; none if the field is absent.
type Written = Option<String>;

/// A `number` in every notation, including the nonsense of a buggy sender.
fn number() -> BoxedStrategy<String> {
    prop_oneof![
        (0_u32..200_000).prop_map(|number| number.to_string()),
        (0_u32..200_000).prop_map(|number| format!("{number}.0")),
        (0_u32..200_000).prop_map(|number| format!("{number}e0")),
        (0.0..1.0_f64).prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        (-1e300..1e300_f64).prop_map(|number| json!(number).to_string()),
        select(vec![
            "-0", "-0.0", "4.5E4", "45e+3", "1e-300", "-1.5", "100.5", "1e400", "-1E+999", "1e-400"
        ])
        .prop_map(str::to_owned),
        (300_usize..500).prop_map(|digits| "9".repeat(digits)),
    ]
    .boxed()
}

/// A `string`, with unpaired surrogates as JavaScript has them.
fn text() -> BoxedStrategy<String> {
    let written = |text: String| json!(text).to_string();
    prop_oneof![
        ".{0,80}".prop_map(written),
        "[a-z/.]{60,70}".prop_map(written),
        any::<String>().prop_map(written),
        select(vec![
            r#""""#,
            r#""../job/1""#,
            r#""\ud800""#,
            r#""\udfff x""#,
            r#""\u0000""#,
            r#""\ud83d\ude00""#
        ])
        .prop_map(str::to_owned),
    ]
    .boxed()
}

/// An ISO 8601 time with and without a zone, or any `string`, which the interface allows.
fn time() -> BoxedStrategy<String> {
    let times = [
        "2024-11-28T10:30:00.000Z",
        "2024-11-28T10:30:00Z",
        "2024-11-28T10:30:00",
        "2024-11-28T10:30:00.123456",
        "2024-11-28 10:30:00",
        "2024-11-28T12:30:00+02:00",
        "2024-11-28T12:30:00+0200",
        "2024-11-28T10:30",
        "20241128T103000Z",
        "2024-11-28",
        "2024-11-28T24:00:00Z",
        "2024-11-28T10:30:60Z",
        "Thu, 28 Nov 2024 10:30:00 GMT",
    ];
    let times = select(times.to_vec()).prop_map(|time| format!("\"{time}\""));
    prop_oneof![times, text()].boxed()
}

/// A field that may be absent, or null as Python writes it.
fn optional(value: BoxedStrategy<String>) -> BoxedStrategy<Written> {
    prop_oneof![
        1 => Just(None),
        1 => Just(Some("null".to_owned())),
        3 => value.prop_map(Some),
    ]
    .boxed()
}

fn required(value: BoxedStrategy<String>) -> BoxedStrategy<Written> {
    value.prop_map(Some).boxed()
}

/// An object of these fields and an unknown one; some are preceded by a duplicate, which `JSON.parse` ignores.
fn object(fields: Vec<(&'static str, BoxedStrategy<Written>)>) -> BoxedStrategy<String> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let any = || prop_oneof![number(), text(), Just("[{}]".to_owned())];
    let before = prop::collection::vec((select(names.clone()), any()), 0..3);
    (values, option::of(any()), before)
        .prop_map(move |(values, more, before)| {
            let fields = names.iter().copied().zip(values);
            let mut known: Vec<(&str, String)> = fields
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
            let before = before.into_iter();
            let repeated: Vec<_> = before
                .filter(|(name, _)| known.iter().any(|(there, _)| there == name))
                .collect();
            known.splice(..0, repeated);
            known.extend(more.map(|more| ("of_a_later_version", more)));
            let fields: Vec<String> = known
                .iter()
                .map(|(name, value)| format!("\"{name}\": {value}"))
                .collect();
            format!("{{{}}}", fields.join(", "))
        })
        .boxed()
}

fn output() -> BoxedStrategy<String> {
    let clip = || {
        object(vec![
            ("clip_index", required(number())),
            ("s3_url", required(text())),
            ("duration_ms", required(number())),
            ("virality_score", required(number())),
            ("summary", optional(text())),
        ])
    };
    let clips = prop::collection::vec(clip(), 0..4);
    let clips = clips.prop_map(|clips| format!("[{}]", clips.join(", ")));
    object(vec![
        ("total_clips", required(number())),
        ("source_video_title", optional(text())),
        ("processing_time_seconds", optional(number())),
        ("clips", required(clips.boxed())),
        ("transcript_url", optional(text())),
        ("plan_url", optional(text())),
    ])
}

/// An event of the job `ID`, which is in one of two fields.
fn payload() -> impl Strategy<Value = String> {
    let one_of = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        select(names).boxed()
    };
    let kinds = ["job.started", "job.progress", "job.completed", "job.failed"];
    let id = || Just("\"ID\"".to_owned()).boxed();
    any::<bool>().prop_flat_map(move |is_second| {
        let (first, second) = if is_second {
            (optional(text()), id())
        } else {
            (required(id()), text())
        };
        object(vec![
            ("event", required(one_of(&kinds))),
            ("timestamp", required(time())),
            ("job_id", required(second)),
            ("external_job_id", first),
            ("owner_user_id", optional(text())),
            (
                "status",
                required(one_of(&["queued", "running", "succeeded", "failed"])),
            ),
            ("progress_percent", required(number())),
            ("current_step", required(text())),
            ("clips_completed", optional(number())),
            ("total_clips", optional(number())),
            ("error", optional(text())),
            ("output", optional(output())),
        ])
    })
}

/// The status of a running job after an event of this kind.
fn end_of(body: &str) -> Status {
    match body {
        _ if body.contains("\"job.completed\"") => Status::Succeeded,
        _ if body.contains("\"job.failed\"") => Status::Failed,
        _ => Status::Running,
    }
}

#[test]
fn everything_that_the_old_interface_accepts_is_accepted() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (cloud, ingest) = runtime.block_on(async {
        let cloud = Cloud::start().await;
        let ingest = cloud.ingest_webhook().await;
        (cloud, ingest)
    });
    let number = std::cell::Cell::new(0);
    let config = ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&payload(), |body| {
        number.set(number.get() + 1);
        runtime.block_on(async {
            let id = cloud.running(&format!("job-{}", number.get())).await;
            let body = body.replace("\"ID\"", &format!("\"{id}\""));
            let told = send_event!(ingest, raw_event(body.clone()).signed());
            prop_assert_eq!(told.status, 200, "{:?} {}", told, body);
            prop_assert_eq!(cloud.job(&id).await.status, end_of(&body), "{}", body);
            Ok(())
        })
    });
    outcome.expect("no counterexample");
}

#[tokio::test]
async fn events_that_were_once_rejected_are_accepted() {
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    let changes: [(&str, Value); 16] = [
        ("/output/clips/0/duration_ms", json!(45000.0)),
        ("/output/total_clips", json!(2.0)),
        ("/job_id", json!("genesis/abc")),
        ("/job_id", json!("x".repeat(65))),
        ("/timestamp", json!("2024-11-28T10:30:00.123456")),
        ("/progress_percent", json!(100.4)),
        ("/output/clips/0/virality_score", json!(92)),
        ("/output/processing_time_seconds", json!(6e299)),
        ("/output/processing_time_seconds", json!(1e-300)),
        ("/output", Value::Null),
        ("/timestamp", json!("2024-11-28T24:00:00Z")),
        ("/timestamp", json!("yesterday")),
        ("/stage", json!("translate")),
        ("/error_code", json!("no_such_code")),
        ("/output/clips/0/s3_url", json!("x".repeat(9000))),
        ("/output/clips/0/score_breakdown", json!({"hook": 92})),
    ];
    for (number, (field, value)) in changes.into_iter().enumerate() {
        let id = cloud.running(&format!("job-{number}")).await;
        let mut body = samples::events(&id, 1, "job.completed")[4].clone();
        body["output"]["processing_time_seconds"] = json!(482.5);
        let (object, name) = field.rsplit_once('/').expect("a path");
        body.pointer_mut(object).expect("an object")[name] = value;
        let told = send_event!(ingest, event(&body).signed());
        assert_eq!(
            (told.status, &told.body["job_status"]),
            (200, &json!("succeeded")),
            "{field} {told:?}"
        );
    }
}

#[tokio::test]
async fn an_output_of_too_many_clips_is_taken_with_as_many_as_a_job_may_have() {
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    let id = cloud.running("job-1").await;
    let mut body = samples::events(&id, 1, "job.completed")[4].clone();
    let clip = |index: u32| json!({"clip_index": index, "s3_url": "https://b.test/x", "duration_ms": 9, "virality_score": 1});
    body["output"]["clips"] = (0..2000).map(clip).collect();
    body["owner_user_id"] = json!("u".repeat(9000));
    let told = send_event!(ingest, event(&body).signed());
    assert_eq!(
        (told.status, &told.body["job_status"]),
        (200, &json!("succeeded"))
    );
    assert_eq!(cloud.job(&id).await.clips.len(), MAX_REPORTED_CLIPS);
}

#[tokio::test]
async fn an_impossible_id_is_not_found() {
    let cloud = Cloud::start().await;
    let ingest = cloud.ingest_webhook().await;
    let there: JobId = cloud.running("job-1").await;
    let before = cloud.records();
    for strange in [
        "",
        "../job-1",
        "job-1/",
        "job-1\u{0}",
        &"x".repeat(65),
        "\u{1f600}",
    ] {
        let mut body = samples::events(&there, 1, "job.completed")[4].clone();
        body["job_id"] = json!(strange);
        body["external_job_id"] = json!(strange);
        let told = send_event!(ingest, event(&body).signed());
        assert_eq!((told.status, told.code()), (404, "not_found"), "{strange}");
    }
    assert_eq!(cloud.records(), before);
}
