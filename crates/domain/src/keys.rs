//! Names of everything a job stores: below `jobs/{job_id}/` in the bucket, or in the folder of the command-line tool.

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
