//! Splits words into sentences.

use crate::words::{SpokenWord, is_unspaced};

/// A sentence longer than this, in words or in milliseconds, is split at its longest pause.
const MAX_WORDS: usize = 80;
const MAX_MS: u64 = 30_000;
/// A pause this long ends a sentence regardless of punctuation.
const LONG_PAUSE_MS: u64 = 3_000;
/// A pause this long after an abbreviation that may end a sentence means that it does.
const CLEAR_PAUSE_MS: u64 = 400;
/// Bonus that a comma adds to the pause after it when a long sentence is split.
const COMMA_MS: u64 = 300;

const CLOSING: [char; 12] = [
    '"', '\'', '”', '’', ')', ']', '}', '»', '」', '』', '）', '》',
];

/// Abbreviations that never end a sentence.
const NEVER_FINAL: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "gen", "col", "capt", "lt", "sgt", "rev", "hon", "gov",
    "sen", "rep", "mt", "vs", "e.g", "i.e", "fig", "vol", "pp", "cf", "approx", "mme", "mlle",
    "sra", "srta", "hr", "fr", "nr", "bzw", "ca", "z.b", "d.h",
];
/// Abbreviations that may end a sentence.
const MAYBE_FINAL: &[&str] = &[
    "etc", "inc", "ltd", "co", "corp", "jr", "sr", "a.m", "p.m", "usw",
];

/// Splits the words of a talk into sentences, none empty.
pub(crate) fn sentences(words: Vec<SpokenWord>) -> Vec<Vec<SpokenWord>> {
    let mut sentences = Vec::new();
    let mut sentence: Vec<SpokenWord> = Vec::new();
    for word in words {
        if sentence
            .last()
            .is_some_and(|last| ends_sentence(last, &word))
        {
            push_split(std::mem::take(&mut sentence), &mut sentences);
        }
        sentence.push(word);
    }
    push_split(sentence, &mut sentences);
    sentences
}

/// The text of a sentence.
pub(crate) fn text(sentence: &[SpokenWord]) -> String {
    let mut text = String::new();
    for word in sentence {
        if word.spaced && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&word.text);
    }
    text
}

/// Whether a sentence ends between two words.
fn ends_sentence(word: &SpokenWord, next: &SpokenWord) -> bool {
    let pause_ms = next.start_ms.saturating_sub(word.end_ms);
    if pause_ms >= LONG_PAUSE_MS {
        return true;
    }
    let bare = word.text.trim_end_matches(CLOSING);
    let continues = next
        .text
        .chars()
        .find(|c| c.is_alphanumeric())
        .is_some_and(char::is_lowercase);
    match bare.chars().last() {
        Some('。' | '？' | '！' | '।' | '॥' | '؟' | '۔' | '။' | '។') => true,
        Some('?' | '!' | '…') => !continues,
        Some('.') if continues => false,
        Some('.') => !is_abbreviation(bare, next, pause_ms),
        _ => false,
    }
}

/// Whether the full stop of a word belongs to an abbreviation.
fn is_abbreviation(word: &str, next: &SpokenWord, pause_ms: u64) -> bool {
    if word.ends_with("..") {
        return false;
    }
    let stem = word
        .trim_end_matches('.')
        .trim_start_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase();
    let initial = stem.chars().count() == 1 && stem.chars().all(char::is_alphabetic) && stem != "i";
    let acronym = stem.contains('.') && stem.split('.').all(|part| part.chars().count() == 1);
    let numbered = stem == "no" && next.text.starts_with(|c: char| c.is_ascii_digit());
    let maybe_final =
        MAYBE_FINAL.contains(&stem.as_str()) || (acronym && !NEVER_FINAL.contains(&stem.as_str()));
    numbered
        || NEVER_FINAL.contains(&stem.as_str())
        || ((initial || maybe_final) && pause_ms < CLEAR_PAUSE_MS)
}

