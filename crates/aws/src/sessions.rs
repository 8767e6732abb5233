//! The table of sessions: connection tickets and open connections, each with its owner.

use aws_sdk_dynamodb::{Client, types::ReturnValue};
use domain::Owner;
use serde::{Deserialize, Serialize};

use crate::{
    Connection, StoreError,
    error::{applied, classify},
    value::{number, text},
};

/// Unused tickets and open connections by id, each with its owner. The id is a bearer credential.
#[derive(Debug, Clone)]
pub struct SessionTable {
    client: Client,
    table: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Session {
    id: String,
    owner: Owner,
    expires_at: i64,
}

impl SessionTable {
    /// Opens a table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// Stores an id for an owner, until a time in seconds since 1970.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn put(&self, id: String, owner: &Owner, expires_at: i64) -> Result<(), StoreError> {
        let owner = owner.clone();
        let session = Session {
            id,
            owner,
            expires_at,
        };
        let item = serde_dynamo::to_item(session).map_err(StoreError::unreadable)?;
        let put = self.client.put_item().table_name(&self.table);
        let put = put.set_item(Some(item)).send().await;
        put.map_err(classify).map(drop)
    }

    /// Returns the owner of an id, unless it is unknown or has expired.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn owner_of(&self, id: &str, now: i64) -> Result<Option<Owner>, StoreError> {
        let got = self.client.get_item().table_name(&self.table);
        let got = got.key("id", text(id)).consistent_read(true).send().await;
        let item = got.map_err(classify)?.item;
        let session: Option<Session> = item
            .map(serde_dynamo::from_item)
            .transpose()
            .map_err(StoreError::unreadable)?;
        Ok(session
            .filter(|session| session.expires_at > now)
            .map(|session| session.owner))
    }

    /// Deletes an id and returns its owner, unless it is unknown or has expired. Of concurrent calls, one succeeds.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn consume(&self, id: &str, now: i64) -> Result<Option<Owner>, StoreError> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("id", text(id))
            .condition_expression("expires_at > :now")
            .expression_attribute_values(":now", number(now))
            .return_values(ReturnValue::AllOld);
        let deleted = applied(deleted.send().await)?;
        let session: Option<Session> = deleted
            .and_then(|deleted| deleted.attributes)
            .map(serde_dynamo::from_item)
            .transpose()
            .map_err(StoreError::unreadable)?;
        Ok(session.map(|session| session.owner))
    }
}
