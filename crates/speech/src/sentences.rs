//! Parts words into sentences.

use crate::words::{SpokenWord, is_unspaced};

/// A sentence longer than this (in words, or in milliseconds) is parted at its longest pause.
const LONGEST_WORDS: usize = 80;
const LONGEST_MS: u64 = 30_000;
/// A pause so long ends a sentence whatever the punctuation.
const LONG_PAUSE_MS: u64 = 3_000;
/// After an abbreviation that may end a sentence, a pause so long says that it does.
const CLEAR_PAUSE_MS: u64 = 400;
/// What a comma adds to the pause behind it when a long sentence is parted.
const COMMA_MS: u64 = 300;

const CLOSING: [char; 12] = [
    '"', '\'', '”', '’', ')', ']', '}', '»', '」', '』', '）', '》',
];

/// Abbreviations that always want a word after them.
const LEADING: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "gen", "col", "capt", "lt", "sgt", "rev", "hon", "gov",
    "sen", "rep", "mt", "vs", "e.g", "i.e", "fig", "vol", "pp", "cf", "approx", "mme", "mlle",
    "sra", "srta", "hr", "fr", "nr", "bzw", "ca", "z.b", "d.h",
];
/// Abbreviations that may also stand last in a sentence.
const FREE: &[&str] = &[
    "etc", "inc", "ltd", "co", "corp", "jr", "sr", "a.m", "p.m", "usw",
];

/// The sentences of a talk, none empty.
pub(crate) fn sentences(words: Vec<SpokenWord>) -> Vec<Vec<SpokenWord>> {
    let mut sentences = Vec::new();
    let mut sentence: Vec<SpokenWord> = Vec::new();
    for word in words {
        if sentence.last().is_some_and(|last| ends(last, &word)) {
            part(std::mem::take(&mut sentence), &mut sentences);
        }
        sentence.push(word);
    }
    part(sentence, &mut sentences);
    sentences
}

/// The words of a sentence as they are written.
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
fn ends(word: &SpokenWord, next: &SpokenWord) -> bool {
    let pause_ms = next.start_ms.saturating_sub(word.end_ms);
    if pause_ms >= LONG_PAUSE_MS {
        return true;
    }
    let bare = word.text.trim_end_matches(CLOSING);
    let goes_on = next
        .text
        .chars()
        .find(|c| c.is_alphanumeric())
        .is_some_and(char::is_lowercase);
    match bare.chars().last() {
        Some('。' | '？' | '！' | '।' | '॥' | '؟' | '۔' | '။' | '។') => true,
        Some('?' | '!' | '…') => !goes_on,
        Some('.') if goes_on => false,
        Some('.') => !is_abbreviation(bare, next, pause_ms),
        _ => false,
    }
}

/// Whether the full stop of a word belongs to the word.
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
    let free = FREE.contains(&stem.as_str()) || (acronym && !LEADING.contains(&stem.as_str()));
    numbered || LEADING.contains(&stem.as_str()) || ((initial || free) && pause_ms < CLEAR_PAUSE_MS)
}

/// Adds a sentence, parted until no part is too long.
fn part(sentence: Vec<SpokenWord>, sentences: &mut Vec<Vec<SpokenWord>>) {
    let (Some(first), Some(last)) = (sentence.first(), sentence.last()) else {
        return;
    };
    let spoken_ms = last.end_ms.saturating_sub(first.start_ms);
    // a token of a script without spaces is about half a word
    let words: usize = sentence
        .iter()
        .map(|w| if w.text.contains(is_unspaced) { 1 } else { 2 })
        .sum();
    if (words <= 2 * LONGEST_WORDS && spoken_ms <= LONGEST_MS) || sentence.len() < 4 {
        sentences.push(sentence);
        return;
    }
    let at = longest_pause(&sentence);
    let mut left = sentence;
    let right = left.split_off(at);
    part(left, sentences);
    part(right, sentences);
}

/// The index of the word after the longest pause, not too near to either end.
fn longest_pause(sentence: &[SpokenWord]) -> usize {
    let margin = sentence.len() / 5 + 1;
    let pause = |at: &usize| {
        let (before, after) = (&sentence[at - 1], &sentence[*at]);
        let comma = before
            .text
            .ends_with([',', ';', ':', '，', '、', '；', '：', '،']);
        after.start_ms.saturating_sub(before.end_ms) + if comma { COMMA_MS } else { 0 }
    };
    // of equal pauses the one nearest to the middle
    let off_centre = |at: usize| at.abs_diff(sentence.len() / 2);
    (margin..=sentence.len() - margin)
        .max_by_key(|at| (pause(at), std::cmp::Reverse(off_centre(*at))))
        .unwrap_or(sentence.len() / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Words of 200 ms with 50 ms between; `~` in front of a word stands for a pause of 600 ms, `~~` for one of 4 s.
    fn said(text: &str) -> Vec<SpokenWord> {
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

    fn parted(input: &str) -> Vec<String> {
        sentences(said(input))
            .iter()
            .map(|sentence| text(sentence))
            .collect()
    }

    #[test]
    fn sentences_end_at_their_marks() {
        assert_eq!(
            parted("Is it? Yes! “It is.” Good… And on"),
            ["Is it?", "Yes!", "“It is.”", "Good…", "And on"]
        );
        assert_eq!(
            parted("他好吗？ 很好。 再见"),
            ["他好吗？", "很好。", "再见"]
        );
        assert!(parted("").is_empty() || parted("").len() == 1);
        assert!(sentences(Vec::new()).is_empty());
    }

    #[test]
    fn not_every_mark_ends_one() {
        for whole in [
            "Mr. Smith and Dr. J. R. Jones met St. Paul.",
            "It grew 3.5 percent, e.g. Germany, i.e. Europe.",
            "“Really?” he said and... then left.",
            "The U.S. Army has No. 5 here.",
            "At 5 p.m. we ate bread, cheese, etc. and left.",
        ] {
            assert_eq!(parted(whole), [whole]);
        }
    }

    #[test]
    fn a_pause_decides_after_an_abbreviation_and_a_long_one_always() {
        assert_eq!(
            parted("We left at 5 p.m. ~Then it rained."),
            ["We left at 5 p.m.", "Then it rained."]
        );
        assert_eq!(
            parted("so then ~~Now we begin"),
            ["so then", "Now we begin"]
        );
        assert_eq!(
            parted("It is I. You know. No. Then go."),
            ["It is I.", "You know.", "No.", "Then go."]
        );
    }

    #[test]
    fn an_endless_sentence_is_parted_at_its_longest_pause() {
        let before = "so we go on ".repeat(15);
        let after = "and on we go ".repeat(10);
        let parts = parted(&format!("{before}~{}", after.trim()));
        assert_eq!(parts, [before.trim(), after.trim()]);
    }

    proptest! {
        #[test]
        fn no_word_is_lost_and_no_sentence_is_too_long(words in prop::collection::vec("~?[A-Za-z]{1,4}[.,?!]?", 1..400)) {
            let words = said(&words.join(" "));
            let parts = sentences(words.clone());
            prop_assert!(parts.iter().all(|s| !s.is_empty() && s.len() <= LONGEST_WORDS));
            prop_assert_eq!(parts.concat(), words);
        }
    }
}
