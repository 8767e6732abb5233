//! Fixtures shared by the unit tests.

use crate::{ClipOptions, Job, JobId, JobSource, Labels, Owner, Submission, Timestamp};

/// Returns a job of the user `ann` that has just been submitted.
pub(crate) fn queued() -> Job {
    let submission = Submission {
        owner: Owner::user("ann"),
        source: JobSource {
            youtube_url: Some("https://youtu.be/x".into()),
            video_url: None,
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
    Job::new(
        "job-1".parse::<JobId>().unwrap(),
        submission,
        Timestamp::from_ms(1_700_000_000_000),
    )
}
