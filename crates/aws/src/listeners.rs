//! The table of listeners: which open connections of an owner want to hear of what.

use std::collections::HashSet;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use domain::{JobId, Owner, limits::MAX_SUBSCRIBED_JOBS};
use serde::Deserialize;

use crate::{
    Connection, StoreError,
    error::{happened, sorted},
    value::{number, text},
};

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
                .expression_attribute_values(":most", number(MAX_SUBSCRIBED_JOBS as i64)),
        };
        happened(update.send().await)
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
