//! Objects and records that are left of a deleted job: stored after its deletion, or by a worker that outlived it.

use aws::{Bucket, DeliveryTable, JobTable, StoreError, UploadTable, UploadUse};
use domain::{JobId, keys};

/// Deletes the objects of a job that no longer exists and returns their number; those of an existing job stay.
///
/// # Errors
/// When the store is unavailable.
pub(crate) async fn delete_leftovers(
    jobs: &JobTable,
    bucket: &Bucket,
    id: &JobId,
) -> Result<usize, StoreError> {
    let stored = bucket.list(&keys::in_job(id, "")).await?;
    // checked after the listing: a new job with the same id, made with the same key, has stored none of these objects
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

/// Deletes the objects and deliveries of a job that no longer exists and returns the number of objects; those of an existing job stay.
///
/// # Errors
/// When the store is unavailable.
pub(crate) async fn delete_leftovers_and_deliveries(
    jobs: &JobTable,
    bucket: &Bucket,
    deliveries: &DeliveryTable,
    id: &JobId,
) -> Result<usize, StoreError> {
    let objects = delete_leftovers(jobs, bucket, id).await?;
    // the stream may have reported the end of the job after its deletion
    if jobs.get(id).await?.is_none() {
        deliveries.delete_all(id).await?;
    }
    Ok(objects)
}

/// Ends a job's use of its upload and deletes the upload if no other job uses it.
///
/// # Errors
/// When the store is unavailable.
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
