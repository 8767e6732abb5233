//! Text from outside, truncated on entry to the sizes that records and events can hold.

use serde::{Deserialize, Deserializer};
use unicode_segmentation::UnicodeSegmentation;

const ELLIPSIS: char = '\u{2026}';

/// Truncates a text to `max_bytes` at a grapheme boundary, with an ellipsis at its end. Control characters that JSON can only write as
/// `\uXXXX` become spaces, so that the JSON form is at most twice as long.
pub fn truncate(text: &str, max_bytes: usize) -> String {
    let clean = |c: char| match c {
        '\n' | '\t' => c,
        c if c < ' ' => ' ',
        c => c,
    };
    if text.len() <= max_bytes {
        return text.chars().map(clean).collect();
    }
    let room = max_bytes.saturating_sub(ELLIPSIS.len_utf8());
    let start = &text[..text.floor_char_boundary(max_bytes)];
    let ends = start.grapheme_indices(true).map(|(at, one)| at + one.len());
    let whole = ends.take_while(|end| *end <= room).last().unwrap_or(0);
    // one grapheme may have hundreds of combining marks: it is split, since dropping it could drop most of the text
    let end = if 2 * whole < room {
        text.floor_char_boundary(room)
    } else {
        whole
    };
    let kept = text[..end].trim_end().chars().map(clean);
    kept.chain((max_bytes >= ELLIPSIS.len_utf8()).then_some(ELLIPSIS))
        .collect()
}

/// Reads a text and truncates it.
pub(crate) fn truncated<'de, D: Deserializer<'de>, const MAX: usize>(
    reader: D,
) -> Result<String, D::Error> {
    Ok(truncate(&String::deserialize(reader)?, MAX))
}

/// Reads an optional text and truncates it.
pub(crate) fn truncated_opt<'de, D: Deserializer<'de>, const MAX: usize>(
    reader: D,
) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(reader)?;
    Ok(text.map(|text| truncate(&text, MAX)))
}

/// Reads a text that has no meaning when truncated, such as a URL; an overlong one becomes empty.
pub(crate) fn bounded_or_empty<'de, D: Deserializer<'de>, const MAX: usize>(
    reader: D,
) -> Result<String, D::Error> {
    let text = String::deserialize(reader)?;
    Ok(if text.len() <= MAX {
        text
    } else {
        String::new()
    })
}

/// Reads an optional text like [`bounded_or_empty`]; an overlong one becomes `None`.
pub(crate) fn bounded_opt<'de, D: Deserializer<'de>, const MAX: usize>(
    reader: D,
) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(reader)?;
    Ok(text.filter(|text| text.len() <= MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_truncated_between_graphemes() {
        assert_eq!(truncate("whales sing", 11), "whales sing");
        assert_eq!(truncate("whales sing", 10), "whales\u{2026}");
        assert_eq!(truncate("e\u{301}e\u{301}e\u{301}", 7), "e\u{301}\u{2026}");
        // a family emoji is one grapheme of 18 bytes
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        assert_eq!(
            truncate(&family.repeat(3), 39),
            format!("{}\u{2026}", family.repeat(2))
        );
        assert_eq!(truncate(&family.repeat(3), 38), format!("{family}\u{2026}"));
        assert_eq!(truncate("a\u{0}b\nc", 99), "a b\nc");
        let endless = format!("e{}", "\u{301}".repeat(450_000));
        assert_eq!(truncate(&endless, 400).len(), 400);
        assert_eq!(truncate("\u{6f22}\u{5b57}", 1), "");
    }

    proptest! {
        #[test]
        fn a_text_is_never_longer_than_its_limit(text in any::<String>(), max in 0_usize..200) {
            let short = truncate(&text, max);
            prop_assert!(short.len() <= max);
            prop_assert!(serde_json::to_string(&short).unwrap().len() <= 2 * max + 2);
            prop_assert_eq!(truncate(&short, max), short);
        }
    }
}
