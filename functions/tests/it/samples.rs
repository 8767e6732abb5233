//! Sample jobs, events and outcomes.

use domain::{ClipOptions, Job, JobId, JobSource, Labels, Owner, Submission};
use serde_json::{Value, json};

/// The 24-byte secret of the Standard Webhooks test vector.
pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// When the events of a sample start, in milliseconds since 1970.
const START_MS: i64 = 1_700_000_000_000;

/// A user's submission.
pub(crate) fn submission() -> Value {
    json!({"videoUrl": "https://videos.test/talk.mp4", "requestedClipCount": 2})
}

/// A newly submitted job of the user `ann`.
pub(crate) fn job(id: &str) -> Job {
    let submission = Submission {
        owner: Owner::user("ann"),
        source: JobSource {
            youtube_url: None,
            video_url: Some("https://videos.test/talk.mp4".to_owned()),
            upload_id: None,
            upload_key: None,
            title: None,
            duration_ms: None,
        },
        options: ClipOptions::default(),
        body_sha256: None,
        callback_url: None,
        labels: Labels::default(),
    };
    Job::new(id.parse().expect("an id"), submission, functions::now())
}

pub(crate) fn at(second: i64) -> String {
    domain::Timestamp::from_ms(START_MS + second * 1000).to_string()
}

/// An event of an attempt at its position in the sequence.
pub(crate) fn event(id: &JobId, kind: &str, attempt: u32, sequence: u32, percent: u32) -> Value {
    json!({"event": kind, "timestamp": at(i64::from(sequence)), "job_id": id, "external_job_id": id, "status": "running",
        "progress_percent": percent, "current_step": format!("step {sequence}"), "attempt": attempt, "sequence": sequence})
}

/// Two clips of a source that lasted just over two minutes: three credits.
pub(crate) fn output(address: impl Fn(&str) -> String) -> Value {
    let clip = |index: u32, score: f64| {
        json!({"clip_index": index, "s3_url": address(&format!("clips/clip_{index:02}.mp4")), "duration_ms": 30_000 - index, "virality_score": score,
            "captions_url": address(&format!("clips/clip_{index:02}.vtt")), "title": format!("Clip {index}")})
    };
    json!({"total_clips": 2, "source_video_title": "Talk", "considered_ms": 120_001, "processing_time_seconds": 482.5, "source_duration_ms": 120_001,
        "clips": [clip(0, 0.92), clip(1, 0.5)], "transcript_url": address("transcript.json"), "plan_url": address("plan.json"),
        "timings": {"transcribe_ms": 1200}})
}

/// The output at addresses outside of our bucket.
pub(crate) fn plain_output() -> Value {
    output(|name| format!("https://bucket.test/{name}"))
}

/// All events of a short attempt in order; the last is terminal, of the given kind.
pub(crate) fn events(id: &JobId, attempt: u32, last: &str) -> Vec<Value> {
    let of = |kind, sequence, percent| event(id, kind, attempt, sequence, percent);
    let mut with_clip = of("job.progress", 3, 60);
    with_clip["clip"] = plain_output()["clips"][0].clone();
    with_clip["clips_completed"] = 1.into();
    with_clip["total_clips"] = 2.into();
    with_clip["stage"] = "render".into();
    let mut end = of(last, 5, if last == "job.completed" { 100 } else { 60 });
    if last == "job.completed" {
        end["status"] = "succeeded".into();
        end["output"] = plain_output();
    } else {
        end["status"] = "failed".into();
        end["error"] = "the video is not there".into();
        end["error_code"] = "source_unavailable".into();
    }
    vec![
        of("job.started", 1, 1),
        of("job.progress", 2, 30),
        with_clip,
        of("job.progress", 4, 80),
        end,
    ]
}

/// The outcome that corresponds to a terminal event.
pub(crate) fn outcome(last: &Value) -> Value {
    let at = &last["timestamp"];
    match last.get("output") {
        Some(output) => {
            json!({"status": "succeeded", "output": output, "stages": [], "tools": {}, "finished_at": at})
        }
        None => {
            json!({"status": "failed", "error": last["error"], "error_code": last["error_code"], "stage": "download",
            "retryable": false, "finished_at": at})
        }
    }
}

/// A retryable outcome.
pub(crate) fn retryable() -> Value {
    json!({"status": "failed", "error": "the disk is full", "error_code": "disk_full", "stage": "render", "retryable": true, "finished_at": at(9)})
}

/// An edited plan.
pub(crate) fn plan() -> Value {
    let clip = json!({"clip_index": 0, "rank": 1, "start_ms": 1000, "end_ms": 31_000, "title": "t", "summary": "s", "reason": "r",
        "virality_score": 0.5, "score_breakdown": {"hook": 0.5, "flow": 0.5, "value": 0.5, "emotion": 0.5}});
    json!({"version": 1, "clips": [clip]})
}
