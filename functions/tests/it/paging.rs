//! Lists of entries of maximal length: each page fits a function's response, and the pages add up to the whole.

use domain::{
    Delivery, DeliveryAttempt, EventKind, Job, JobId,
    limits::{
        MAX_CLIPS, MAX_MESSAGE_BYTES, MAX_PAGE_BYTES, MAX_SERVER_MESSAGE_BYTES, MAX_TEXT_BYTES,
        MAX_TITLE_BYTES,
    },
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    requests::{Answer, Call, call, event, send_event},
    samples,
};

const JOBS: &str = "/api/ai-clipping-agent/jobs";
/// What Lambda takes for an answer, in which the body stands as a text once more.
const MAX_MODEL_ANSWER_BYTES: usize = 6_291_556;

/// Succeeded jobs of thirty clips whose texts are quotation marks, which grow most when they are escaped.
async fn long_jobs(cloud: &Cloud, number: usize) -> Vec<String> {
    let ingest = cloud.ingest_webhook().await;
    let made = stream::iter(0..number).map(|number| {
        let ingest = &ingest;
        async move {
            let id = cloud.running(&format!("job-{number:02}")).await;
            let mut end = samples::events(&id, 1, "job.completed")[4].clone();
            let mut clip = samples::plain_output()["clips"][0].clone();
            clip["title"] = "\"".repeat(MAX_TITLE_BYTES).into();
            clip["summary"] = "\"".repeat(MAX_TEXT_BYTES).into();
            clip["reason"] = "\"".repeat(MAX_TEXT_BYTES).into();
            let clips: Vec<Value> = (0..MAX_CLIPS)
                .map(|index| {
                    let mut clip = clip.clone();
                    clip["clip_index"] = index.into();
                    clip
                })
                .collect();
            end["output"]["clips"] = clips.into();
            let told = send_event!(ingest, event(&end).signed());
            assert_eq!(told.body["job_status"], "succeeded", "{told:?}");
            id.to_string()
        }
    });
    let mut ids: Vec<String> = made.buffer_unordered(4).collect().await;
    ids.sort();
    ids
}

/// All entries of a list, page by page; each page must fit.
async fn parts(path: &str, ask: impl AsyncFn(String) -> Answer) -> Vec<Value> {
    let (mut parts, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = ask(format!("{path}{cursor}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let text = answer.body.to_string();
        let wrapped = json!({"statusCode": 200, "body": text}).to_string();
        assert!(wrapped.len() < MAX_MODEL_ANSWER_BYTES, "{}", wrapped.len());
        let next = answer.body["nextCursor"].as_str().map(str::to_owned);
        parts.push(answer.body);
        let Some(next) = next else { return parts };
        let joint = if path.contains('?') { '&' } else { '?' };
        cursor = format!("{joint}cursor={next}");
    }
}

fn ids(parts: &[Value], name: &str) -> Vec<String> {
    let all = parts
        .iter()
        .flat_map(|part| part[name].as_array().expect("a list"));
    all.map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn pages_of_a_list_are_limited_in_bytes() {
    let cloud = Cloud::start().await;
    let all = long_jobs(&cloud, 30).await;
    let manage = cloud.manage_jobs();
    let asked = async |path: String| call!(manage, Call::new("GET", path).user("ann"));
    for list in ["?limit=100", "?limit=100&status=succeeded", "?limit=7"] {
        let parts = parts(&format!("{JOBS}{list}"), asked).await;
        let lengths: Vec<usize> = parts.iter().map(|part| part.to_string().len()).collect();
        assert!(
            lengths.iter().all(|bytes| *bytes < MAX_PAGE_BYTES + 100),
            "{lengths:?}"
        );
        let mut listed = ids(&parts, "jobs");
        assert!(parts.len() > 3 && listed.len() == 30, "{}", parts.len());
        listed.sort();
        assert_eq!(listed, all);
    }
}

#[tokio::test]
async fn pages_of_a_list_of_deliveries_are_limited_in_bytes() {
    let cloud = Cloud::start().await;
    let (manage, table) = (cloud.manage_jobs(), cloud.deliveries());
    let id = cloud.submitted("job-1").await;
    let job = Job {
        callback_url: Some("https://hooks.test/".to_owned()),
        ..cloud.job(&id).await
    };
    let mut all = Vec::new();
    for attempt in 1..=40 {
        let job = Job {
            attempt,
            ..job.clone()
        };
        let owed = Delivery::for_change(&job, EventKind::Failed, functions::now(), i64::MAX);
        let mut owed = owed.expect("an address");
        for _ in 0..50 {
            owed.add(DeliveryAttempt {
                at: functions::now(),
                status: None,
                error: Some("\"".repeat(2 * MAX_MESSAGE_BYTES)),
                duration_ms: 15_000,
            });
        }
        table.create(&owed).await.expect("written");
        all.push(owed.id);
    }
    let asked = async |path: String| call!(manage, Call::new("GET", path).user("ann"));
    let parts = parts(&format!("{JOBS}/{id}/deliveries"), asked).await;
    assert!(parts.len() > 1);
    assert_eq!(ids(&parts, "deliveries"), all);
    for strange in ["x", "job-2-000001-000", "%00"] {
        let told = asked(format!("{JOBS}/{id}/deliveries?cursor={strange}")).await;
        assert_eq!((told.status, told.field()), (422, "cursor"), "{strange}");
    }
}

#[tokio::test]
async fn a_snapshot_at_every_limit_fits_a_message() {
    let cloud = Cloud::start().await;
    let mut all = long_jobs(&cloud, 12).await;
    let id: JobId = cloud.running("job-99").await;
    all.push(id.to_string());
    let messages = crate::realtime::snapshot(&cloud).await;
    let lengths: Vec<usize> = messages.iter().map(|text| text.to_string().len()).collect();
    assert!(
        lengths
            .iter()
            .all(|bytes| *bytes <= MAX_SERVER_MESSAGE_BYTES + 100),
        "{lengths:?}"
    );
    let jobs = messages
        .iter()
        .flat_map(|message| message["jobs"].as_array().expect("jobs"));
    let mut shown: Vec<String> = jobs
        .map(|shown| shown["job"]["id"].as_str().expect("an id").to_owned())
        .collect();
    shown.sort();
    assert_eq!(shown, all);
}
