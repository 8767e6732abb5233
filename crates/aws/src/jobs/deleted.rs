//! Deleted jobs that are due for a sweep of objects stored after the deletion, by a sparse index.

use domain::{JobId, Timestamp};

use super::{JobTable, tombstone};
use crate::{
    StoreError, UploadUse,
    error::{classify, is_applied},
    value::text,
};

/// Value of the attribute `sweep` until the deleted job has been swept.
pub(super) const DUE: &str = "due";

impl JobTable {
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
        let got = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("id", text(id.as_str()))
            .consistent_read(true);
        let item = got.send().await.map_err(classify)?.item;
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
