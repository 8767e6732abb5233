//! Deleted jobs that are due for a sweep of objects stored after the deletion, by a sparse index.

use domain::{Job, JobId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Item, JobTable};
use crate::{
    StoreError, UploadUse,
    conflicts::retry_on_conflict,
    error::{classify, is_applied},
    value::{number, text},
};

/// Value of the attribute `sweep` until the deleted job has been swept.
const DUE: &str = "due";

impl JobTable {
    /// Replaces a job's record by a tombstone; `false` if it is gone or at another attempt. The tombstone holds the last attempt until
    /// `until`, in seconds since 1970, since Step Functions reserves the names of executions for 90 days. [`JobTable::list_deleted`] returns
    /// it until it is swept.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn delete(&self, job: &Job, now: Timestamp, until: i64) -> Result<bool, StoreError> {
        let tombstone = Tombstone {
            id: job.id.clone(),
            attempt: job.attempt,
            expires_at: until,
            sweep: Some(DUE.to_owned()),
            deleted_at: Some(now.to_string()),
            upload: UploadUse::of(job),
        };
        let item = serde_dynamo::to_item(tombstone).map_err(StoreError::unreadable)?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("#owner = :owner AND attempt = :attempt")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(job.owner.as_str()))
            .expression_attribute_values(":attempt", number(job.attempt.into()));
        is_applied(retry_on_conflict(|| put.clone().send()).await)
    }

    /// Lists at most `max` jobs that were deleted before a time and not yet swept, oldest first.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn list_deleted(
        &self,
        before: Timestamp,
        max: i32,
    ) -> Result<Vec<JobId>, StoreError> {
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("deleted")
            .key_condition_expression("sweep = :due AND deleted_at < :before")
            .expression_attribute_values(":due", text(DUE))
            .expression_attribute_values(":before", text(&before.to_string()))
            .limit(max)
            .send()
            .await
            .map_err(classify)?;
        let ids = found.items.unwrap_or_default().into_iter().map(|item| {
            let id = item.get("id").and_then(|id| id.as_s().ok());
            let id = id.and_then(|id| id.parse().ok());
            id.ok_or_else(|| StoreError::unreadable("a deleted job without an id"))
        });
        ids.collect()
    }

    /// Returns the upload that a deleted job used, until it is swept; `None` if a new job has its id.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn upload_of_deleted_job(&self, id: &JobId) -> Result<Option<UploadUse>, StoreError> {
        let item = self.item(id).await?;
        Ok(item
            .as_ref()
            .and_then(tombstone)
            .and_then(|tombstone| tombstone.upload))
    }

    /// Marks a deleted job as swept; `false` if a new job has its id, or it already was.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn mark_swept(&self, id: &JobId) -> Result<bool, StoreError> {
        let noted = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(id.as_str()))
            .update_expression("REMOVE sweep, deleted_at, upload")
            .condition_expression("attribute_not_exists(#owner) AND attribute_exists(sweep)")
            .expression_attribute_names("#owner", "owner");
        is_applied(noted.send().await)
    }
}

/// The record that remains of a deleted job.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tombstone {
    pub(crate) id: JobId,
    pub(crate) attempt: u32,
    expires_at: i64,
    /// Present until objects that workers stored after the deletion have been swept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sweep: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<String>,
    /// The upload that it used, until it has been swept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upload: Option<UploadUse>,
}

/// Parses a tombstone; `None` for a job, which has an owner.
pub(crate) fn tombstone(item: &Item) -> Option<Tombstone> {
    if item.contains_key("owner") {
        return None;
    }
    serde_dynamo::from_item(item.clone()).ok()
}
