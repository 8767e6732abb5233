//! Entry points of `fuzz/`: parsers of requests and records, with the properties that must hold for any input.

use aws::job_from_image;
use domain::{Job, JobId, Owner, Submission, limits::MAX_URL_BYTES};
use egress::Guard;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    api::{
        jobs::JobView,
        submissions::{ServiceSubmission, UserSubmission},
    },
    deliver_callback::Messages,
    http::{Problem, now, parse},
    ingest_webhook::parse_event,
    manage_jobs::position,
    settle_job::attempt_of,
    start_job::queued,
    stream::Batch,
};

/// A submission of a user and of a back end: an accepted one has exactly one source with a public address and becomes a job that can be
/// serialized; any other is rejected as invalid.
///
/// # Panics
/// When the property does not hold.
pub fn submission(data: &[u8]) {
    let sources = Guard::new(false);
    let user = parse::<UserSubmission>(data)
        .and_then(|asked| asked.check(Owner::user("ann"), None, &sources));
    let service = parse::<ServiceSubmission>(data)
        .and_then(|asked| asked.check(Owner::tenant("acme"), None, &sources));
    for asked in [user, service] {
        match asked {
            Ok(submission) => is_a_job(submission, &sources),
            Err(Problem::Invalid { .. }) => (),
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn is_a_job(submission: Submission, sources: &Guard) {
    let source = &submission.source;
    let url = source.youtube_url.as_ref().or(source.video_url.as_ref());
    assert_ne!(url.is_some(), source.upload_id.is_some());
    if let Some(url) = url {
        assert!(url.len() <= MAX_URL_BYTES && sources.parse(url).is_ok());
    }
    submission.options.check().expect("options were checked");
    let job = Job::new(JobId::new(Uuid::nil()), submission, now());
    serde_json::to_vec(&JobView::plain(job)).expect("a job can be shown");
}

/// An event of the worker: an accepted one survives a round trip.
///
/// # Panics
/// When the property does not hold.
pub fn event(data: &[u8]) {
    let Ok(event) = parse_event(data, now()) else {
        return;
    };
    let _ = event.check();
    let written = serde_json::to_vec(&event).expect("an event can be written");
    assert_eq!(parse_event(&written, now()).ok(), Some(event));
}

/// A cursor of a list: an accepted one holds a job id and a time and nothing else.
///
/// # Panics
/// When the property does not hold.
pub fn cursor(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok((id, at)) = position(text) {
        let written = hex::encode(format!("{id} {at}"));
        assert_eq!(written, text.to_ascii_lowercase());
        assert!(domain::is_valid_id(&id));
    }
}

/// Batches of the stream, messages of the queue and events of `EventBridge`: the name of an attempt survives a round trip.
///
/// # Panics
/// When the property does not hold.
pub fn records(data: &[u8]) {
    if let Ok(batch) = serde_json::from_slice::<Batch>(data) {
        for record in batch.records() {
            let image = &record["dynamodb"]["NewImage"];
            if let Some(of) = queued(image) {
                assert_eq!(domain::AttemptId::from_name(&of.to_string()), Some(of));
            }
            if let Some(job) = job_from_image(image) {
                serde_json::to_vec(&JobView::plain(job)).expect("a job can be shown");
            }
        }
    }
    if let Ok(messages) = serde_json::from_slice::<Messages>(data) {
        let _ = messages.readable().count();
    }
    if let Ok(event) = serde_json::from_slice::<Value>(data)
        && let Some(of) = attempt_of(&event)
    {
        assert_eq!(domain::AttemptId::from_name(&of.to_string()), Some(of));
    }
}

#[cfg(test)]
mod tests {
    use fuzzed::{assert_scales_linearly, replay};

    use super::*;

    #[test]
    fn corpora_are_taken_as_they_must_be() {
        replay("submission", submission);
        replay("event", event);
        replay("cursor", cursor);
        replay("records", records);
    }

    #[test]
    fn work_grows_with_the_input() {
        let url = r#"{"videoUrl":"https://x.test/"#;
        for piece in ["a", "%C3", "\\u00e9", "/../", "@"] {
            assert_scales_linearly(submission, url, piece, "\"}");
        }
        assert_scales_linearly(submission, r#"{"topics":["a""#, r#","b""#, "]}");
        assert_scales_linearly(submission, "", "[", "");
        for (head, piece, tail) in [
            (r#"{"event":"job.started","current_step":""#, "a", "\"}"),
            (
                r#"{"event":"job.started","current_step":""#,
                "\\ud800",
                "\"}",
            ),
            ("", "[", ""),
            (r#"{"a":["#, "[],", "1]}"),
            (r#"{"a":1"#, r#","a":1e999"#, "}"),
            (
                r#"{"output":{"total_clips":1,"clips":[{}"#,
                r#",{"s3_url":""}"#,
                "]}}",
            ),
            (r#"{"output":{"timings":{"":1"#, r#","b":1"#, "}}}"),
        ] {
            assert_scales_linearly(event, head, piece, tail);
        }
        assert_scales_linearly(cursor, "", "61", "");
        let record = r#"{"dynamodb":{"SequenceNumber":"1","Keys":{"id":{"S":"a"}},"NewImage":{"id":{"S":"a"},"status":{"S":"queued"},"attempt":{"N":"1"}}}}"#;
        let more = format!(",{record}");
        assert_scales_linearly(records, &format!(r#"{{"Records":[{record}"#), &more, "]}");
        let message = r#"{"messageId":"1","body":"{\"job_id\":\"a\",\"not_before\":1}"}"#;
        let more = format!(",{message}");
        assert_scales_linearly(records, &format!(r#"{{"Records":[{message}"#), &more, "]}");
        assert_scales_linearly(
            records,
            r#"{"job_id":"a","attempt":1,"error":""#,
            "a",
            "\"}",
        );
    }
}
