//! The table of uploads: which upload of the bucket belongs to whom.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use domain::Owner;
use serde::{Deserialize, Serialize};

use crate::{Connection, StoreError, error::sorted, value::text};

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
    /// When the record may go, in seconds since 1970.
    pub expires_at: i64,
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

    /// An upload of an owner's; one of somebody else is not there.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn get(&self, id: &str, owner: &Owner) -> Result<Option<Upload>, StoreError> {
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
        Ok(upload.filter(|upload| upload.owner == *owner))
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
}
