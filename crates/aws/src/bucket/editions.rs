//! Editions of a job's outputs: those that the owner has, and those that an attempt works on beside them.

use domain::{Job, keys};

use super::Bucket;
use crate::StoreError;

impl Bucket {
    /// The edition of the clips that the owner has; none where there are none, or where they lie elsewhere.
    pub fn finished_edition(&self, job: &Job) -> Option<u32> {
        let clip = job.clips.values().next()?;
        keys::edition_of(&job.id, self.key_of(&clip.s3_url)?)
    }

    /// Takes the outputs away whose place those that the owner has have taken; what an attempt works on beside them is of a later
    /// edition and stays. Gives how many objects there were.
    ///
    /// # Errors
    /// When the bucket does not answer or refuses.
    pub async fn delete_older_editions(&self, job: &Job) -> Result<usize, StoreError> {
        // nothing is older than the first, and most jobs have no other
        let Some(finished) = self.finished_edition(job).filter(|&edition| edition > 0) else {
            return Ok(0);
        };
        let mut stored = self.list(&keys::of_job(&job.id, "")).await?;
        stored.retain(|key| keys::edition_of(&job.id, key).is_some_and(|of| of < finished));
        self.delete(&stored).await?;
        Ok(stored.len())
    }
}
