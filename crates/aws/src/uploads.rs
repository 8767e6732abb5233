//! The table of uploads: which upload of the bucket belongs to whom, and which jobs are made from it.

use aws_sdk_dynamodb::{
    Client,
    operation::delete_item::DeleteItemError,
    types::{AttributeValue, Update},
};
use domain::{Job, Owner, limits::MAX_JOBS_PER_UPLOAD};
use serde::{Deserialize, Serialize};

use crate::{
    Connection, StoreError,
    conflicts::past_conflicts,
    error::{happened, sorted},
    value::{number, text},
};

/// How often the end of a use is written while other uses begin and end.
const MOST_ROUNDS: usize = 5;

/// An upload, begun and perhaps complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Ours, bound to the owner.
    pub id: String,
    /// Whose it is.
    pub owner: Owner,
    /// What the file was called, without its ending.
    pub title: String,
    /// Where in the bucket it lies.
    pub key: String,
    /// The bucket's own id of it.
    pub multipart_id: String,
    /// Size that was announced, in bytes.
    pub bytes: u64,
    /// Whether all parts are there and put together.
    #[serde(default)]
    pub complete: bool,
    /// Until when it can be used, in seconds since 1970; records of before have none, and go when that is over.
    #[serde(default = "for_ever")]
    pub usable_until: i64,
    /// When the record may go, in seconds since 1970: after the object.
    pub expires_at: i64,
}

fn for_ever() -> i64 {
    i64::MAX
}

/// A job's use of an upload as its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadUse {
    upload_id: String,
    /// Where in the bucket the upload lies.
    pub key: String,
    /// The job: its id, and when it was made, since the id of a deleted one may come again.
    job: String,
}

impl UploadUse {
    /// That of a job, if an upload is its source.
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
    /// A table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// Writes a new upload down.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn create(&self, upload: &Upload) -> Result<(), StoreError> {
        let item = serde_dynamo::to_item(upload).map_err(StoreError::unreadable)?;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        put.send().await.map_err(sorted).map(drop)
    }

    /// An upload of an owner's that can be used at a time, in seconds since 1970; one of somebody else is not there.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
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
        let item = got.consistent_read(true).send().await.map_err(sorted)?.item;
        let upload: Option<Upload> = item
            .map(serde_dynamo::from_item)
            .transpose()
            .map_err(StoreError::unreadable)?;
        Ok(upload.filter(|upload| upload.owner == *owner && upload.usable_until > now))
    }

    /// Notes that all parts are there.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn complete(&self, upload: &Upload) -> Result<(), StoreError> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(&upload.id))
            .update_expression("SET complete = :yes")
            .condition_expression("attribute_exists(id)")
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        updated.send().await.map_err(sorted).map(drop)
    }

    /// The note that a job uses an upload, as a part of the transaction that makes the job.
    pub(crate) fn begin_use(&self, of: &UploadUse) -> Result<Update, StoreError> {
        Update::builder()
            .table_name(&self.table)
            .key("id", text(&of.upload_id))
            .update_expression("ADD jobs :jobs")
            .condition_expression(
                "complete = :yes AND (attribute_not_exists(jobs) OR size(jobs) < :most OR contains(jobs, :job))",
            )
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":jobs", of.jobs())
            .expression_attribute_values(":job", text(&of.job))
            .expression_attribute_values(":most", number(MAX_JOBS_PER_UPLOAD.into()))
            .build()
            .map_err(StoreError::unreadable)
    }

    /// Notes that a job uses an upload no longer. Whether it was the last one: then the record is gone, so that no job begins to use the
    /// upload, and its object is to be deleted.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn end_use(&self, of: &UploadUse) -> Result<bool, StoreError> {
        // each round lost means that another job has begun or ended its use in between, or that this one is not noted
        for _ in 0..MOST_ROUNDS {
            if self.delete_with_last(of).await? {
                return Ok(true);
            }
            if self.leave_to_others(of).await? {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Whether the record is gone, as that of an upload which no other job uses.
    async fn delete_with_last(&self, of: &UploadUse) -> Result<bool, StoreError> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("id", text(&of.upload_id))
            .condition_expression("attribute_not_exists(id) OR jobs = :jobs")
            .expression_attribute_values(":jobs", of.jobs());
        match past_conflicts(|| deleted.clone().send()).await {
            Ok(_) => Ok(true),
            Err(why) => match why.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(sorted(why)),
            },
        }
    }

    /// Whether others use the upload, and this job does no longer.
    async fn leave_to_others(&self, of: &UploadUse) -> Result<bool, StoreError> {
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
        happened(past_conflicts(|| update.clone().send()).await)
    }
}
