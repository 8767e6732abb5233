//! Joins tokens into words with times, in scripts with and without spaces.

use unicode_segmentation::GraphemeCursor;

use crate::whisper::TokenTime;

/// A recognised word.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SpokenWord {
    /// Includes its punctuation.
    pub(crate) text: String,
    /// Whether a space precedes it.
    pub(crate) spaced: bool,
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    pub(crate) confidence: f64,
}

/// One or more tokens that form complete characters.
#[derive(Debug, Clone)]
struct Fragment {
    text: String,
    times: Vec<TokenTime>,
}

/// Joins the tokens of a chunk, given as bytes and times, into words; times are relative to the chunk.
pub(crate) fn words(tokens: impl IntoIterator<Item = (Vec<u8>, TokenTime)>) -> Vec<SpokenWord> {
    let mut groups: Vec<Vec<Fragment>> = Vec::new();
    for fragment in fragments(tokens) {
        match groups.last_mut() {
            Some(group) if !begins_word(group, &fragment) => group.push(fragment),
            _ => groups.push(vec![fragment]),
        }
    }
    attach_punctuation(groups.iter().filter_map(|group| word(group)).collect())
}

/// Joins tokens until their bytes are complete characters.
fn fragments(tokens: impl IntoIterator<Item = (Vec<u8>, TokenTime)>) -> Vec<Fragment> {
    let mut fragments = Vec::new();
    let mut bytes: Vec<u8> = Vec::new();
    let mut times = Vec::new();
    for (more, time) in tokens {
        bytes.extend(more);
        times.push(time);
        let incomplete =
            std::str::from_utf8(&bytes).is_err_and(|error| error.error_len().is_none());
        if !incomplete {
            fragments.push(Fragment {
                // invalid bytes leave an empty text, which is dropped later
                text: String::from_utf8_lossy(&bytes).replace('\u{fffd}', ""),
                times: std::mem::take(&mut times),
            });
            bytes.clear();
        }
    }
    fragments
}

fn begins_word(group: &[Fragment], fragment: &Fragment) -> bool {
    let before: String = group
        .iter()
        .map(|fragment| fragment.text.as_str())
        .collect();
    let Some(first) = fragment.text.chars().next() else {
        return false;
    };
    let last = before.chars().rfind(|c| c.is_alphanumeric());
    let meets_unspaced =
        is_unspaced(first) || (first.is_alphanumeric() && last.is_some_and(is_unspaced));
    first.is_whitespace() || (meets_unspaced && is_grapheme_boundary(&before, &fragment.text))
}

fn is_grapheme_boundary(before: &str, after: &str) -> bool {
    let text = [before, after].concat();
    GraphemeCursor::new(before.len(), text.len(), true)
        .is_boundary(&text, 0)
        .unwrap_or(true)
}

/// Whether a character belongs to a script written without spaces.
pub(crate) fn is_unspaced(character: char) -> bool {
    matches!(character,
        '\u{0e00}'..='\u{0eff}'       // Thai, Lao
        | '\u{1000}'..='\u{109f}'     // Burmese
        | '\u{1780}'..='\u{17ff}'     // Khmer
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' // Japanese
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}')
}

/// Whether a text is pronounced, as opposed to punctuation.
fn is_spoken(text: &str) -> bool {
    text.contains(|c: char| c.is_alphanumeric() || "&+=%$€£¥#@°".contains(c))
}

fn word(group: &[Fragment]) -> Option<SpokenWord> {
    let text: String = group
        .iter()
        .map(|fragment| fragment.text.as_str())
        .collect();
    let spoken = group.iter().filter(|fragment| is_spoken(&fragment.text));
    let mut times: Vec<TokenTime> = spoken.flat_map(|fragment| fragment.times.clone()).collect();
    if times.is_empty() {
        times = group
            .iter()
            .flat_map(|fragment| fragment.times.clone())
            .collect();
    }
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| SpokenWord {
        text: trimmed.to_owned(),
        spaced: text.starts_with(char::is_whitespace),
        start_ms: times[0].start_ms,
        end_ms: times[times.len() - 1].end_ms.max(times[0].start_ms),
        confidence: times.iter().map(|time| time.probability).sum::<f64>() / times.len() as f64,
    })
}

