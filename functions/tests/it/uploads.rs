//! Multipart uploads: ownership, sizes, and submissions that name them.

use domain::{
    Owner,
    limits::{
        MAX_FILE_NAME_BYTES, MAX_LINKED_PARTS, MAX_PARTS, MAX_UPLOAD_TITLE_CHARS,
        UPLOAD_LIFETIME_S, UPLOAD_PART_BYTES,
    },
};
use functions::submit_job::SubmitJob;
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    requests::{Call, call},
};

const JOBS: &str = "/ai-clipping-agent/jobs";
const UPLOADS: &str = "/api/ai-clipping-agent/uploads";

#[tokio::test]
async fn a_file_name_stands_at_its_limit() {
    let cloud = Cloud::start().await;
    let submit = cloud.submit_job();
    for (bytes, status) in [(MAX_FILE_NAME_BYTES, 201), (MAX_FILE_NAME_BYTES + 1, 422)] {
        let name = format!("{}.mp4", "n".repeat(bytes - 4));
        let body = json!({"fileName": name, "sizeBytes": 5});
        let told = call!(submit, Call::new("POST", UPLOADS).json(&body).user("ann"));
        assert_eq!(told.status, status, "{told:?}");
    }
}

#[tokio::test]
async fn an_upload_in_parts_belongs_to_its_owner_and_becomes_a_source() {
    let cloud = Cloud::start().await;
    let submit = cloud.submit_job();
    let post = |path: &str, body: Value| Call::new("POST", path).json(&body);
    let size = (16 << 20) + 5;
    let begun = call!(
        submit,
        post(
            UPLOADS,
            json!({"fileName": "My talk.MP4", "sizeBytes": size})
        )
        .user("ann")
    );
    assert_eq!((begun.status, &begun.body["partCount"]), (201, &json!(2)));
    let id = begun.body["uploadId"].as_str().expect("an id");
    let source = json!({"uploadId": id});
    let early = call!(submit, post(JOBS, source.clone()).user("ann"));
    assert_eq!((early.status, early.field()), (422, "uploadId"));

    let parts = format!("{UPLOADS}/{id}/parts");
    let links = call!(
        submit,
        post(&parts, json!({"partNumbers": [1, 2]})).user("ann")
    );
    let client = reqwest::Client::new();
    let mut sent = Vec::new();
    for (link, bytes) in links.body["parts"]
        .as_array()
        .expect("links")
        .iter()
        .zip([16 << 20, 5])
    {
        let url = link["url"].as_str().expect("a link");
        let put = client
            .put(url)
            .body(vec![7; bytes])
            .send()
            .await
            .expect("an answer");
        let etag = put.headers()["etag"].to_str().expect("text");
        sent.push(json!({"partNumber": link["partNumber"], "etag": etag}));
    }
    let complete = format!("{UPLOADS}/{id}/complete");
    for path in [&parts, &complete] {
        let stranger = call!(
            submit,
            post(path, json!({"partNumbers": [1], "parts": []})).user("bob")
        );
        assert_eq!(stranger.status, 404);
    }
    // the response may be lost: the same request is repeated
    for _ in 0..2 {
        let done = call!(submit, post(&complete, json!({"parts": sent})).user("ann"));
        assert_eq!(
            (done.status, &done.body["complete"]),
            (200, &json!(true)),
            "{done:?}"
        );
    }
    let stranger = call!(submit, post(JOBS, source.clone()).user("bob"));
    assert_eq!((stranger.status, stranger.field()), (422, "uploadId"));
    let job = call!(submit, post(JOBS, source).user("ann"));
    assert_eq!(
        (job.status, &job.body["source"]["title"]),
        (202, &json!("My talk"))
    );
    let key = cloud.job(&job.id()).await.source.upload_key.expect("a key");
    assert_eq!(
        cloud
            .bucket
            .read(&key)
            .await
            .expect("an answer")
            .map(|all| all.len()),
        Some(size)
    );
}

/// Creates an upload of ann's and sends a first part of this size; returns its id and the result for the part.
async fn part_sent(submit: &SubmitJob, announced: usize, sent: usize) -> (String, u16, Value) {
    let post = |path: &str, body: Value| Call::new("POST", path).json(&body).user("ann");
    let begun = call!(
        submit,
        post(
            UPLOADS,
            json!({"fileName": "a.mp4", "sizeBytes": announced})
        )
    );
    let id = begun.body["uploadId"].as_str().expect("an id").to_owned();
    let parts = format!("{UPLOADS}/{id}/parts");
    let links = call!(submit, post(&parts, json!({"partNumbers": [1]})));
    let url = links.body["parts"][0]["url"].as_str().expect("a link");
    let put = reqwest::Client::new().put(url).body(vec![7; sent]).send();
    let put = put.await.expect("an answer");
    let etag = put
        .headers()
        .get("etag")
        .map(|etag| etag.to_str().expect("text").to_owned());
    (
        id,
        put.status().as_u16(),
        json!({"partNumber": 1, "etag": etag}),
    )
}

