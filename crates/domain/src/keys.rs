//! Names of everything a job stores: below `jobs/{job_id}/` in the bucket, or in the folder of the command-line tool.

use crate::JobId;

/// Sentences and words with times.
pub const TRANSCRIPT: &str = "transcript.json";
/// The clips to make.
pub const PLAN: &str = "plan.json";
/// How it ended.
pub const OUTCOME: &str = "outcome.json";

const CLIPS: &str = "clips/";
const EDITIONS: &str = "editions/";
/// What the names of all sources begin with.
pub const SOURCE: &str = "source.";

/// The source, with the extension of its container.
pub fn source(extension: &str) -> String {
    format!("{SOURCE}{extension}")
}

/// A file of a clip, e.g. `clips/clip_00.mp4`.
pub fn clip(clip_index: u32, extension: &str) -> String {
    format!("{CLIPS}clip_{clip_index:02}.{extension}")
}

/// Everything that a job stores, in the bucket.
pub fn of_job(job_id: &JobId, name: &str) -> String {
    format!("jobs/{job_id}/{name}")
}

/// A file of an edition, below the job's prefix. Outputs of an edited plan lie apart from those that the owner has until they take their
/// place; edition 0 is the first, at the prefix itself.
pub fn of_edition(edition: u32, name: &str) -> String {
    if edition == 0 {
        name.to_owned()
    } else {
        format!("{EDITIONS}{edition}/{name}")
    }
}

/// The edition that an output of a job belongs to, by its key; none for what is no output of an edition: sources, outcomes, edited plans.
pub fn edition_of(job_id: &JobId, key: &str) -> Option<u32> {
    let name = key.strip_prefix(&of_job(job_id, ""))?;
    if let Some(rest) = name.strip_prefix(EDITIONS) {
        return rest.split_once('/')?.0.parse().ok();
    }
    let is_output = [TRANSCRIPT, PLAN].contains(&name) || name.starts_with(CLIPS);
    is_output.then_some(0)
}

/// How an attempt ended, below the job's prefix.
pub fn outcome_of(attempt: u32) -> String {
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
        for edition in [0, 2, 17] {
            for name in [&*clip(3, "mp4"), PLAN, TRANSCRIPT] {
                let key = of_job(&id, &of_edition(edition, name));
                assert_eq!(edition_of(&id, &key), Some(edition), "{key}");
            }
        }
        let others = [source("mp4"), outcome_of(2), edited_plan("abc")];
        for name in others.iter().map(String::as_str).chain(["editions/x/y"]) {
            assert_eq!(edition_of(&id, &of_job(&id, name)), None, "{name}");
        }
        assert_eq!(edition_of(&id, "jobs/job-2/plan.json"), None);
    }
}
