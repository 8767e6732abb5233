//! The table of listeners: the subscriptions of each owner's open connections.

use std::collections::HashSet;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use domain::{JobId, Owner, limits::MAX_SUBSCRIBED_JOBS};
use serde::Deserialize;

use crate::{
    Connection, StoreError,
    error::{classify, is_applied},
    value::{number, text},
};

/// The subscriptions of open connections, by owner.
#[derive(Debug, Clone)]
pub struct ListenerTable {
    client: Client,
    table: String,
}

/// A connection and its subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listener {
    /// API Gateway's id of the connection.
    pub connection_id: String,
    /// Whether it is subscribed to all jobs of its owner.
    #[serde(default)]
    all: bool,
    #[serde(default)]
    job_ids: HashSet<JobId>,
}

impl Listener {
    /// Returns whether the connection is subscribed to a job.
    pub fn is_subscribed_to(&self, job: &JobId) -> bool {
        self.all || self.job_ids.contains(job)
    }
}

impl ListenerTable {
    /// Opens a table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// Subscribes a connection to a job, or to all; `false` if it is already subscribed to the maximum of individual jobs.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn subscribe(
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
                .condition_expression("attribute_not_exists(job_ids) OR size(job_ids) < :max OR contains(job_ids, :job)")
                .expression_attribute_values(":jobs", AttributeValue::Ss(vec![job.to_string()]))
                .expression_attribute_values(":job", text(job.as_str()))
                .expression_attribute_values(":max", number(MAX_SUBSCRIBED_JOBS as i64)),
        };
        is_applied(update.send().await)
    }

    /// Lists the subscribed connections of an owner.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn list(&self, owner: &Owner) -> Result<Vec<Listener>, StoreError> {
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
            let item = item.map_err(classify)?;
            listeners.push(serde_dynamo::from_item(item).map_err(StoreError::unreadable)?);
        }
        Ok(listeners)
    }

    /// Removes a connection, if it exists.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn remove(&self, owner: &Owner, connection_id: &str) -> Result<(), StoreError> {
        let deleted = self.client.delete_item().table_name(&self.table);
        let deleted = deleted
            .key("owner", text(owner.as_str()))
            .key("connection_id", text(connection_id));
        deleted.send().await.map_err(classify).map(drop)
    }
}
