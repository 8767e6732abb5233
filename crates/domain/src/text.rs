//! Texts of others, cut where they enter to what a record and an event have room for.

use serde::{Deserialize, Deserializer};
use unicode_segmentation::UnicodeSegmentation;

const REST: char = '\u{2026}';

/// A text of `most_bytes` at most, cut between what a reader takes for letters and then with an ellipsis at its end. Characters that
/// JSON has no short way to write become spaces, so that it is no more than twice as long there.
pub fn truncate(text: &str, most_bytes: usize) -> String {
    let clean = |c: char| match c {
        '\n' | '\t' => c,
        c if c < ' ' => ' ',
        c => c,
    };
    if text.len() <= most_bytes {
        return text.chars().map(clean).collect();
    }
    let room = most_bytes.saturating_sub(REST.len_utf8());
    let start = &text[..text.floor_char_boundary(most_bytes)];
    let ends = start.grapheme_indices(true).map(|(at, one)| at + one.len());
    let whole = ends.take_while(|end| *end <= room).last().unwrap_or(0);
    // one letter may carry hundreds of marks: it is cut too, since leaving it out would leave next to nothing of the text
    let end = if 2 * whole < room {
        text.floor_char_boundary(room)
    } else {
        whole
    };
    let kept = text[..end].trim_end().chars().map(clean);
    kept.chain((most_bytes >= REST.len_utf8()).then_some(REST))
        .collect()
}

/// Reads a text and cuts it.
pub(crate) fn truncated<'de, D: Deserializer<'de>, const MOST: usize>(
    reader: D,
) -> Result<String, D::Error> {
    Ok(truncate(&String::deserialize(reader)?, MOST))
}

/// Reads a text that may be missing or null, and cuts it.
pub(crate) fn truncated_opt<'de, D: Deserializer<'de>, const MOST: usize>(
    reader: D,
) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(reader)?;
    Ok(text.map(|text| truncate(&text, MOST)))
}

/// Reads a text whose parts mean nothing, such as an address; one that is too long becomes an empty one.
pub(crate) fn bounded_or_empty<'de, D: Deserializer<'de>, const MOST: usize>(
    reader: D,
) -> Result<String, D::Error> {
    let text = String::deserialize(reader)?;
    Ok(if text.len() <= MOST {
        text
    } else {
        String::new()
    })
}

/// Reads the same where it may be missing or null; one that is too long becomes none.
pub(crate) fn bounded_opt<'de, D: Deserializer<'de>, const MOST: usize>(
    reader: D,
) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(reader)?;
    Ok(text.filter(|text| text.len() <= MOST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_cut_between_letters() {
        assert_eq!(truncate("whales sing", 11), "whales sing");
        assert_eq!(truncate("whales sing", 10), "whales\u{2026}");
        assert_eq!(truncate("e\u{301}e\u{301}e\u{301}", 7), "e\u{301}\u{2026}");
        // a family is one letter of 18 bytes
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
        fn a_text_is_never_longer_than_its_limit(text in any::<String>(), most in 0_usize..200) {
            let short = truncate(&text, most);
            prop_assert!(short.len() <= most);
            prop_assert!(serde_json::to_string(&short).unwrap().len() <= 2 * most + 2);
            prop_assert_eq!(truncate(&short, most), short);
        }
    }
}
