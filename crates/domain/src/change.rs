//! A conditional update of a record, as data. A store executes it atomically; tests apply it in memory.

use serde_json::{Map, Value};

/// A record as plain data: attribute names and their values.
pub type Record = Map<String, Value>;

/// The location of a value: an attribute, or one entry of a map attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// Name of the attribute.
    pub attribute: &'static str,
    /// Key of the entry, if the attribute is a map.
    pub entry: Option<String>,
}

impl From<&'static str> for AttributePath {
    fn from(attribute: &'static str) -> Self {
        Self {
            attribute,
            entry: None,
        }
    }
}

impl AttributePath {
    /// Addresses one entry of a map attribute.
    pub fn entry(attribute: &'static str, entry: impl Into<String>) -> Self {
        Self {
            attribute,
            entry: Some(entry.into()),
        }
    }
}

/// A precondition of a change. A comparison with a missing attribute is false.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The record exists.
    Exists,
    /// The attribute does not exist.
    Missing(&'static str),
    /// The attribute equals this value.
    Equals(&'static str, Value),
    /// The attribute equals one of these values.
    OneOf(&'static str, Vec<Value>),
    /// The attribute is a number less than this.
    Below(&'static str, i64),
    /// The attribute is a number not greater than this.
    AtMost(&'static str, i64),
    /// The attribute is missing or is a set without this string.
    NotContains(&'static str, String),
    /// The attribute is missing or is a set with fewer strings than this.
    FewerThan(&'static str, usize),
    /// At least one of the conditions holds.
    Any(Vec<Condition>),
}

/// An update that is applied only if all its conditions hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    /// Conditions, all of which have to hold.
    pub when: Vec<Condition>,
    /// Values to write.
    pub set: Vec<(AttributePath, Value)>,
    /// Values to write where the attribute does not exist.
    pub set_if_missing: Vec<(&'static str, Value)>,
    /// Numbers to add to attributes.
    pub add: Vec<(&'static str, i64)>,
    /// Strings to add to string sets.
    pub add_to_set: Vec<(&'static str, String)>,
    /// Attributes to remove.
    pub remove: Vec<&'static str>,
}

impl Change {
    /// Starts a change with these conditions.
    pub(crate) fn when(conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self {
            when: conditions.into_iter().collect(),
            ..Self::default()
        }
    }

    pub(crate) fn and(mut self, condition: Condition) -> Self {
        self.when.push(condition);
        self
    }

    pub(crate) fn set(mut self, place: impl Into<AttributePath>, value: impl Into<Value>) -> Self {
        self.set.push((place.into(), value.into()));
        self
    }

    /// Writes the value if there is one; otherwise the existing value is left alone.
    pub(crate) fn set_known(
        self,
        place: impl Into<AttributePath>,
        value: Option<impl Into<Value>>,
    ) -> Self {
        match value {
            Some(value) => self.set(place, value),
            None => self,
        }
    }

    pub(crate) fn set_if_missing(
        mut self,
        attribute: &'static str,
        value: impl Into<Value>,
    ) -> Self {
        self.set_if_missing.push((attribute, value.into()));
        self
    }

    pub(crate) fn add(mut self, attribute: &'static str, number: i64) -> Self {
        self.add.push((attribute, number));
        self
    }

    pub(crate) fn add_to_set(mut self, attribute: &'static str, text: &str) -> Self {
        self.add_to_set.push((attribute, text.to_owned()));
        self
    }

    pub(crate) fn remove(mut self, attributes: &[&'static str]) -> Self {
        self.remove.extend_from_slice(attributes);
        self
    }

    /// Applies the change to a record in memory. Returns `false`, with the record unchanged, if a condition does not hold.
    pub fn apply(&self, record: &mut Record) -> bool {
        if !self.when.iter().all(|condition| condition.holds(record)) {
            return false;
        }
        for (attribute, value) in &self.set_if_missing {
            record.entry(*attribute).or_insert_with(|| value.clone());
        }
        for (place, value) in &self.set {
            match &place.entry {
                None => {
                    record.insert(place.attribute.to_owned(), value.clone());
                }
                Some(entry) => {
                    let map = record
                        .entry(place.attribute)
                        .or_insert_with(|| Map::new().into());
                    map[entry.as_str()] = value.clone();
                }
            }
        }
        for (attribute, number) in &self.add {
            let before = record.get(*attribute).and_then(Value::as_i64).unwrap_or(0);
            record.insert((*attribute).to_owned(), (before + number).into());
        }
        for (attribute, text) in &self.add_to_set {
            let set = record
                .entry(*attribute)
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(texts) = set
                && !texts.iter().any(|existing| existing == text)
            {
                texts.push(text.as_str().into());
                texts.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            }
        }
        for attribute in &self.remove {
            record.remove(*attribute);
        }
        true
    }
}

impl Condition {
    fn holds(&self, record: &Record) -> bool {
        let number = |attribute: &str| record.get(attribute).and_then(Value::as_i64);
        match self {
            Self::Exists => !record.is_empty(),
            Self::Missing(attribute) => !record.contains_key(*attribute),
            Self::Equals(attribute, value) => record.get(*attribute) == Some(value),
            Self::OneOf(attribute, values) => record
                .get(*attribute)
                .is_some_and(|value| values.contains(value)),
            Self::Below(attribute, limit) => number(attribute).is_some_and(|value| value < *limit),
            Self::AtMost(attribute, limit) => {
                number(attribute).is_some_and(|value| value <= *limit)
            }
            Self::NotContains(attribute, text) => !set(record, attribute)
                .iter()
                .any(|existing| existing == text),
            Self::FewerThan(attribute, number) => {
                !record.contains_key(*attribute) || set(record, attribute).len() < *number
            }
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(record)),
        }
    }
}

/// Returns the strings of a set; empty if the attribute does not exist.
fn set<'a>(record: &'a Record, attribute: &str) -> &'a [Value] {
    record
        .get(attribute)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
