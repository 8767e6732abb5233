//! What is still stored for a job that is gone: written after its deletion had looked, or by a worker that outlived it.

use aws::{Bucket, DeliveryTable, JobTable, StoreError, UploadTable, UploadUse};
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
        "deleted the remaining objects of a deleted job"
    );
    Ok(stored.len())
}

/// Takes away what a job that is gone was owed, and gives how many objects of it there were; what is of a new job of its id stays.
///
/// # Errors
/// When a store is not well.
pub(crate) async fn delete_leftovers_and_deliveries(
    jobs: &JobTable,
    bucket: &Bucket,
    deliveries: &DeliveryTable,
    id: &JobId,
) -> Result<usize, StoreError> {
    let objects = delete_leftovers(jobs, bucket, id).await?;
    // what the stream tells of a job's end may have come after its deletion
    if jobs.get(id).await?.is_none() {
        deliveries.forget(id).await?;
    }
    Ok(objects)
}

/// Ends a job's use of the upload that it was made from, and takes the upload away if no other job uses it.
///
/// # Errors
/// When a store is not well.
pub(crate) async fn delete_upload(
    uploads: &UploadTable,
    bucket: &Bucket,
    of: Option<&UploadUse>,
) -> Result<(), StoreError> {
    let Some(of) = of else { return Ok(()) };
    if uploads.end_use(of).await? {
        bucket.delete(std::slice::from_ref(&of.key)).await?;
    }
    Ok(())
}
