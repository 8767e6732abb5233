//! The table of receivers: each owner's secrets for callbacks, and the addresses that want none any more.

use std::{collections::HashSet, fmt};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use domain::{
    Fingerprint, Owner,
    limits::{MAX_DISABLED_ADDRESSES, MAX_PREVIOUS_SECRETS},
};
use serde::{Deserialize, Serialize};

use crate::{
    Connection, StoreError,
    error::{happened, sorted},
    value::{number, text},
};

/// What is known of an owner who hears of jobs by callbacks.
#[derive(Clone, Default, Deserialize)]
pub struct Receiver {
    /// The secret that callbacks are signed with; none for a back end that has not made one.
    #[serde(default)]
    pub secret: Option<String>,
    /// Those before, oldest first, while they are replaced.
    #[serde(default)]
    previous: Vec<Previous>,
    /// Addresses that have answered that they want nothing any more, by their fingerprints: so the record has a largest size, however
    /// long they are.
    #[serde(default)]
    disabled: HashSet<String>,
}

/// A secret that another has taken the place of.
#[derive(Clone, Serialize, Deserialize)]
struct Previous {
    secret: String,
    /// Until when it is used too, in seconds since 1970.
    until: i64,
}

impl Receiver {
    /// The secrets to sign with at a time in seconds since 1970, the current one first.
    pub fn secrets(&self, now: i64) -> impl Iterator<Item = &str> {
        let previous = self.previous.iter().filter(move |one| now < one.until);
        let previous = previous.map(|one| one.secret.as_str());
        self.secret.as_deref().into_iter().chain(previous)
    }

    /// Whether an address, in the one way of spelling it, wants nothing any more.
    pub fn is_disabled(&self, url: &str) -> bool {
        self.disabled.contains(&mark(url))
    }

    /// The secrets beside the next one.
    fn replaced(self, now: i64, until: i64) -> Vec<Previous> {
        let mut previous = self.previous;
        previous.retain(|one| now < one.until);
        previous.extend(self.secret.map(|secret| Previous { secret, until }));
        let too_many = previous.len().saturating_sub(MAX_PREVIOUS_SECRETS);
        previous.split_off(too_many)
    }
}

/// Without the secrets.
impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let disabled = &self.disabled;
        f.debug_struct("Receiver")
            .field("disabled", disabled)
            .finish_non_exhaustive()
    }
}

/// What stands for an address.
fn mark(url: &str) -> String {
    Fingerprint::of_bytes(url.as_bytes()).to_string()
}

/// The table of receivers.
#[derive(Debug, Clone)]
pub struct ReceiverTable {
    client: Client,
    table: String,
}

impl ReceiverTable {
    /// A table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// What is known of an owner; nothing of one who has never had to do with callbacks.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn get(&self, owner: &Owner) -> Result<Receiver, StoreError> {
        let got = self.client.get_item().table_name(&self.table);
        let got = got.key("owner", text(owner.as_str())).consistent_read(true);
        let item = got.send().await.map_err(sorted)?.item;
        let receiver = item.map(serde_dynamo::from_item).transpose();
        Ok(receiver
            .map_err(StoreError::unreadable)?
            .unwrap_or_default())
    }

    /// Gives an owner a secret; the one that there was is used beside it until a time in seconds since 1970. Tells whether there was one.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn rotate(
        &self,
        owner: &Owner,
        secret: &str,
        now: i64,
        previous_until: i64,
    ) -> Result<bool, StoreError> {
        // each round lost means that another secret was made in between
        for _ in 0..5 {
            let known = self.get(owner).await?;
            if known.secret.as_deref() == Some(secret) {
                // it was written, and the answer was lost
                return Ok(!known.previous.is_empty());
            }
            let had_one = known.secret.is_some();
            let update = self.update(owner, "SET secret = :secret, previous = :previous");
            let update = match &known.secret {
                Some(before) => update
                    .condition_expression("secret = :before")
                    .expression_attribute_values(":before", text(before)),
                None => update.condition_expression("attribute_not_exists(secret)"),
            };
            let previous = serde_dynamo::to_attribute_value(known.replaced(now, previous_until));
            let previous = previous.map_err(StoreError::unreadable)?;
            let update = update
                .expression_attribute_values(":secret", text(secret))
                .expression_attribute_values(":previous", previous);
            if happened(update.send().await)? {
                return Ok(had_one);
            }
        }
        Err(StoreError::Busy("secrets are made all the time".to_owned()))
    }

    /// Notes that an address of an owner's wants nothing any more; `false` if there are too many of them.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn disable(&self, owner: &Owner, url: &str) -> Result<bool, StoreError> {
        let room =
            "attribute_not_exists(disabled) OR size(disabled) < :most OR contains(disabled, :url)";
        let update = self.update(owner, "ADD disabled :urls");
        let update = update
            .condition_expression(room)
            .expression_attribute_values(":urls", AttributeValue::Ss(vec![mark(url)]))
            .expression_attribute_values(":url", text(&mark(url)))
            .expression_attribute_values(":most", number(i64::from(MAX_DISABLED_ADDRESSES)));
        happened(update.send().await)
    }

    /// Makes an address of an owner's usable again.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn enable(&self, owner: &Owner, url: &str) -> Result<(), StoreError> {
        let update = self.update(owner, "DELETE disabled :urls");
        let update =
            update.expression_attribute_values(":urls", AttributeValue::Ss(vec![mark(url)]));
        update.send().await.map_err(sorted).map(drop)
    }

    fn update(
        &self,
        owner: &Owner,
        expression: &str,
    ) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.table);
        update
            .key("owner", text(owner.as_str()))
            .update_expression(expression)
    }
}
