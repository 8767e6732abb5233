//! Names of everything a job stores: below `jobs/{job_id}/` in the bucket, or in the folder of the command-line tool.

use crate::JobId;

/// Sentences and words with times.
pub const TRANSCRIPT: &str = "transcript.json";
/// The clips to make.
pub const PLAN: &str = "plan.json";
/// How it ended.
pub const OUTCOME: &str = "outcome.json";

const CLIPS: &str = "clips/";
const REVISIONS: &str = "editions/";
/// What the names of all sources begin with.
pub const SOURCE_PREFIX: &str = "source.";

/// The source, with the extension of its container.
pub fn source(extension: &str) -> String {
    format!("{SOURCE_PREFIX}{extension}")
}

/// A file of a clip, e.g. `clips/clip_00.mp4`.
pub fn clip(clip_index: u32, extension: &str) -> String {
    format!("{CLIPS}clip_{clip_index:02}.{extension}")
}

/// Everything that a job stores, in the bucket.
pub fn in_job(job_id: &JobId, name: &str) -> String {
    format!("jobs/{job_id}/{name}")
}

/// A file of an revision, below the job's prefix. Outputs of an edited plan lie apart from those that the owner has until they take their
/// place; revision 0 is the first, at the prefix itself.
pub fn in_revision(revision: u32, name: &str) -> String {
    if revision == 0 {
        name.to_owned()
    } else {
        format!("{REVISIONS}{revision}/{name}")
    }
}

/// The revision that an output of a job belongs to, by its key; none for what is no output of an revision: sources, outcomes, edited plans.
pub fn revision_of(job_id: &JobId, key: &str) -> Option<u32> {
    let name = key.strip_prefix(&in_job(job_id, ""))?;
    if let Some(rest) = name.strip_prefix(REVISIONS) {
        return rest.split_once('/')?.0.parse().ok();
    }
    let is_output = [TRANSCRIPT, PLAN].contains(&name) || name.starts_with(CLIPS);
    is_output.then_some(0)
}

/// How an attempt ended, below the job's prefix.
pub fn attempt_outcome(attempt: u32) -> String {
    format!("attempts/{attempt}/{OUTCOME}")
}

/// A plan that a person edited, below the job's prefix, by the name that the record has for it.
pub fn edited_plan(name: &str) -> String {
    format!("plans/{name}.json")
}

/// A source that a user uploads, in the bucket.
pub fn upload(upload_id: &str, extension: &str) -> String {
    format!("uploads/{upload_id}/{}", source(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_known_by_its_edition_and_other_objects_have_none() {
        let id: JobId = "job-1".parse().unwrap();
        for revision in [0, 2, 17] {
            for name in [&*clip(3, "mp4"), PLAN, TRANSCRIPT] {
                let key = in_job(&id, &in_revision(revision, name));
                assert_eq!(revision_of(&id, &key), Some(revision), "{key}");
            }
        }
        let others = [source("mp4"), attempt_outcome(2), edited_plan("abc")];
        for name in others.iter().map(String::as_str).chain(["editions/x/y"]) {
            assert_eq!(revision_of(&id, &in_job(&id, name)), None, "{name}");
        }
        assert_eq!(revision_of(&id, "jobs/job-2/plan.json"), None);
    }
}
