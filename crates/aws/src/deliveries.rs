//! The table of deliveries: pending and past callbacks of each job, and the lease on delivering them.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::update_item::{
        UpdateItemError, UpdateItemOutput, builders::UpdateItemFluentBuilder,
    },
    types::{AttributeValue, ReturnValue},
};
use domain::{Delivery, DeliveryAttempt, DeliveryState, JobId};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    Connection, StoreError,
    error::{applied, classify, is_applied},
    value::{number, text},
};

/// Sort key of the record that holds the lease on a job's deliveries.
const LEASE: &str = "turn";

/// A day longer than the deliveries themselves are retained.
const LEASE_RETENTION_S: i64 = 31 * 24 * 3600;

/// The lease on a job's deliveries: its holder alone sends them.
#[derive(Debug, Deserialize)]
pub struct DeliveryLease {
    /// Time of the delivery for which a queue message is scheduled, in milliseconds since 1970.
    #[serde(default, rename = "armed_ms")]
    pub scheduled_ms: Option<i64>,
}

/// The table of deliveries.
#[derive(Debug, Clone)]
pub struct DeliveryTable {
    client: Client,
    table: String,
}

impl DeliveryTable {
    /// Opens a table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// Stores a new delivery; an existing one is left unchanged.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn create(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let item = serde_dynamo::to_item(delivery).map_err(StoreError::unreadable)?;
        let put = self.client.put_item().table_name(&self.table);
        let put = put
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)");
        is_applied(put.send().await).map(drop)
    }

    /// Updates a delivery that was due at a time in milliseconds since 1970; `false` if it has been deleted or replayed since.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn save(&self, delivery: &Delivery, due_ms: i64) -> Result<bool, StoreError> {
        let item = serde_dynamo::to_item(delivery).map_err(StoreError::unreadable)?;
        let put = self.client.put_item().table_name(&self.table);
        let put = put
            .set_item(Some(item))
            .condition_expression("due_ms = :due")
            .expression_attribute_values(":due", number(due_ms));
        is_applied(put.send().await)
    }

    /// Marks a delivery as failed with a minimal change, which fits even if the whole record does not. A delivery replayed since is left
    /// unchanged.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn mark_failed(
        &self,
        delivery: &Delivery,
        attempt: &DeliveryAttempt,
    ) -> Result<(), StoreError> {
        let only_attempt =
            serde_dynamo::to_attribute_value([attempt]).map_err(StoreError::unreadable)?;
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .set_key(Some(key(&delivery.job_id, &delivery.id)))
            .update_expression("SET #state = :failed, tries = :tries")
            .condition_expression("due_ms = :due")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":failed", text(DeliveryState::Failed.name()))
            .expression_attribute_values(":tries", only_attempt)
            .expression_attribute_values(":due", number(delivery.due_ms));
        is_applied(update.send().await).map(drop)
    }

    /// Makes a delivery due with a fresh retry schedule and extends its retention to a time in seconds since 1970; `None` if it is gone.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn replay(
        &self,
        delivery: &Delivery,
        due_ms: i64,
        expires_at: i64,
    ) -> Result<Option<Delivery>, StoreError> {
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .set_key(Some(key(&delivery.job_id, &delivery.id)))
            .update_expression(
                "SET #state = :pending, failures = :none, due_ms = :due, expires_at = :gone",
            )
            .condition_expression("attribute_exists(id)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":pending", text(DeliveryState::Pending.name()))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":due", number(due_ms))
            .expression_attribute_values(":gone", number(expires_at))
            .return_values(ReturnValue::AllNew);
        updated_record(update.send().await)
    }

    /// Returns one delivery.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn get(&self, job: &JobId, id: &str) -> Result<Option<Delivery>, StoreError> {
        let got = self.client.get_item().table_name(&self.table);
        let got = got.set_key(Some(key(job, id))).consistent_read(true);
        let item = got.send().await.map_err(classify)?.item;
        item.map(serde_dynamo::from_item)
            .transpose()
            .map_err(StoreError::unreadable)
    }

    /// Lists a job's deliveries in event order.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn list(&self, job: &JobId) -> Result<Vec<Delivery>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("job_id = :job AND begins_with(id, :job)")
            .expression_attribute_values(":job", text(job.as_str()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut deliveries = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(classify)?;
            deliveries.push(serde_dynamo::from_item(item).map_err(StoreError::unreadable)?);
        }
        Ok(deliveries)
    }

    /// Deletes all records of a job.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn delete_all(&self, job: &JobId) -> Result<(), StoreError> {
        let ids = self
            .list(job)
            .await?
            .into_iter()
            .map(|delivery| delivery.id);
        for id in ids.chain([LEASE.to_owned()]) {
            let deleted = self.client.delete_item().table_name(&self.table);
            let deleted = deleted.set_key(Some(key(job, &id)));
            deleted.send().await.map_err(classify)?;
        }
        Ok(())
    }

    /// Acquires the lease on a job's deliveries until a time in milliseconds since 1970; `None` if another holder has it.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn acquire_lease(
        &self,
        job: &JobId,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Option<DeliveryLease>, StoreError> {
        let update = self.update_lease(job, "SET until_ms = :until, expires_at = :gone", now_ms);
        let update = update
            .condition_expression("attribute_not_exists(until_ms) OR until_ms < :now")
            .expression_attribute_values(":until", number(until_ms))
            .expression_attribute_values(":now", number(now_ms))
            .return_values(ReturnValue::AllNew);
        updated_record(update.send().await)
    }

    /// Records that a queue message is scheduled for the next delivery.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn schedule(&self, job: &JobId, now_ms: i64, due_ms: i64) -> Result<(), StoreError> {
        let update = self.update_lease(job, "SET armed_ms = :due, expires_at = :gone", now_ms);
        let update = update.expression_attribute_values(":due", number(due_ms));
        update.send().await.map_err(classify).map(drop)
    }

    /// Releases the lease that was acquired until exactly this time.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn release_lease(&self, job: &JobId, until_ms: i64) -> Result<(), StoreError> {
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .set_key(Some(key(job, LEASE)))
            .update_expression("REMOVE until_ms")
            .condition_expression("until_ms = :until")
            .expression_attribute_values(":until", number(until_ms));
        is_applied(update.send().await).map(drop)
    }

    /// Records that a job's progress has been sent up to `position`; `false` if it already was.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn record_progress(
        &self,
        job: &JobId,
        position: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let update = self.update_lease(job, "SET told = :position, expires_at = :gone", now_ms);
        let update = update
            .condition_expression("attribute_not_exists(told) OR told < :position")
            .expression_attribute_values(":position", text(position));
        is_applied(update.send().await)
    }

    /// Builds an update of a job's lease record, with its expiry as `:gone`.
    fn update_lease(&self, job: &JobId, expression: &str, now_ms: i64) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.table);
        update
            .set_key(Some(key(job, LEASE)))
            .update_expression(expression)
            .expression_attribute_values(":gone", number(now_ms / 1000 + LEASE_RETENTION_S))
    }
}

/// Returns the record after a conditional update; `None` if the condition did not hold.
fn updated_record<T: DeserializeOwned>(
    updated: Result<UpdateItemOutput, SdkError<UpdateItemError>>,
) -> Result<Option<T>, StoreError> {
    let record = applied(updated)?.and_then(|updated| updated.attributes);
    record
        .map(serde_dynamo::from_item)
        .transpose()
        .map_err(StoreError::unreadable)
}

fn key(job: &JobId, id: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("job_id".to_owned(), text(job.as_str())),
        ("id".to_owned(), text(id)),
    ])
}
