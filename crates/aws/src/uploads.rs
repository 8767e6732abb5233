//! The table of uploads: the owner of each upload, and the jobs that use it.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Update},
};
use domain::{Job, Owner, limits::MAX_JOBS_PER_UPLOAD};
use serde::{Deserialize, Serialize};

use crate::{
    Connection, StoreError,
    conflicts::retry_on_conflict,
    error::{classify, is_applied},
    value::{number, text},
};

/// Attempts to write the end of a use against concurrent changes.
const MAX_ROUNDS: usize = 5;

/// An upload, in progress or complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Id of the upload, bound to the owner.
    pub id: String,
    /// Owner of the upload.
    pub owner: Owner,
    /// File name without its extension.
    pub title: String,
    /// Object key.
    pub key: String,
    /// S3's id of the multipart upload.
    pub multipart_id: String,
    /// Announced size in bytes.
    pub bytes: u64,
    /// Whether the multipart upload is complete.
    #[serde(default)]
    pub complete: bool,
    /// End of the time in which it can be used, in seconds since 1970; records of earlier versions lack it, and expire then.
    #[serde(default = "no_limit")]
    pub usable_until: i64,
    /// When the record expires, in seconds since 1970: after the object.
    pub expires_at: i64,
}

fn no_limit() -> i64 {
    i64::MAX
}

/// The use of an upload as the source of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadUse {
    upload_id: String,
    /// Object key of the upload.
    pub key: String,
    /// Id and creation time of the job: the id of a deleted job can be reused.
    job: String,
}

impl UploadUse {
    /// Returns the use by a job, if its source is an upload.
    pub fn of(job: &Job) -> Option<Self> {
        Some(Self {
            upload_id: job.source.upload_id.clone()?,
            key: job.source.upload_key.clone()?,
            job: format!("{}@{}", job.id, job.created_at),
        })
    }

    fn jobs(&self) -> AttributeValue {
        AttributeValue::Ss(vec![self.job.clone()])
    }
}

/// The table of uploads.
#[derive(Debug, Clone)]
pub struct UploadTable {
    client: Client,
    table: String,
}

impl UploadTable {
    /// Opens a table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// Stores a new upload.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn create(&self, upload: &Upload) -> Result<(), StoreError> {
        let item = serde_dynamo::to_item(upload).map_err(StoreError::unreadable)?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        put.send().await.map_err(classify).map(drop)
    }

    /// Returns an owner's upload that can be used at a time in seconds since 1970; `None` for another owner's.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn get(
        &self,
        id: &str,
        owner: &Owner,
        now: i64,
    ) -> Result<Option<Upload>, StoreError> {
        let got = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("id", text(id));
        let item = got
            .consistent_read(true)
            .send()
            .await
            .map_err(classify)?
            .item;
        let upload: Option<Upload> = item
            .map(serde_dynamo::from_item)
            .transpose()
            .map_err(StoreError::unreadable)?;
        Ok(upload.filter(|upload| upload.owner == *owner && upload.usable_until > now))
    }

    /// Marks an upload as complete.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn complete(&self, upload: &Upload) -> Result<(), StoreError> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(&upload.id))
            .update_expression("SET complete = :yes")
            .condition_expression("attribute_exists(id)")
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        updated.send().await.map_err(classify).map(drop)
    }

    /// Builds the update that records a job's use of an upload, for the transaction that creates the job.
    pub(crate) fn begin_use(&self, of: &UploadUse) -> Result<Update, StoreError> {
        Update::builder()
            .table_name(&self.table)
            .key("id", text(&of.upload_id))
            .update_expression("ADD jobs :jobs")
            .condition_expression(
                "complete = :yes AND (attribute_not_exists(jobs) OR size(jobs) < :max OR contains(jobs, :job))",
            )
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":jobs", of.jobs())
            .expression_attribute_values(":job", text(&of.job))
            .expression_attribute_values(":max", number(MAX_JOBS_PER_UPLOAD.into()))
            .build()
            .map_err(StoreError::unreadable)
    }

    /// Records that a job no longer uses an upload. Returns `true` if it was the last: the record is then deleted, so that no other job
    /// starts to use the upload, and the caller has to delete the object.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn end_use(&self, of: &UploadUse) -> Result<bool, StoreError> {
        // a lost round means that another job has started or ended its use meanwhile, or that this use is not recorded
        for _ in 0..MAX_ROUNDS {
            if self.delete_last_use(of).await? {
                return Ok(true);
            }
            if self.remove_use(of).await? {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Deletes the record if no other job uses the upload; returns whether it is gone.
    async fn delete_last_use(&self, of: &UploadUse) -> Result<bool, StoreError> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("id", text(&of.upload_id))
            .condition_expression("attribute_not_exists(id) OR jobs = :jobs")
            .expression_attribute_values(":jobs", of.jobs());
        is_applied(retry_on_conflict(|| deleted.clone().send()).await)
    }

    /// Removes this use if other jobs use the upload; returns whether it did.
    async fn remove_use(&self, of: &UploadUse) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(&of.upload_id))
            .update_expression("DELETE jobs :jobs")
            .condition_expression("contains(jobs, :job) AND size(jobs) > :one")
            .expression_attribute_values(":jobs", of.jobs())
            .expression_attribute_values(":job", text(&of.job))
            .expression_attribute_values(":one", number(1));
        is_applied(retry_on_conflict(|| update.clone().send()).await)
    }
}