/// Appends a sentence, split until no part is too long.
fn push_split(sentence: Vec<SpokenWord>, sentences: &mut Vec<Vec<SpokenWord>>) {
    let (Some(first), Some(last)) = (sentence.first(), sentence.last()) else {
        return;
    };
    let spoken_ms = last.end_ms.saturating_sub(first.start_ms);
    // counted in half words: a token of a script without spaces is about half a word
    let words: usize = sentence
        .iter()
        .map(|w| if w.text.contains(is_unspaced) { 1 } else { 2 })
        .sum();
    if (words <= 2 * MAX_WORDS && spoken_ms <= MAX_MS) || sentence.len() < 4 {
        sentences.push(sentence);
        return;
    }
    let at = longest_pause(&sentence);
    let mut left = sentence;
    let right = left.split_off(at);
    push_split(left, sentences);
    push_split(right, sentences);
}

/// The index of the word after the longest pause, not too close to either end.
fn longest_pause(sentence: &[SpokenWord]) -> usize {
    let margin = sentence.len() / 5 + 1;
    let pause = |at: &usize| {
        let (before, after) = (&sentence[at - 1], &sentence[*at]);
        let comma = before
            .text
            .ends_with([',', ';', ':', '，', '、', '；', '：', '،']);
        after.start_ms.saturating_sub(before.end_ms) + if comma { COMMA_MS } else { 0 }
    };
    // among equal pauses, the one nearest the middle
    let off_centre = |at: usize| at.abs_diff(sentence.len() / 2);
    (margin..=sentence.len() - margin)
        .max_by_key(|at| (pause(at), std::cmp::Reverse(off_centre(*at))))
        .unwrap_or(sentence.len() / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Words of 200 ms, 50 ms apart; `~` before a word means a pause of 600 ms, `~~` one of 4 s.
    fn timed(text: &str) -> Vec<SpokenWord> {
        let mut at_ms = 0;
        text.split(' ')
            .map(|word| {
                let bare = word.trim_start_matches('~');
                at_ms += [50, 600, 4_000][word.len() - bare.len()];
                let start_ms = at_ms;
                at_ms += 200;
                SpokenWord {
                    text: bare.into(),
                    spaced: true,
                    start_ms,
                    end_ms: at_ms,
                    confidence: 1.0,
                }
            })
            .collect()
    }

    fn split(input: &str) -> Vec<String> {
        sentences(timed(input))
            .iter()
            .map(|sentence| text(sentence))
            .collect()
    }

    #[test]
    fn sentences_end_at_terminal_punctuation() {
        assert_eq!(
            split("Is it? Yes! “It is.” Good… And on"),
            ["Is it?", "Yes!", "“It is.”", "Good…", "And on"]
        );
        assert_eq!(
            split("他好吗？ 很好。 再见"),
            ["他好吗？", "很好。", "再见"]
        );
        assert!(split("").is_empty() || split("").len() == 1);
        assert!(sentences(Vec::new()).is_empty());
    }

    #[test]
    fn abbreviations_and_ellipses_do_not_end_a_sentence() {
        for whole in [
            "Mr. Smith and Dr. J. R. Jones met St. Paul.",
            "It grew 3.5 percent, e.g. Germany, i.e. Europe.",
            "“Really?” he said and... then left.",
            "The U.S. Army has No. 5 here.",
            "At 5 p.m. we ate bread, cheese, etc. and left.",
        ] {
            assert_eq!(split(whole), [whole]);
        }
    }

    #[test]
    fn a_pause_after_an_abbreviation_or_a_long_pause_ends_a_sentence() {
        assert_eq!(
            split("We left at 5 p.m. ~Then it rained."),
            ["We left at 5 p.m.", "Then it rained."]
        );
        assert_eq!(split("so then ~~Now we begin"), ["so then", "Now we begin"]);
        assert_eq!(
            split("It is I. You know. No. Then go."),
            ["It is I.", "You know.", "No.", "Then go."]
        );
    }

    #[test]
    fn an_overlong_sentence_is_split_at_its_longest_pause() {
        let before = "so we go on ".repeat(15);
        let after = "and on we go ".repeat(10);
        let parts = split(&format!("{before}~{}", after.trim()));
        assert_eq!(parts, [before.trim(), after.trim()]);
    }

    proptest! {
        #[test]
        fn no_word_is_lost_and_no_sentence_is_too_long(words in prop::collection::vec("~?[A-Za-z]{1,4}[.,?!]?", 1..400)) {
            let words = timed(&words.join(" "));
            let parts = sentences(words.clone());
            prop_assert!(parts.iter().all(|s| !s.is_empty() && s.len() <= MAX_WORDS));
            prop_assert_eq!(parts.concat(), words);
        }
    }
}
