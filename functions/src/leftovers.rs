//! What is still stored for a job that is gone: written after its deletion had looked, or by a worker that outlived it.

use aws::{Bucket, JobTable, StoreError};
use domain::{JobId, keys};

/// Takes away what is stored for a job that is gone, and gives how many objects there were; what a job stores that is there stays.
///
/// # Errors
/// When a store is not well.
pub(crate) async fn delete_leftovers(
    jobs: &JobTable,
    bucket: &Bucket,
    id: &JobId,
) -> Result<usize, StoreError> {
    let stored = bucket.list(&keys::of_job(id, "")).await?;
    // asked after the look: a new job of the same id, made by the same key, has stored none of these
    if stored.is_empty() || jobs.get(id).await?.is_some() {
        return Ok(0);
    }
    bucket.delete(&stored).await?;
    tracing::info!(
        objects = stored.len(),
        "what was left of a deleted job is deleted"
    );
    Ok(stored.len())
}
