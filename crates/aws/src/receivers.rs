//! The table of receivers: each owner's secrets for callbacks, and the addresses that want none any more.

use std::collections::HashSet;

use aws_sdk_dynamodb::{Client, operation::update_item::UpdateItemError, types::AttributeValue};
use domain::Owner;
use serde::Deserialize;

use crate::{
    Connection, StoreError,
    error::sorted,
    value::{number, text},
};

/// What is known of an owner who hears of jobs by callbacks.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Receiver {
    /// The secret that callbacks are signed with; none for a back end that has not made one.
    #[serde(default)]
    pub secret: Option<String>,
    /// The one before, while it is replaced.
    #[serde(default)]
    pub previous: Option<String>,
    /// Until when the one before is used too, in seconds since 1970.
    #[serde(default)]
    pub previous_until: i64,
    /// Addresses that have answered that they want nothing any more.
    #[serde(default)]
    pub disabled: HashSet<String>,
}

impl Receiver {
    /// The secrets to sign with at a time in seconds since 1970, the current one first.
    pub fn secrets(&self, now: i64) -> impl Iterator<Item = &str> {
        let previous = self
            .previous
            .as_deref()
            .filter(|_| now < self.previous_until);
        self.secret.as_deref().into_iter().chain(previous)
    }
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

    /// Gives an owner a secret; one that there was is used beside it until a time in seconds since 1970.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn rotate(
        &self,
        owner: &Owner,
        secret: &str,
        previous_until: i64,
    ) -> Result<(), StoreError> {
        let rotated = self
            .update(
                owner,
                "SET previous = secret, previous_until = :until, secret = :secret",
            )
            .condition_expression("attribute_exists(secret)")
            .expression_attribute_values(":until", number(previous_until))
            .expression_attribute_values(":secret", text(secret))
            .send()
            .await;
        match rotated {
            Ok(_) => return Ok(()),
            Err(why) => match why.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => {}
                _ => return Err(sorted(why)),
            },
        }
        let first = self.update(owner, "SET secret = :secret");
        let first = first.expression_attribute_values(":secret", text(secret));
        first.send().await.map_err(sorted).map(drop)
    }

    /// Notes that an address of an owner's wants nothing any more.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn disable(&self, owner: &Owner, url: &str) -> Result<(), StoreError> {
        self.change_disabled(owner, "ADD disabled :urls", url).await
    }

    /// Makes an address of an owner's usable again.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn enable(&self, owner: &Owner, url: &str) -> Result<(), StoreError> {
        self.change_disabled(owner, "DELETE disabled :urls", url)
            .await
    }

    async fn change_disabled(&self, owner: &Owner, how: &str, url: &str) -> Result<(), StoreError> {
        let urls = AttributeValue::Ss(vec![url.to_owned()]);
        let update = self
            .update(owner, how)
            .expression_attribute_values(":urls", urls);
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
