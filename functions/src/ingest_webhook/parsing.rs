//! Events as most JSON parsers read them: the last of duplicate keys wins, and unknown fields are ignored.

use domain::{Event, Timestamp, limits::MAX_EVENT_DEPTH};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::lossy::representable;
use crate::http::{Problem, deserialize, parse};

/// Parses an event. A timestamp that cannot be parsed is replaced by the time of receipt.
pub(crate) fn parse_event(json: &[u8], received: Timestamp) -> Result<Event, Problem> {
    let BoundedJson(mut value) = parse(&representable(json))?;
    if let Some(Value::String(time)) = value.get_mut("timestamp")
        && time.parse::<Timestamp>().is_err()
    {
        *time = received.to_string();
    }
    deserialize(value)
}

/// JSON down to the depth of events.
struct BoundedJson(Value);

impl<'de> Deserialize<'de> for BoundedJson {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        Depth(MAX_EVENT_DEPTH).deserialize(reader).map(Self)
    }
}

/// How many more levels of arrays and objects are read; deeper values become null.
#[derive(Clone, Copy)]
struct Depth(usize);

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        match self.0.checked_sub(1) {
            Some(_) => reader.deserialize_any(self),
            // skipped without recursion
            None => IgnoredAny::deserialize(reader).map(|_| Value::Null),
        }
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, is: bool) -> Result<Value, E> {
        Ok(is.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element_seed(Self(self.0 - 1))? {
            all.push(one);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = object.next_key()? {
            // the last of duplicate keys wins
            all.insert(name, object.next_value_seed(Self(self.0 - 1))?);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: &str = "2024-11-28T11:00:00.000Z";

    fn taken(text: &str) -> Event {
        parse_event(text.as_bytes(), RECEIVED.parse().unwrap()).unwrap()
    }

    /// An event with more fields at its end.
    fn with(more: &str) -> Event {
        taken(&format!(
            r#"{{"event": "job.progress", "timestamp": "2024-11-28T10:30:00Z", "job_id": "x", "status": "running",
                "progress_percent": 5, "current_step": "x", {more}}}"#
        ))
    }

    #[test]
    fn the_last_of_duplicate_keys_wins() {
        let event = with(
            r#""job_id": "y", "output": 7, "output": {"total_clips": 1, "total_clips": 2, "clips": [
                {"clip_index": 0, "s3_url": "a", "s3_url": "b", "duration_ms": 9, "virality_score": 1}]}"#,
        );
        let output = event.output.unwrap();
        assert_eq!((event.job_id.as_str(), output.total_clips), ("y", 2));
        assert_eq!(output.clips[0].s3_url, "b");
    }

    #[test]
    fn an_unparsable_timestamp_becomes_the_time_of_receipt() {
        for (written, meant) in [
            ("2024-11-28T10:30:00Z", "2024-11-28T10:30:00.000Z"),
            ("2024-11-28T24:00:00Z", RECEIVED),
            ("yesterday", RECEIVED),
            ("", RECEIVED),
        ] {
            let event = with(&format!(r#""timestamp": "{written}""#));
            assert_eq!(event.timestamp.to_string(), meant, "{written}");
        }
    }

    #[test]
    fn a_number_out_of_range_becomes_the_largest_value() {
        let event =
            with(r#""progress_percent": 1e400, "total_clips": -1E+400, "clips_completed": 1e999"#);
        assert_eq!(
            (
                event.progress_percent.whole(),
                event.total_clips,
                event.clips_completed
            ),
            (100, Some(0), Some(u32::MAX))
        );
    }
}
