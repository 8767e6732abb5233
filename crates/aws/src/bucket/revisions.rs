//! Revisions of a job's outputs: the one that the owner has, and the one that an attempt is writing.

use std::collections::BTreeSet;

use domain::{Job, Status, keys};

use super::Bucket;
use crate::StoreError;

impl Bucket {
    /// Returns the revision of the owner's clips; `None` if there are none, or they are not in this bucket.
    pub fn finished_revision(&self, job: &Job) -> Option<u32> {
        let clip = job.clips.values().next()?;
        keys::revision_of(&job.id, self.key_of(&clip.s3_url)?)
    }

    /// Deletes the outputs of replaced revisions and of failed edits; returns the number of objects.
    ///
    /// # Errors
    /// When the bucket cannot be reached or rejects the call.
    pub async fn delete_unused_revisions(&self, job: &Job) -> Result<usize, StoreError> {
        // most jobs have only the first revision
        if job.revision == 0 {
            return Ok(0);
        }
        let finished = self.finished_revision(job);
        let linked = self.linked_revisions(job);
        let mut stored = self.list(&keys::in_job(&job.id, "")).await?;
        stored.retain(|key| {
            keys::revision_of(&job.id, key)
                .is_some_and(|of| !linked.contains(&of) && is_over(job, finished, of))
        });
        self.delete(&stored).await?;
        Ok(stored.len())
    }

    /// Returns the revisions that the record links to.
    fn linked_revisions(&self, job: &Job) -> BTreeSet<u32> {
        let clips = job.clips.values().map(|clip| &clip.s3_url);
        let linked = clips.chain(&job.transcript_url).chain(&job.plan_url);
        linked
            .filter_map(|address| keys::revision_of(&job.id, self.key_of(address)?))
            .collect()
    }
}

/// Returns whether no attempt uses a revision any more. A later attempt starts a revision above the record's, even while this runs. The first
/// revision is retained until finished clips replace it, since a retry resumes it.
fn is_over(job: &Job, finished: Option<u32>, revision: u32) -> bool {
    let has_failed = matches!(job.status, Status::Failed | Status::Canceled);
    let is_older = finished.is_some_and(|finished| revision < finished);
    let is_abandoned = revision < job.revision || (revision == job.revision && has_failed);
    is_older || (revision > 0 && is_abandoned)
}
