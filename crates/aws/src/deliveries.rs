//! The table of deliveries: what is owed to customers' addresses, job by job, and whose turn it is to deliver.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{
        put_item::PutItemError,
        update_item::{UpdateItemError, UpdateItemOutput, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, ReturnValue},
};
use domain::{Delivery, DeliveryAttempt, DeliveryState, JobId};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    Connection, StoreError,
    error::{happened, sorted},
    value::{number, text},
};

/// The record beside a job's deliveries that says who is at work on them.
const TURN: &str = "turn";

/// A day longer than the deliveries that it is about.
const TURN_KNOWN_S: i64 = 31 * 24 * 3600;

/// The right to deliver what a job has, for a while.
#[derive(Debug, Deserialize)]
pub struct Turn {
    /// When the next delivery is due for which there is a message, in milliseconds since 1970.
    #[serde(default)]
    pub armed_ms: Option<i64>,
}

/// The table of deliveries.
#[derive(Debug, Clone)]
pub struct DeliveryTable {
    client: Client,
    table: String,
}

impl DeliveryTable {
    /// A table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// Writes a new delivery down; one that is there stays as it is.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn create(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let item = serde_dynamo::to_item(delivery).map_err(StoreError::unreadable)?;
        let put = self.client.put_item().table_name(&self.table);
        let put = put
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)");
        match put.send().await {
            Err(why) if !is_put_refused(why.as_service_error()) => Err(sorted(why)),
            _ => Ok(()),
        }
    }

    /// Writes down how a delivery stands that was due at a time in milliseconds since 1970; `false` if it is gone or was replayed since.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn save(&self, delivery: &Delivery, due_ms: i64) -> Result<bool, StoreError> {
        let item = serde_dynamo::to_item(delivery).map_err(StoreError::unreadable)?;
        let put = self.client.put_item().table_name(&self.table);
        let put = put
            .set_item(Some(item))
            .condition_expression("due_ms = :due")
            .expression_attribute_values(":due", number(due_ms));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(why) if is_put_refused(why.as_service_error()) => Ok(false),
            Err(why) => Err(sorted(why)),
        }
    }

    /// Ends a delivery as failed by a change so small that it fits whatever the record is; nothing happens to one that was replayed since.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn give_up(
        &self,
        delivery: &Delivery,
        tried: &DeliveryAttempt,
    ) -> Result<(), StoreError> {
        let only_try = serde_dynamo::to_attribute_value([tried]).map_err(StoreError::unreadable)?;
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .set_key(Some(key(&delivery.job_id, &delivery.id)))
            .update_expression("SET #state = :failed, tries = :tries")
            .condition_expression("due_ms = :due")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":failed", text(DeliveryState::Failed.name()))
            .expression_attribute_values(":tries", only_try)
            .expression_attribute_values(":due", number(delivery.due_ms));
        happened(update.send().await).map(drop)
    }

    /// Makes a delivery due, with all its tries, and keeps it until a time in seconds since 1970; none if it is gone.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
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
        returned(update.send().await)
    }

    /// One delivery.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn get(&self, job: &JobId, id: &str) -> Result<Option<Delivery>, StoreError> {
        let got = self.client.get_item().table_name(&self.table);
        let got = got.set_key(Some(key(job, id))).consistent_read(true);
        let item = got.send().await.map_err(sorted)?.item;
        item.map(serde_dynamo::from_item)
            .transpose()
            .map_err(StoreError::unreadable)
    }

    /// A job's deliveries, in the order of what they tell.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn of(&self, job: &JobId) -> Result<Vec<Delivery>, StoreError> {
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
            let item = item.map_err(sorted)?;
            deliveries.push(serde_dynamo::from_item(item).map_err(StoreError::unreadable)?);
        }
        Ok(deliveries)
    }

    /// Takes everything of a job away.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn forget(&self, job: &JobId) -> Result<(), StoreError> {
        let ids = self.of(job).await?.into_iter().map(|delivery| delivery.id);
        for id in ids.chain([TURN.to_owned()]) {
            let deleted = self.client.delete_item().table_name(&self.table);
            let deleted = deleted.set_key(Some(key(job, &id)));
            deleted.send().await.map_err(sorted)?;
        }
        Ok(())
    }

    /// Takes the turn to deliver what a job has, until a time in milliseconds since 1970; none if somebody else has it.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn take_turn(
        &self,
        job: &JobId,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Option<Turn>, StoreError> {
        let update = self.update_turn(job, "SET until_ms = :until, expires_at = :gone", now_ms);
        let update = update
            .condition_expression("attribute_not_exists(until_ms) OR until_ms < :now")
            .expression_attribute_values(":until", number(until_ms))
            .expression_attribute_values(":now", number(now_ms))
            .return_values(ReturnValue::AllNew);
        returned(update.send().await)
    }

    /// Notes that there is a message for when the next delivery is due.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn arm(&self, job: &JobId, now_ms: i64, due_ms: i64) -> Result<(), StoreError> {
        let update = self.update_turn(job, "SET armed_ms = :due, expires_at = :gone", now_ms);
        let update = update.expression_attribute_values(":due", number(due_ms));
        update.send().await.map_err(sorted).map(drop)
    }

    /// Gives the turn back that was taken until this very time.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn give_turn_back(&self, job: &JobId, until_ms: i64) -> Result<(), StoreError> {
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .set_key(Some(key(job, TURN)))
            .update_expression("REMOVE until_ms")
            .condition_expression("until_ms = :until")
            .expression_attribute_values(":until", number(until_ms));
        happened(update.send().await).map(drop)
    }

    /// Notes that a job's progress is told up to `place`; `false` if it was told before.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn tell_progress(
        &self,
        job: &JobId,
        place: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let update = self.update_turn(job, "SET told = :place, expires_at = :gone", now_ms);
        let update = update
            .condition_expression("attribute_not_exists(told) OR told < :place")
            .expression_attribute_values(":place", text(place));
        happened(update.send().await)
    }

    /// An update of a job's turn, which sets when it may go as `:gone`.
    fn update_turn(&self, job: &JobId, expression: &str, now_ms: i64) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.table);
        update
            .set_key(Some(key(job, TURN)))
            .update_expression(expression)
            .expression_attribute_values(":gone", number(now_ms / 1000 + TURN_KNOWN_S))
    }
}

/// The record after a conditional update; none if it did not happen.
fn returned<T: DeserializeOwned>(
    updated: Result<UpdateItemOutput, SdkError<UpdateItemError>>,
) -> Result<Option<T>, StoreError> {
    match updated {
        Ok(updated) => {
            let record = updated.attributes.map(serde_dynamo::from_item).transpose();
            record.map_err(StoreError::unreadable)
        }
        Err(why) => match why.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
            _ => Err(sorted(why)),
        },
    }
}

fn is_put_refused(why: Option<&PutItemError>) -> bool {
    matches!(why, Some(PutItemError::ConditionalCheckFailedException(_)))
}

fn key(job: &JobId, id: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("job_id".to_owned(), text(job.as_str())),
        ("id".to_owned(), text(id)),
    ])
}
