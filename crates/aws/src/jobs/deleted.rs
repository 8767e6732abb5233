//! Deleted jobs whose workers may have stored something since, found by an index that only they are in.

use domain::{JobId, Timestamp};

use super::{JobTable, tombstone};
use crate::{
    StoreError, UploadUse,
    error::{happened, sorted},
    value::text,
};

/// What the attribute `sweep` of a deleted job holds until it has been swept.
pub(super) const DUE: &str = "due";

impl JobTable {
    /// Jobs that were deleted before a time and have not been swept, those that wait longest first; `most` at most.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn deleted(&self, before: Timestamp, most: i32) -> Result<Vec<JobId>, StoreError> {
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("deleted")
            .key_condition_expression("sweep = :due AND deleted_at < :before")
            .expression_attribute_values(":due", text(DUE))
            .expression_attribute_values(":before", text(&before.to_string()))
            .limit(most)
            .send()
            .await
            .map_err(sorted)?;
        let ids = found.items.unwrap_or_default().into_iter().map(|item| {
            let id = item.get("id").and_then(|id| id.as_s().ok());
            let id = id.and_then(|id| id.parse().ok());
            id.ok_or_else(|| StoreError::unreadable("a deleted job without an id"))
        });
        ids.collect()
    }

    /// The upload that a deleted job was made from, until the job is swept; none where a new job has its id by now.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn upload_of_deleted(&self, id: &JobId) -> Result<Option<UploadUse>, StoreError> {
        let got = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("id", text(id.as_str()))
            .consistent_read(true);
        let item = got.send().await.map_err(sorted)?.item;
        Ok(item
            .as_ref()
            .and_then(tombstone)
            .and_then(|left| left.upload))
    }

    /// Notes that nothing of a deleted job is left; `false` where a new job has its id by now, or it was noted before.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn swept(&self, id: &JobId) -> Result<bool, StoreError> {
        let noted = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(id.as_str()))
            .update_expression("REMOVE sweep, deleted_at, upload")
            .condition_expression("attribute_not_exists(#owner) AND attribute_exists(sweep)")
            .expression_attribute_names("#owner", "owner");
        happened(noted.send().await)
    }
}
