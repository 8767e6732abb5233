//! Messages for JSON errors without Rust's type names, and lenient reading of unknown values.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::text::truncate;

/// Bytes of an invalid value that a message quotes.
const QUOTED_BYTES: usize = 60;

/// Explains an error to a reader who knows JSON but not Rust: `must be a whole number, not "five"`.
pub fn explain(why: &serde_json::Error) -> String {
    let message = why.to_string();
    if !why.is_data() {
        return message;
    }
    let position = format!(" at line {} column {}", why.line(), why.column());
    let message = message.strip_suffix(&position).unwrap_or(&message);
    mismatch(message)
        .or_else(|| unknown_variant(message))
        .or_else(|| missing_or_duplicate(message))
        .unwrap_or_else(|| message.to_owned())
}

/// Rewrites `invalid type: string "five", expected u32`, and the like for values and lengths.
fn mismatch(message: &str) -> Option<String> {
    let (kind, rest) = message.strip_prefix("invalid ")?.split_once(' ')?;
    let (got, expected) = rest.rsplit_once(", expected ")?;
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        rust_type if rust_type.starts_with("struct ") => "an object",
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
    if bare.len() > QUOTED_BYTES {
        format!("{}…", truncate(bare, QUOTED_BYTES))
    } else {
        bare.to_owned()
    }
}

/// Rewrites ``unknown variant `x`, expected one of `a`, `b` ``.
fn unknown_variant(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown variant `")?;
    let (got, expected) = rest.rsplit_once("`, expected ")?;
    let quoted = truncate(got, QUOTED_BYTES);
    Some(format!("must be {expected}, not `{quoted}`"))
}

/// Rewrites ``missing field `x` `` and ``duplicate field `x` ``.
fn missing_or_duplicate(message: &str) -> Option<String> {
    let missing = message.strip_prefix("missing field ");
    let duplicate = message.strip_prefix("duplicate field ");
    missing
        .map(|name| format!("{name} is missing"))
        .or_else(|| duplicate.map(|name| format!("{name} appears twice")))
}

/// Reads a value that a later version may write differently: an unknown name or structure becomes `None`.
pub(crate) fn if_known<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    reader: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(reader)?;
    Ok(serde_json::from_value(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClipOptions, Plan};

    fn options(json: &str) -> String {
        explain(&serde_json::from_str::<ClipOptions>(json).unwrap_err())
    }

    #[test]
    fn type_errors_are_explained_in_json_terms() {
        for (json, message) in [
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
                "`captions` appears twice",
            ),
        ] {
            assert_eq!(options(json), message, "{json}");
        }
        let missing = explain(&serde_json::from_str::<Plan>("{}").unwrap_err());
        assert_eq!(missing, "`version` is missing");
    }

    #[test]
    fn long_values_are_quoted_in_part() {
        let long = format!(r#"{{"minClipSeconds": "{}"}}"#, "é".repeat(5000));
        assert!(options(&long).len() < 200);
    }

    #[test]
    fn syntax_errors_have_a_position() {
        assert!(options(r#"{"topics": ["#).contains("line 1"));
    }
}
