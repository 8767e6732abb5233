//! Translates a [`Change`] into `DynamoDB` expressions.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Change, Condition};
use serde_json::Value;

use crate::StoreError;

/// The parameters of an `UpdateItem` call.
#[derive(Debug, Default)]
pub(crate) struct Expression {
    pub(crate) update: String,
    pub(crate) condition: String,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: HashMap<String, AttributeValue>,
}

impl Expression {
    /// Translates a change. The record must exist: an update of a missing item would create it.
    pub(crate) fn new(change: &Change) -> Result<Self, StoreError> {
        let mut expression = Self::default();
        let mut sets = Vec::new();
        for (target, value) in &change.set {
            let mut path = expression.name(target.attribute);
            if let Some(entry) = &target.entry {
                path = format!("{path}.{}", expression.name(entry));
            }
            sets.push(format!("{path} = {}", expression.value(value)?));
        }
        for (attribute, value) in &change.set_if_missing {
            let path = expression.name(attribute);
            sets.push(format!(
                "{path} = if_not_exists({path}, {})",
                expression.value(value)?
            ));
        }
        for (attribute, number) in &change.add {
            let path = expression.name(attribute);
            sets.push(format!(
                "{path} = {path} + {}",
                expression.value(&(*number).into())?
            ));
        }
        let mut update = Vec::new();
        if !sets.is_empty() {
            update.push(format!("SET {}", sets.join(", ")));
        }
        if !change.remove.is_empty() {
            let paths: Vec<_> = change
                .remove
                .iter()
                .map(|attribute| expression.name(attribute))
                .collect();
            update.push(format!("REMOVE {}", paths.join(", ")));
        }
        if !change.add_to_set.is_empty() {
            let sets = change.add_to_set.iter().map(|(attribute, text)| {
                let path = expression.name(attribute);
                let texts = AttributeValue::Ss(vec![text.clone()]);
                format!("{path} {}", expression.attribute(texts))
            });
            update.push(format!("ADD {}", sets.collect::<Vec<_>>().join(", ")));
        }
        expression.update = update.join(" ");
        let mut conditions = vec![expression.condition(&Condition::Exists)?];
        for condition in &change.when {
            conditions.push(expression.condition(condition)?);
        }
        expression.condition = conditions.join(" AND ");
        Ok(expression)
    }

    fn condition(&mut self, condition: &Condition) -> Result<String, StoreError> {
        Ok(match condition {
            Condition::Exists => format!("attribute_exists({})", self.name("id")),
            Condition::Missing(attribute) => {
                format!("attribute_not_exists({})", self.name(attribute))
            }
            Condition::Equals(attribute, value) => {
                format!("{} = {}", self.name(attribute), self.value(value)?)
            }
            Condition::OneOf(attribute, values) => {
                let values: Result<Vec<_>, _> =
                    values.iter().map(|value| self.value(value)).collect();
                format!("{} IN ({})", self.name(attribute), values?.join(", "))
            }
            Condition::Below(attribute, limit) => format!(
                "{} < {}",
                self.name(attribute),
                self.value(&(*limit).into())?
            ),
            Condition::AtMost(attribute, limit) => format!(
                "{} <= {}",
                self.name(attribute),
                self.value(&(*limit).into())?
            ),
            Condition::NotContains(attribute, text) => format!(
                "NOT contains({}, {})",
                self.name(attribute),
                self.value(&text.as_str().into())?
            ),
            Condition::FewerThan(attribute, number) => {
                let path = self.name(attribute);
                let number = self.value(&(*number).into())?;
                format!("(attribute_not_exists({path}) OR size({path}) < {number})")
            }
            Condition::Any(conditions) => {
                let any: Result<Vec<_>, _> =
                    conditions.iter().map(|one| self.condition(one)).collect();
                match any?.as_slice() {
                    // DynamoDB rejects redundant parentheses
                    [one] => one.clone(),
                    several => format!("({})", several.join(" OR ")),
                }
            }
        })
    }

    /// Returns a placeholder for an attribute, whose name may be a reserved word.
    fn name(&mut self, attribute: &str) -> String {
        if let Some((placeholder, _)) = self.names.iter().find(|(_, name)| *name == attribute) {
            return placeholder.clone();
        }
        let placeholder = format!("#n{}", self.names.len());
        self.names.insert(placeholder.clone(), attribute.to_owned());
        placeholder
    }

    fn value(&mut self, value: &Value) -> Result<String, StoreError> {
        let value = serde_dynamo::to_attribute_value(value).map_err(StoreError::unreadable)?;
        Ok(self.attribute(value))
    }

    fn attribute(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }
}
