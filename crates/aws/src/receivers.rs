//! The table of receivers: each owner's callback secrets and disabled callback URLs.

use std::{collections::HashSet, fmt};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use domain::{
    Fingerprint, Owner,
    limits::{MAX_DISABLED_ADDRESSES, MAX_PREVIOUS_SECRETS},
};
use serde::{Deserialize, Serialize};

use crate::{
    Connection, StoreError,
    error::{classify, is_applied},
    value::{number, text},
};

/// The callback settings of an owner.
#[derive(Clone, Default, Deserialize)]
pub struct Receiver {
    /// Current signing secret; `None` for a back end that has not created one.
    #[serde(default)]
    pub secret: Option<String>,
    /// Previous secrets that are still valid, oldest first.
    #[serde(default)]
    previous: Vec<Previous>,
    /// Fingerprints of URLs that have unsubscribed with status 410; fingerprints bound the size of the record.
    #[serde(default)]
    disabled: HashSet<String>,
}

/// A secret that has been replaced.
#[derive(Clone, Serialize, Deserialize)]
struct Previous {
    secret: String,
    /// End of its validity, in seconds since 1970.
    until: i64,
}

impl Receiver {
    /// Returns the secrets to sign with at a time in seconds since 1970, the current one first.
    pub fn secrets(&self, now: i64) -> impl Iterator<Item = &str> {
        let previous = self.previous.iter().filter(move |one| now < one.until);
        let previous = previous.map(|one| one.secret.as_str());
        self.secret.as_deref().into_iter().chain(previous)
    }

    /// Returns whether a normalised URL has unsubscribed.
    pub fn is_disabled(&self, url: &str) -> bool {
        self.disabled.contains(&fingerprint(url))
    }

    /// Returns the previous secrets after a rotation.
    fn rotated(self, now: i64, until: i64) -> Vec<Previous> {
        let mut previous = self.previous;
        previous.retain(|one| now < one.until);
        previous.extend(self.secret.map(|secret| Previous { secret, until }));
        let too_many = previous.len().saturating_sub(MAX_PREVIOUS_SECRETS);
        previous.split_off(too_many)
    }
}

/// Omits the secrets.
impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let disabled = &self.disabled;
        f.debug_struct("Receiver")
            .field("disabled", disabled)
            .finish_non_exhaustive()
    }
}

fn fingerprint(url: &str) -> String {
    Fingerprint::of_bytes(url.as_bytes()).to_string()
}

/// The table of receivers.
#[derive(Debug, Clone)]
pub struct ReceiverTable {
    client: Client,
    table: String,
}

impl ReceiverTable {
    /// Opens a table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// Returns the settings of an owner; the default if there are none.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn get(&self, owner: &Owner) -> Result<Receiver, StoreError> {
        let got = self.client.get_item().table_name(&self.table);
        let got = got.key("owner", text(owner.as_str())).consistent_read(true);
        let item = got.send().await.map_err(classify)?.item;
        let receiver = item.map(serde_dynamo::from_item).transpose();
        Ok(receiver
            .map_err(StoreError::unreadable)?
            .unwrap_or_default())
    }

    /// Sets a new secret; the previous one remains valid until a time in seconds since 1970. Returns whether there was one.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn rotate(
        &self,
        owner: &Owner,
        secret: &str,
        now: i64,
        previous_until: i64,
    ) -> Result<bool, StoreError> {
        // a lost round means that another secret was set meanwhile
        for _ in 0..5 {
            let known = self.get(owner).await?;
            if known.secret.as_deref() == Some(secret) {
                // already written: the response was lost
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
            let previous = serde_dynamo::to_attribute_value(known.rotated(now, previous_until));
            let previous = previous.map_err(StoreError::unreadable)?;
            let update = update
                .expression_attribute_values(":secret", text(secret))
                .expression_attribute_values(":previous", previous);
            if is_applied(update.send().await)? {
                return Ok(had_one);
            }
        }
        Err(StoreError::Unavailable(
            "too many concurrent rotations of the secret".to_owned(),
        ))
    }

    /// Disables a URL of an owner; `false` if the owner has too many disabled URLs.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn disable(&self, owner: &Owner, url: &str) -> Result<bool, StoreError> {
        let room =
            "attribute_not_exists(disabled) OR size(disabled) < :max OR contains(disabled, :url)";
        let update = self.update(owner, "ADD disabled :urls");
        let update = update
            .condition_expression(room)
            .expression_attribute_values(":urls", AttributeValue::Ss(vec![fingerprint(url)]))
            .expression_attribute_values(":url", text(&fingerprint(url)))
            .expression_attribute_values(":max", number(i64::from(MAX_DISABLED_ADDRESSES)));
        is_applied(update.send().await)
    }

    /// Enables a URL of an owner again.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn enable(&self, owner: &Owner, url: &str) -> Result<(), StoreError> {
        let update = self.update(owner, "DELETE disabled :urls");
        let update =
            update.expression_attribute_values(":urls", AttributeValue::Ss(vec![fingerprint(url)]));
        update.send().await.map_err(classify).map(drop)
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
