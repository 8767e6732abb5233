//! Editions of a job's outputs: those that the owner has, and those that an attempt works on beside them.

use std::collections::BTreeSet;

use domain::{Job, Status, keys};

use super::Bucket;
use crate::StoreError;

impl Bucket {
    /// The revision of the clips that the owner has; none where there are none, or where they lie elsewhere.
    pub fn finished_revision(&self, job: &Job) -> Option<u32> {
        let clip = job.clips.values().next()?;
        keys::revision_of(&job.id, self.key_of(&clip.s3_url)?)
    }

    /// Takes the outputs away that are nobody's: those whose place others have taken, and those of an edit that came to nothing. Gives how
    /// many objects there were.
    ///
    /// # Errors
    /// When the bucket does not answer or refuses.
    pub async fn delete_unused_revisions(&self, job: &Job) -> Result<usize, StoreError> {
        // most jobs have no revision but the first
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

    /// The revisions of what the record leads to.
    fn linked_revisions(&self, job: &Job) -> BTreeSet<u32> {
        let clips = job.clips.values().map(|clip| &clip.s3_url);
        let linked = clips.chain(&job.transcript_url).chain(&job.plan_url);
        linked
            .filter_map(|address| keys::revision_of(&job.id, self.key_of(address)?))
            .collect()
    }
}

/// Whether no attempt works on an revision any more. A later wish begins one with a higher number than the record's, also while this is asked.
/// The first is kept until clips have taken its place: another attempt goes on with it.
fn is_over(job: &Job, finished: Option<u32>, revision: u32) -> bool {
    let came_to_nothing = matches!(job.status, Status::Failed | Status::Canceled);
    let is_older = finished.is_some_and(|finished| revision < finished);
    let is_left = revision < job.revision || (revision == job.revision && came_to_nothing);
    is_older || (revision > 0 && is_left)
}
