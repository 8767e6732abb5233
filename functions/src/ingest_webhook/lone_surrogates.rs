//! Texts of languages whose strings are UTF-16, in which half of a pair may stand alone: no text in UTF-8, though JSON can write it.

use std::borrow::Cow;

/// What stands for a character that is none.
const REPLACEMENT: &[u8] = br"\ufffd";
/// Bytes of an escape such as `\ud83d`.
const ESCAPE: usize = 6;

/// The same JSON with a replacement character for each half of a pair that stands alone.
pub(super) fn without_lone_surrogates(json: &[u8]) -> Cow<'_, [u8]> {
    let mut read = Vec::new();
    let (mut copied, mut at) = (0, 0);
    while at < json.len() {
        match (json[at], half(json, at), half(json, at + ESCAPE)) {
            (b'\\', Some(Half::First), Some(Half::Second)) => at += 2 * ESCAPE,
            (b'\\', Some(_), _) => {
                read.extend_from_slice(&json[copied..at]);
                read.extend_from_slice(REPLACEMENT);
                at += ESCAPE;
                copied = at;
            }
            (b'\\', None, _) => at += 2,
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    read.extend_from_slice(&json[copied..]);
    Cow::Owned(read)
}

#[derive(Clone, Copy)]
enum Half {
    First,
    Second,
}

/// Which half of a pair is escaped here, if one is.
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
    fn half_a_pair_is_replaced_and_nothing_else_is_touched() {
        let read = |text: &str| {
            String::from_utf8(without_lone_surrogates(text.as_bytes()).into_owned()).unwrap()
        };
        for same in [
            "",
            r#"{"a": "b"}"#,
            r#""\ud83d\ude00""#,
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
        assert_eq!(
            read(r#""\\\ud83d\ud83d\ude00""#),
            r#""\\\ufffd\ud83d\ude00""#
        );
    }
}
