//! Names of the files that a job stores: below `jobs/{job_id}/` in the bucket, or in the output folder of the command-line tool.

use crate::JobId;

/// The transcript, with the times of sentences and words.
pub const TRANSCRIPT: &str = "transcript.json";
/// The plan of the clips to render.
pub const PLAN: &str = "plan.json";
/// The outcome of an attempt.
pub const OUTCOME: &str = "outcome.json";

const CLIPS: &str = "clips/";
const REVISIONS: &str = "editions/";
/// Prefix of the source's file name.
pub const SOURCE_PREFIX: &str = "source.";

/// Returns the name of the source, with the extension of its container format.
pub fn source(extension: &str) -> String {
    format!("{SOURCE_PREFIX}{extension}")
}

/// Returns the name of a clip's file, such as `clips/clip_00.mp4`.
pub fn clip(clip_index: u32, extension: &str) -> String {
    format!("{CLIPS}clip_{clip_index:02}.{extension}")
}

/// Returns the object key of a job's file; with an empty name, the prefix of all of them.
pub fn in_job(job_id: &JobId, name: &str) -> String {
    format!("jobs/{job_id}/{name}")
}

/// Returns the name of a file in a revision, below the job's prefix. The outputs of an edited plan are stored apart from those that the
/// owner has until they replace them; revision 0, the first, is at the prefix itself.
pub fn in_revision(revision: u32, name: &str) -> String {
    if revision == 0 {
        name.to_owned()
    } else {
        format!("{REVISIONS}{revision}/{name}")
    }
}

/// Returns the revision that an object key belongs to; `None` for files outside of revisions: sources, outcomes and edited plans.
pub fn revision_of(job_id: &JobId, key: &str) -> Option<u32> {
    let name = key.strip_prefix(&in_job(job_id, ""))?;
    if let Some(rest) = name.strip_prefix(REVISIONS) {
        return rest.split_once('/')?.0.parse().ok();
    }
    let is_output = [TRANSCRIPT, PLAN].contains(&name) || name.starts_with(CLIPS);
    is_output.then_some(0)
}

/// Returns the name of an attempt's outcome, below the job's prefix.
pub fn attempt_outcome(attempt: u32) -> String {
    format!("attempts/{attempt}/{OUTCOME}")
}

/// Returns the name of an edited plan, below the job's prefix, by the hash in the job record.
pub fn edited_plan(name: &str) -> String {
    format!("plans/{name}.json")
}

/// Returns the object key of an upload.
pub fn upload(upload_id: &str, extension: &str) -> String {
    format!("uploads/{upload_id}/{}", source(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_have_a_revision_and_other_objects_have_none() {
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
