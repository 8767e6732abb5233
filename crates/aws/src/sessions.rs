//! The table of sessions: tickets and open connections, each with its owner.

use aws_sdk_dynamodb::{Client, operation::delete_item::DeleteItemError, types::ReturnValue};
use domain::Owner;
use serde::{Deserialize, Serialize};

use crate::{
    Connection, StoreError,
    error::sorted,
    value::{number, text},
};

/// Tickets not used yet and connections that are open, by their ids, each with its owner. Whoever has such an id has proved who they are.
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
    /// A table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// Writes an id down as its owner's, until a time in seconds since 1970.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
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
        put.map_err(sorted).map(drop)
    }

    /// Whose an id is, if it is known and not past its time.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn owner_of(&self, id: &str, now: i64) -> Result<Option<Owner>, StoreError> {
        let got = self.client.get_item().table_name(&self.table);
        let got = got.key("id", text(id)).consistent_read(true).send().await;
        let item = got.map_err(sorted)?.item;
        let session: Option<Session> = item
            .map(serde_dynamo::from_item)
            .transpose()
            .map_err(StoreError::unreadable)?;
        Ok(session
            .filter(|session| session.expires_at > now)
            .map(|session| session.owner))
    }

    /// Takes an id away and gives its owner, if it was known and not past its time: of several who ask at once, one is given it.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn take(&self, id: &str, now: i64) -> Result<Option<Owner>, StoreError> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("id", text(id))
            .condition_expression("expires_at > :now")
            .expression_attribute_values(":now", number(now))
            .return_values(ReturnValue::AllOld);
        match deleted.send().await {
            Ok(deleted) => {
                let session: Option<Session> = deleted
                    .attributes
                    .map(serde_dynamo::from_item)
                    .transpose()
                    .map_err(StoreError::unreadable)?;
                Ok(session.map(|session| session.owner))
            }
            Err(why) => match why.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(sorted(why)),
            },
        }
    }
}
