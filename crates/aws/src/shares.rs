//! The table of shares: per-owner quotas of concurrent slots and of requests per minute. Every entry expires, so that a slot is freed even
//! if its holder dies.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client, operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue,
};
use domain::{Fingerprint, Owner};

use crate::{
    Connection, StoreError,
    error::{classify, is_applied},
    value::{number, text},
};

/// Seconds that a record is retained after it has expired.
const RETENTION_S: i64 = 120;

/// The table of shares.
#[derive(Debug, Clone)]
pub struct ShareTable {
    client: Client,
    table: String,
}

/// A set of an owner's slots. A holder keeps a slot until it releases it or its lease expires.
#[derive(Debug, Clone)]
pub struct Slots<'a> {
    /// What the slots are for, such as `deliveries`.
    pub purpose: &'a str,
    /// Owner of the slots.
    pub owner: &'a Owner,
    /// Number of slots.
    pub count: u32,
}

impl Slots<'_> {
    /// The key has a fingerprint of the owner, whose name may be longer than a key.
    fn id(&self) -> String {
        let owner = Fingerprint::of_bytes(self.owner.as_str().as_bytes());
        format!("{}#{owner}", self.purpose)
    }
}

type Item = HashMap<String, AttributeValue>;

impl ShareTable {
    /// Opens a table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// Acquires a slot until a time in milliseconds since 1970, or extends the holder's own; `false` if all are taken.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call, or concurrent calls win every round.
    pub async fn acquire(
        &self,
        slots: &Slots<'_>,
        holder: &str,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<bool, StoreError> {
        // every lost round means that one more slot is taken
        for _ in 0..=slots.count {
            let item = self.read(&slots.id()).await?;
            let Some(slot) = free_slot(&item, slots.count, holder, now_ms) else {
                return Ok(false);
            };
            let held = AttributeValue::M(HashMap::from([
                ("holder".to_owned(), text(holder)),
                ("until_ms".to_owned(), number(until_ms)),
            ]));
            let update = self.update(&slots.id(), "SET #slot = :held, expires_at = :gone");
            let update = update
                .condition_expression(
                    "attribute_not_exists(#slot) OR #slot.until_ms < :now OR #slot.holder = :holder",
                )
                .expression_attribute_names("#slot", slot)
                .expression_attribute_values(":held", held)
                .expression_attribute_values(":gone", number(until_ms / 1000 + RETENTION_S))
                .expression_attribute_values(":now", number(now_ms))
                .expression_attribute_values(":holder", text(holder));
            if is_applied(update.send().await)? {
                return Ok(true);
            }
        }
        Err(StoreError::Unavailable(
            "too many concurrent changes of the owner's slots".to_owned(),
        ))
    }

    /// Releases the slot of a holder, if it has one.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn release(&self, slots: &Slots<'_>, holder: &str) -> Result<(), StoreError> {
        let item = self.read(&slots.id()).await?;
        let held = (0..slots.count)
            .map(slot_name)
            .find(|slot| held(&item, slot).is_some_and(|(known, _)| known == holder));
        let Some(slot) = held else { return Ok(()) };
        let update = self.update(&slots.id(), "REMOVE #slot");
        let update = update
            .condition_expression("#slot.holder = :holder")
            .expression_attribute_names("#slot", slot)
            .expression_attribute_values(":holder", text(holder));
        is_applied(update.send().await).map(drop)
    }

    /// Counts a request of an owner in the minute of a time in seconds since 1970; `false` if there are already `max`.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn count_request(
        &self,
        owner: &Owner,
        now_s: i64,
        max: u32,
    ) -> Result<bool, StoreError> {
        let minute = now_s.div_euclid(60);
        let owner = Fingerprint::of_bytes(owner.as_str().as_bytes());
        let id = format!("requests#{owner}#{minute}");
        let update = self.update(&id, "ADD requests :one SET expires_at = :gone");
        let update = update
            .condition_expression("attribute_not_exists(requests) OR requests < :max")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":max", number(max.into()))
            .expression_attribute_values(":gone", number((minute + 1) * 60 + RETENTION_S));
        is_applied(update.send().await)
    }

    async fn read(&self, id: &str) -> Result<Item, StoreError> {
        let got = self.client.get_item().table_name(&self.table);
        let got = got.key("id", text(id)).consistent_read(true).send().await;
        Ok(got.map_err(classify)?.item.unwrap_or_default())
    }

    fn update(&self, id: &str, expression: &str) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.table);
        update.key("id", text(id)).update_expression(expression)
    }
}

/// Returns the attribute name of a slot.
fn slot_name(number: u32) -> String {
    format!("p{number}")
}

/// Returns the holder of a slot and the time until which it holds it.
fn held<'i>(item: &'i Item, slot: &str) -> Option<(&'i str, i64)> {
    let held = item.get(slot)?.as_m().ok()?;
    let holder = held.get("holder")?.as_s().ok()?;
    let until_ms = held.get("until_ms")?.as_n().ok()?.parse().ok()?;
    Some((holder, until_ms))
}

/// Returns the holder's own slot or a free one. The choice depends on the holder, so that concurrent calls do not all try the same slot.
fn free_slot(item: &Item, count: u32, holder: &str, now_ms: i64) -> Option<String> {
    let own = |slot: &String| held(item, slot).is_some_and(|(known, _)| known == holder);
    if let Some(slot) = (0..count).map(slot_name).find(own) {
        return Some(slot);
    }
    let is_free = |slot: &String| held(item, slot).is_none_or(|(_, until_ms)| until_ms < now_ms);
    let free: Vec<String> = (0..count).map(slot_name).filter(is_free).collect();
    let start = holder.bytes().fold(0_usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    free.get(start % free.len().max(1)).cloned()
}