/// A complete upload of ann's, by its id.
pub(crate) async fn uploaded(submit: &SubmitJob) -> String {
    let (id, _, part) = part_sent(submit, 5, 5).await;
    let complete = Call::new("POST", format!("{UPLOADS}/{id}/complete")).user("ann");
    let done = call!(submit, complete.json(&json!({"parts": [part]})));
    assert_eq!(done.status, 200, "{done:?}");
    id
}

#[tokio::test]
async fn an_upload_can_be_used_for_two_days() {
    let cloud = Cloud::start().await;
    let id = uploaded(&cloud.submit_job()).await;
    let begun = functions::now().as_seconds();
    for (seconds, is_there) in [
        (UPLOAD_LIFETIME_S - 60, true),
        (UPLOAD_LIFETIME_S + 60, false),
    ] {
        let ann = Owner::user("ann");
        let found = cloud.uploads().get(&id, &ann, begun + seconds).await;
        assert_eq!(found.expect("an answer").is_some(), is_there, "{seconds} s");
    }
}

#[tokio::test]
async fn a_part_has_the_length_that_was_announced() {
    let cloud = Cloud::start().await;
    let submit = cloud.submit_job();
    for other in [4, 6, 500] {
        let (_, status, _) = part_sent(&submit, 5, other).await;
        assert!((400..500).contains(&status), "{other}: {status}");
    }
}

#[tokio::test]
async fn parts_stand_at_their_limits() {
    let cloud = Cloud::start().await;
    let mut submit = cloud.submit_job();
    let most = MAX_PARTS as u64 * UPLOAD_PART_BYTES;
    submit.max_upload_bytes = most + 1;
    let post = |path: &str, body: Value| Call::new("POST", path).json(&body).user("ann");
    let announce = |bytes: u64| post(UPLOADS, json!({"fileName": "a.mp4", "sizeBytes": bytes}));
    let over = call!(submit, announce(most + 1));
    assert_eq!((over.status, over.field()), (422, "sizeBytes"));
    for (bytes, parts) in [(UPLOAD_PART_BYTES, 1), (UPLOAD_PART_BYTES + 1, 2)] {
        let begun = call!(submit, announce(bytes));
        assert_eq!(begun.body["partCount"], json!(parts), "{bytes}");
        assert_eq!(begun.body["partSizeBytes"], json!(UPLOAD_PART_BYTES));
    }
    let begun = call!(submit, announce(most));
    assert_eq!(
        (begun.status, &begun.body["partCount"]),
        (201, &json!(MAX_PARTS))
    );
    let id = begun.body["uploadId"].as_str().expect("an id").to_owned();
    let link = |count: usize| {
        let last = MAX_PARTS + 1 - count..=MAX_PARTS;
        post(
            &format!("{UPLOADS}/{id}/parts"),
            json!({"partNumbers": last.collect::<Vec<_>>()}),
        )
    };
    assert_eq!(call!(submit, link(MAX_LINKED_PARTS)).status, 200);
    let over = call!(submit, link(MAX_LINKED_PARTS + 1));
    assert_eq!((over.status, over.field()), (422, "partNumbers"));
    let parts: Vec<Value> = (1..=MAX_PARTS + 1)
        .map(|number| json!({"partNumber": number, "etag": "x"}))
        .collect();
    let complete =
        |parts: &[Value]| post(&format!("{UPLOADS}/{id}/complete"), json!({"parts": parts}));
    let over = call!(submit, complete(&parts));
    assert_eq!((over.status, over.field()), (422, "parts"));
    // the request for this many links is signed by the bucket's client
    cloud.front.calls();
    let _ = call!(submit, complete(&parts[..MAX_PARTS]));
    let calls = cloud.front.calls();
    assert!(calls.iter().any(|call| call == "S3.POST"), "{calls:?}");
}

#[tokio::test]
async fn a_repeated_submission_returns_its_job_even_if_the_upload_is_gone() {
    let cloud = Cloud::start().await;
    let submit = cloud.submit_job();
    let id = uploaded(&submit).await;
    let again = || {
        let call = Call::new("POST", JOBS).header("idempotency-key", "once");
        call.json(&json!({"uploadId": id})).user("ann")
    };
    let first = call!(submit, again());
    cloud.forget_upload(&id);
    let second = call!(submit, again());
    assert_eq!((first.status, second.status), (202, 202));
    assert_eq!(first.id(), second.id());
}

#[tokio::test]
async fn the_title_of_an_upload_is_cut() {
    let cloud = Cloud::start().await;
    let submit = cloud.submit_job();
    for (letters, kept) in [
        (MAX_UPLOAD_TITLE_CHARS, MAX_UPLOAD_TITLE_CHARS),
        (MAX_UPLOAD_TITLE_CHARS + 1, MAX_UPLOAD_TITLE_CHARS),
    ] {
        let file = json!({"fileName": format!("{}.mp4", "é".repeat(letters)), "sizeBytes": 5});
        let begun = call!(submit, Call::new("POST", UPLOADS).user("ann").json(&file));
        let id = begun.body["uploadId"].as_str().expect("an id").to_owned();
        let title = cloud.records()[&id]["title"].as_str().map(str::to_owned);
        assert_eq!(title.expect("a title").chars().count(), kept, "{letters}");
    }
}
