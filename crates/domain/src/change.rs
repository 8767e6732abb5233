//! A conditional change of a record, as data: a store carries it out in one step, and tests do so in memory.

use serde_json::{Map, Value};

/// A record as plain data: names of attributes and what they hold.
pub type Record = Map<String, Value>;

/// Where a value lies: an attribute, or one entry of an attribute that is a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// Name of the attribute.
    pub attribute: &'static str,
    /// Name of the entry in it.
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
    /// An entry of an attribute that is a map.
    pub fn entry(attribute: &'static str, entry: impl Into<String>) -> Self {
        Self {
            attribute,
            entry: Some(entry.into()),
        }
    }
}

/// What has to hold for a change to happen; an attribute that is missing is neither equal to, below nor above anything.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The record is there.
    Exists,
    /// The attribute is not there.
    Missing(&'static str),
    /// The attribute holds just this.
    Equals(&'static str, Value),
    /// The attribute holds one of these.
    OneOf(&'static str, Vec<Value>),
    /// The attribute is a number below this one.
    Below(&'static str, i64),
    /// The attribute is this number or a lower one.
    AtMost(&'static str, i64),
    /// The attribute is no set, or one without this text.
    NotContains(&'static str, String),
    /// The attribute is no set, or one of fewer texts.
    FewerThan(&'static str, usize),
    /// At least one of them holds.
    Any(Vec<Condition>),
}

/// What is written if every condition holds; nothing otherwise.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    /// All of them have to hold.
    pub when: Vec<Condition>,
    /// Values that are written.
    pub set: Vec<(AttributePath, Value)>,
    /// Values that are written where nothing is yet.
    pub set_if_missing: Vec<(&'static str, Value)>,
    /// Numbers that are added to.
    pub add: Vec<(&'static str, i64)>,
    /// Texts that are put into sets.
    pub add_to_set: Vec<(&'static str, String)>,
    /// Attributes that are taken away.
    pub remove: Vec<&'static str>,
}

impl Change {
    /// A change under conditions.
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

    /// Writes a value that may not be known; then what is there stays.
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

    /// Carries the change out on a record in memory; `false`, and nothing changed, where a condition does not hold.
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
                && !texts.iter().any(|there| there == text)
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
            Self::NotContains(attribute, text) => {
                !set(record, attribute).iter().any(|there| there == text)
            }
            Self::FewerThan(attribute, number) => {
                !record.contains_key(*attribute) || set(record, attribute).len() < *number
            }
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(record)),
        }
    }
}

/// The texts of a set; none where it is not there.
fn set<'a>(record: &'a Record, attribute: &str) -> &'a [Value] {
    record
        .get(attribute)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
