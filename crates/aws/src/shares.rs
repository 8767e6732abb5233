//! The table of shares: what one owner may have of what all owners have together, as places at once and as requests in a minute. Everything in
//! it ends by itself, so that whoever dies with a place takes nothing away for good.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client, operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue,
};
use domain::{Fingerprint, Owner};

use crate::{
    Connection, StoreError,
    error::{happened, sorted},
    value::{number, text},
};

/// Seconds that a record is kept after its end.
const KEPT_S: i64 = 120;

/// The table of shares.
#[derive(Debug, Clone)]
pub struct ShareTable {
    client: Client,
    table: String,
}

/// So many places of an owner's, each held by one holder until it gives it back or its time is over.
#[derive(Debug, Clone)]
pub struct Places<'a> {
    /// What they are for, such as `deliveries`.
    pub what: &'a str,
    /// Whose they are.
    pub owner: &'a Owner,
    /// How many there are; nobody holds one beyond them.
    pub most: u32,
}

impl Places<'_> {
    /// An owner's name may be longer than a key: its fingerprint stands for it.
    fn id(&self) -> String {
        let owner = Fingerprint::of_bytes(self.owner.as_str().as_bytes());
        format!("{}#{owner}", self.what)
    }
}

type Item = HashMap<String, AttributeValue>;

impl ShareTable {
    /// A table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// Takes a place until a time in milliseconds since 1970, or keeps the one that the holder has; `false` if others hold all of them.
    ///
    /// # Errors
    /// When the table does not answer or refuses, and when others take and give back all the time.
    pub async fn take(
        &self,
        places: &Places<'_>,
        holder: &str,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<bool, StoreError> {
        // each round lost means that one place more is held
        for _ in 0..=places.most {
            let item = self.read(&places.id()).await?;
            let Some(place) = free(&item, places.most, holder, now_ms) else {
                return Ok(false);
            };
            let held = AttributeValue::M(HashMap::from([
                ("holder".to_owned(), text(holder)),
                ("until_ms".to_owned(), number(until_ms)),
            ]));
            let update = self.update(&places.id(), "SET #place = :held, expires_at = :gone");
            let update = update
                .condition_expression(
                    "attribute_not_exists(#place) OR #place.until_ms < :now OR #place.holder = :holder",
                )
                .expression_attribute_names("#place", place)
                .expression_attribute_values(":held", held)
                .expression_attribute_values(":gone", number(until_ms / 1000 + KEPT_S))
                .expression_attribute_values(":now", number(now_ms))
                .expression_attribute_values(":holder", text(holder));
            if happened(update.send().await)? {
                return Ok(true);
            }
        }
        Err(StoreError::Busy("places change all the time".to_owned()))
    }

    /// Gives the place of a holder back; nothing happens if it has none.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn give_back(&self, places: &Places<'_>, holder: &str) -> Result<(), StoreError> {
        let item = self.read(&places.id()).await?;
        let held = (0..places.most)
            .map(place)
            .find(|place| held(&item, place).is_some_and(|(known, _)| known == holder));
        let Some(place) = held else { return Ok(()) };
        let update = self.update(&places.id(), "REMOVE #place");
        let update = update
            .condition_expression("#place.holder = :holder")
            .expression_attribute_names("#place", place)
            .expression_attribute_values(":holder", text(holder));
        happened(update.send().await).map(drop)
    }

    /// Counts a request of an owner's in the minute of a time in seconds since 1970; `false` if there were `most` already.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn count(&self, owner: &Owner, now_s: i64, most: u32) -> Result<bool, StoreError> {
        let minute = now_s.div_euclid(60);
        let owner = Fingerprint::of_bytes(owner.as_str().as_bytes());
        let id = format!("requests#{owner}#{minute}");
        let update = self.update(&id, "ADD requests :one SET expires_at = :gone");
        let update = update
            .condition_expression("attribute_not_exists(requests) OR requests < :most")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(most.into()))
            .expression_attribute_values(":gone", number((minute + 1) * 60 + KEPT_S));
        happened(update.send().await)
    }

    async fn read(&self, id: &str) -> Result<Item, StoreError> {
        let got = self.client.get_item().table_name(&self.table);
        let got = got.key("id", text(id)).consistent_read(true).send().await;
        Ok(got.map_err(sorted)?.item.unwrap_or_default())
    }

    fn update(&self, id: &str, expression: &str) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.table);
        update.key("id", text(id)).update_expression(expression)
    }
}

/// The attribute of a place.
fn place(number: u32) -> String {
    format!("p{number}")
}

/// Who holds a place, and until when.
fn held<'i>(item: &'i Item, place: &str) -> Option<(&'i str, i64)> {
    let held = item.get(place)?.as_m().ok()?;
    let holder = held.get("holder")?.as_s().ok()?;
    let until_ms = held.get("until_ms")?.as_n().ok()?.parse().ok()?;
    Some((holder, until_ms))
}

/// The holder's own place, or one that nobody holds: not always the first, so that many who come at once do not all want the same.
fn free(item: &Item, most: u32, holder: &str, now_ms: i64) -> Option<String> {
    let own = |place: &String| held(item, place).is_some_and(|(known, _)| known == holder);
    if let Some(place) = (0..most).map(place).find(own) {
        return Some(place);
    }
    let is_free = |place: &String| held(item, place).is_none_or(|(_, until_ms)| until_ms < now_ms);
    let free: Vec<String> = (0..most).map(place).filter(is_free).collect();
    let start = holder.bytes().fold(0_usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    free.get(start % free.len().max(1)).cloned()
}