/// Attaches punctuation that is a word by itself to a neighbour: opening marks to the next word, others to the previous one.
fn attach_punctuation(words: Vec<SpokenWord>) -> Vec<SpokenWord> {
    let mut joined: Vec<SpokenWord> = Vec::with_capacity(words.len());
    let mut opening = String::new();
    for mut word in words {
        if is_spoken(&word.text) {
            word.text.insert_str(0, &opening);
            opening.clear();
            joined.push(word);
        } else if word.text.starts_with(OPENING) || joined.is_empty() {
            opening.push_str(&word.text);
        } else if let Some(before) = joined.last_mut() {
            if word.spaced {
                before.text.push(' ');
            }
            before.text.push_str(&word.text);
        }
    }
    joined
}

const OPENING: [char; 14] = [
    '(', '[', '{', '¿', '¡', '“', '‘', '„', '«', '「', '『', '（', '《', '〈',
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens of 100 ms each with a probability of 0.9.
    fn spoken(tokens: &[&[u8]]) -> Vec<SpokenWord> {
        let times = (0..).map(|at| TokenTime {
            start_ms: at * 100,
            end_ms: at * 100 + 100,
            probability: 0.9,
        });
        words(tokens.iter().map(|token| token.to_vec()).zip(times))
    }

    fn row(word: &SpokenWord) -> String {
        let SpokenWord {
            text,
            spaced,
            start_ms,
            end_ms,
            ..
        } = word;
        format!(
            "{}{text} {start_ms}-{end_ms}",
            if *spaced { "_" } else { "" }
        )
    }

    #[test]
    fn words_are_split_at_spaces_and_keep_their_punctuation() {
        let said = spoken(&[
            b" \xe2\x80\x9c",
            b"An",
            b" ill",
            b"-",
            b"dis",
            b"posed",
            b" man",
            b",",
            b" $",
            b"5",
            b".",
            b"20",
            b"!\xe2\x80\x9d",
        ]);
        let rows: Vec<String> = said.iter().map(row).collect();
        assert_eq!(
            rows,
            [
                "_“An 100-200",
                "_ill-disposed 200-600",
                "_man, 600-700",
                "_$5.20! 800-1200".replace('!', "!”").as_str()
            ]
        );
    }

    #[test]
    fn standalone_punctuation_is_attached_to_a_neighbour() {
        let rows: Vec<String> = spoken(&[b" Yes", b" -", b" (", b"no", b" &", b" me", b" ..."])
            .iter()
            .map(row)
            .collect();
        assert_eq!(
            rows,
            [
                "_Yes - 0-100",
                "_(no 300-400",
                "_& 400-500",
                "_me ... 500-600"
            ]
        );
    }

    #[test]
    fn scripts_without_spaces_are_split_at_tokens_of_complete_characters() {
        let split = "你".as_bytes();
        let said = spoken(&[
            &split[..2],
            &split[2..],
            "好，".as_bytes(),
            "世界".as_bytes(),
            "。".as_bytes(),
            b"OK",
            "啦".as_bytes(),
        ]);
        let rows: Vec<String> = said.iter().map(row).collect();
        assert_eq!(
            rows,
            [
                "你 0-200",
                "好， 200-300",
                "世界。 300-400",
                "OK 500-600",
                "啦 600-700"
            ]
        );
    }

    #[test]
    fn a_vowel_sign_stays_with_its_consonant() {
        let rows: Vec<String> = spoken(&["ก".as_bytes(), "ิน".as_bytes(), "ข้าว".as_bytes()])
            .iter()
            .map(row)
            .collect();
        assert_eq!(rows, ["กิน 0-200", "ข้าว 200-300"]);
    }

    #[test]
    fn invalid_bytes_are_dropped() {
        assert_eq!(spoken(&[b"\xff", b" a"]).len(), 1);
        assert!(spoken(&[b"\xe4\xbd"]).is_empty());
    }
}
