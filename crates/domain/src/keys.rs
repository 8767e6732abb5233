//! Names of everything a job stores: below `jobs/{job_id}/` in the bucket, or in the folder of the command-line tool.

use crate::JobId;

/// Sentences and words with times.
pub const TRANSCRIPT: &str = "transcript.json";
/// The clips to make.
pub const PLAN: &str = "plan.json";
/// How it ended.
pub const OUTCOME: &str = "outcome.json";

/// The source, with the extension of its container.
pub fn source(extension: &str) -> String {
    format!("source.{extension}")
}

/// A file of a clip, e.g. `clips/clip_00.mp4`.
pub fn clip(clip_index: u32, extension: &str) -> String {
    format!("clips/clip_{clip_index:02}.{extension}")
}

/// Everything that a job stores, in the bucket.
pub fn of_job(job_id: &JobId, name: &str) -> String {
    format!("jobs/{job_id}/{name}")
}

/// How an attempt ended, below the job's prefix.
pub fn outcome_of(attempt: u32) -> String {
    format!("attempts/{attempt}/{OUTCOME}")
}

/// A plan that a person edited, below the job's prefix, by the hash of its text.
pub fn edited_plan(hash: &str) -> String {
    format!("plans/{hash}.json")
}

/// A source that a user uploads, in the bucket.
pub fn upload(upload_id: &str, extension: &str) -> String {
    format!("uploads/{upload_id}/{}", source(extension))
}
