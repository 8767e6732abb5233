//! Open connections of users: who proved to be whom, and who listens to what.

use std::collections::HashSet;

use aws_sdk_dynamodb::{
    Client,
    operation::{delete_item::DeleteItemError, update_item::UpdateItemError},
    types::{AttributeValue, ReturnValue},
};
use domain::{JobId, Owner};
use serde::{Deserialize, Serialize};

use crate::{Connection, StoreError, error::sorted};

/// Most jobs that a connection names one by one.
const MOST_JOBS: usize = 100;

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

/// Connections by their owner: who listens to what.
#[derive(Debug, Clone)]
pub struct ListenerTable {
    client: Client,
    table: String,
}

/// A connection that listens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listener {
    /// API Gateway's id of it.
    pub connection_id: String,
    /// Whether it wants all jobs of its owner.
    #[serde(default)]
    all: bool,
    #[serde(default)]
    job_ids: HashSet<JobId>,
}

impl Listener {
    /// Whether it wants to hear of a job.
    pub fn wants(&self, job: &JobId) -> bool {
        self.all || self.job_ids.contains(job)
    }
}

impl ListenerTable {
    /// A table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// Lets a connection hear of one job more, or of all; `false` if it names too many one by one.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn add(
        &self,
        owner: &Owner,
        connection_id: &str,
        job: Option<&JobId>,
        expires_at: i64,
    ) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("owner", text(owner.as_str()))
            .key("connection_id", text(connection_id))
            .expression_attribute_values(":until", number(expires_at));
        let update = match job {
            None => update
                .update_expression("SET expires_at = :until, #all = :yes")
                .expression_attribute_names("#all", "all")
                .expression_attribute_values(":yes", AttributeValue::Bool(true)),
            Some(job) => update
                .update_expression("SET expires_at = :until ADD job_ids :jobs")
                .condition_expression("attribute_not_exists(job_ids) OR size(job_ids) < :most OR contains(job_ids, :job)")
                .expression_attribute_values(":jobs", AttributeValue::Ss(vec![job.to_string()]))
                .expression_attribute_values(":job", text(job.as_str()))
                .expression_attribute_values(":most", number(MOST_JOBS as i64)),
        };
        match update.send().await {
            Ok(_) => Ok(true),
            Err(why) => match why.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(sorted(why)),
            },
        }
    }

    /// All connections of an owner's that listen.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn of(&self, owner: &Owner) -> Result<Vec<Listener>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(owner.as_str()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut listeners = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(sorted)?;
            listeners.push(serde_dynamo::from_item(item).map_err(StoreError::unreadable)?);
        }
        Ok(listeners)
    }

    /// Takes a connection away; nothing happens if it is gone.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn remove(&self, owner: &Owner, connection_id: &str) -> Result<(), StoreError> {
        let deleted = self.client.delete_item().table_name(&self.table);
        let deleted = deleted
            .key("owner", text(owner.as_str()))
            .key("connection_id", text(connection_id));
        deleted.send().await.map_err(sorted).map(drop)
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
