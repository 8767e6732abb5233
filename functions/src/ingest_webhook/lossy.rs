//! JSON that Rust cannot represent: unpaired UTF-16 surrogates, which UTF-8 cannot encode, and numbers beyond the largest float.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// Replaces an unpaired surrogate.
const REPLACEMENT: &[u8] = br"\ufffd";
/// Replaces a number of this size or larger; just below the largest float, because a parser may round up to infinity and fail.
const LARGEST: &str = "1e308";
/// Length of an escape such as `\ud83d`.
const ESCAPE: usize = 6;

/// The same JSON with a replacement character for each unpaired surrogate and the largest number for each beyond it.
pub(super) fn representable(json: &[u8]) -> Cow<'_, [u8]> {
    let mut read = Vec::new();
    let (mut copied, mut at) = (0, 0);
    let mut in_text = false;
    while at < json.len() {
        let (length, other) = if in_text {
            part_of_text(json, at)
        } else {
            part(json, at)
        };
        in_text ^= json[at] == b'"';
        if let Some(other) = other {
            read.extend_from_slice(&json[copied..at]);
            read.extend_from_slice(other);
            copied = at + length;
        }
        at += length;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    read.extend_from_slice(&json[copied..]);
    Cow::Owned(read)
}

/// Length of the token at a position inside a string, and its replacement.
fn part_of_text(json: &[u8], at: usize) -> (usize, Option<&'static [u8]>) {
    match (json[at], half(json, at), half(json, at + ESCAPE)) {
        (b'\\', Some(Half::First), Some(Half::Second)) => (2 * ESCAPE, None),
        (b'\\', Some(_), _) => (ESCAPE, Some(REPLACEMENT)),
        (b'\\', None, _) => (2, None),
        _ => (1, None),
    }
}

/// Length of the token at a position outside strings, and its replacement.
fn part(json: &[u8], at: usize) -> (usize, Option<&'static [u8]>) {
    let of_number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let length = json[at..].iter().take_while(of_number).count();
    let number = std::str::from_utf8(&json[at..at + length]).unwrap_or_default();
    (length.max(1), beyond(number))
}

/// The replacement of a number that is too large.
fn beyond(number: &str) -> Option<&'static [u8]> {
    let least: f64 = LARGEST.parse().ok()?;
    let value: f64 = number.parse().ok()?;
    let is_json = || serde_json::from_str::<IgnoredAny>(number).is_ok();
    (value.abs() >= least && is_json()).then(|| match number.strip_prefix('-') {
        Some(_) => b"-1e308".as_slice(),
        None => LARGEST.as_bytes(),
    })
}

#[derive(Clone, Copy)]
enum Half {
    First,
    Second,
}

/// The kind of surrogate that is escaped at a position.
fn half(json: &[u8], at: usize) -> Option<Half> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix(br"\u")?;
    let code = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    match code {
        0xd800..0xdc00 => Some(Half::First),
        0xdc00..0xe000 => Some(Half::Second),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpaired_surrogates_and_huge_numbers_are_replaced() {
        let read =
            |text: &str| String::from_utf8(representable(text.as_bytes()).into_owned()).unwrap();
        for same in [
            "",
            r#"{"a": "b"}"#,
            r#""\ud83d\ude00""#,
            r#"["1e400", "\"1e400", 1e307, -1.5, 01e400, 1e400.5, 1e-400]"#,
            r#""\\ud800""#,
            r#""\u00e9\""#,
            r"\",
            r"\ud8",
            r"\u+d80",
        ] {
            assert_eq!(read(same), same);
        }
        assert_eq!(read(r#""\ud800""#), r#""\ufffd""#);
        assert_eq!(read(r#""\uDC00\ud83d\ude00x""#), r#""\ufffd\ud83d\ude00x""#);
        let huge = "9".repeat(400);
        assert_eq!(
            read(&format!(r#"{{"a1e400": 1e400, "b": [-2.5E+999,{huge}]}}"#)),
            r#"{"a1e400": 1e308, "b": [-1e308,1e308]}"#
        );
        assert_eq!(
            read(r#""\\\ud83d\ud83d\ude00""#),
            r#""\\\ufffd\ud83d\ude00""#
        );
    }
}
