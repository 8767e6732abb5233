//! What is wrong with a text of JSON, without the names that Rust has for things, and what may be passed over.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::text::truncate;

/// Bytes of somebody's value that a message repeats.
const SHOWN_BYTES: usize = 60;

/// Says what is wrong to a person who knows JSON and not Rust: `must be a whole number, not "five"`.
pub fn explain(why: &serde_json::Error) -> String {
    let said = why.to_string();
    if !why.is_data() {
        return said;
    }
    let place = format!(" at line {} column {}", why.line(), why.column());
    let said = said.strip_suffix(&place).unwrap_or(&said);
    mismatch(said)
        .or_else(|| unknown(said))
        .or_else(|| named(said))
        .unwrap_or_else(|| said.to_owned())
}

/// `invalid type: string "five", expected u32`, and the same of a value or a length.
fn mismatch(said: &str) -> Option<String> {
    let (kind, rest) = said.strip_prefix("invalid ")?.split_once(' ')?;
    let (got, expected) = rest.rsplit_once(", expected ")?;
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        of_rust if of_rust.starts_with("struct ") => "an object",
        "an array of length 2" => "a list of two",
        other => other,
    };
    Some(if kind == "length" {
        format!("must be {expected}, not of length {got}")
    } else {
        format!("must be {expected}, not {}", value(got))
    })
}

fn value(got: &str) -> String {
    match got {
        "unit value" | "null" => return "null".to_owned(),
        "map" => return "an object".to_owned(),
        "sequence" => return "a list".to_owned(),
        _ => (),
    }
    let kinds = [
        "string ",
        "integer ",
        "floating point ",
        "boolean ",
        "number ",
        "character ",
    ];
    let bare = kinds.iter().find_map(|kind| got.strip_prefix(kind));
    let bare = bare.unwrap_or(got).trim_matches('`');
    if bare.len() > SHOWN_BYTES {
        format!("{}…", truncate(bare, SHOWN_BYTES))
    } else {
        bare.to_owned()
    }
}

/// ``unknown variant `x`, expected one of `a`, `b` ``.
fn unknown(said: &str) -> Option<String> {
    let rest = said.strip_prefix("unknown variant `")?;
    let (got, expected) = rest.rsplit_once("`, expected ")?;
    let shown = truncate(got, SHOWN_BYTES);
    Some(format!("must be {expected}, not `{shown}`"))
}

/// ``missing field `x` ``, ``duplicate field `x` ``.
fn named(said: &str) -> Option<String> {
    let missing = said.strip_prefix("missing field ");
    let twice = said.strip_prefix("duplicate field ");
    missing
        .map(|name| format!("{name} is missing"))
        .or_else(|| twice.map(|name| format!("{name} is there twice")))
}

/// Reads what a later version may write in another way: a name or a shape that is not known is none.
pub(crate) fn if_known<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    reader: D,
) -> Result<Option<T>, D::Error> {
    let told = Value::deserialize(reader)?;
    Ok(serde_json::from_value(told).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClipOptions, Plan};

    fn options(json: &str) -> String {
        explain(&serde_json::from_str::<ClipOptions>(json).unwrap_err())
    }

    #[test]
    fn a_value_of_another_kind_is_told_in_the_words_of_json() {
        for (json, said) in [
            (
                r#"{"minClipSeconds": "5"}"#,
                r#"must be a whole number that is not negative, not "5""#,
            ),
            (
                r#"{"minClipSeconds": -5}"#,
                "must be a whole number that is not negative, not -5",
            ),
            (
                r#"{"removeSilences": {}}"#,
                "must be true or false, not an object",
            ),
            (
                r#"{"topics": "a, expected b"}"#,
                r#"must be a list, not "a, expected b""#,
            ),
            (r#"{"captions": null}"#, "must be a string, not null"),
            ("7", "must be an object, not 7"),
            (
                r#"{"captions": "a", "captions": "b"}"#,
                "`captions` is there twice",
            ),
        ] {
            assert_eq!(options(json), said, "{json}");
        }
        let missing = explain(&serde_json::from_str::<Plan>("{}").unwrap_err());
        assert_eq!(missing, "`version` is missing");
    }

    #[test]
    fn no_more_of_a_value_is_repeated_than_helps() {
        let long = format!(r#"{{"minClipSeconds": "{}"}}"#, "é".repeat(5000));
        assert!(options(&long).len() < 200);
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        assert!(options(r#"{"topics": ["#).contains("line 1"));
    }
}
