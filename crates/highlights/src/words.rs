//! The lexicon of a talk: which sentences contain which content words.

use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation;

/// In any language, a word in more than this share of the sentences is a function word.
const FUNCTION_WORD_SHARE: f64 = 0.12;

/// Function and filler words of spoken English.
const ENGLISH_FUNCTION_WORDS: &str = "a about above actually after again all also although am an and another any are aren't as ask at away back be because been before being \
    below between both but by came can can't cannot come could couldn't did didn't do does doesn't doing don't done down each else even ever every few for from \
    further gave get gets getting give given go goes going gone gonna good got great had has have haven't having he he's her here here's hers him his how however \
    i i'd i'll i'm i've if in into is isn't it it's its itself just keep kind know known knows let let's like little look looking lot lots made make makes many may \
    maybe me mean means might more most much must my myself need never next no not nothing now of off oh ok okay on once one ones only or other others our out over own \
    people perhaps please put quite rather really right s said same saw say saying says see seen shall she she's should show since so some somehow someone something \
    sometimes sort still stuff such sure t take taken takes tell than that that's the their them then there there's these they they're thing things think this those \
    though through thus to today together too took try trying two uh um under until up upon us use used using very wanna want wants was wasn't way we we'd we'll we're we've \
    well were weren't what what's when where whether which while who whole whom whose why will with within without won't would wouldn't yeah yes yet you you'll \
    you're you've your yours yourself";

/// An index of the content words of a talk.
#[derive(Debug)]
pub(crate) struct Lexicon {
    /// For each sentence, its distinct content words, ascending.
    pub(crate) sentences: Vec<Vec<usize>>,
    /// For each sentence, its number of words.
    pub(crate) lengths: Vec<usize>,
    /// For each content word, the sentences that contain it, ascending.
    pub(crate) occurrences: Vec<Vec<usize>>,
    /// The content words.
    pub(crate) words: Vec<String>,
}

/// The words of a text in lower case, in order.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    text.unicode_words()
        .map(|word| word.to_lowercase().replace('\u{2019}', "'"))
        .collect()
}

/// Whether an English word is a function word.
pub(crate) fn is_english_function_word(word: &str) -> bool {
    ENGLISH_FUNCTION_WORDS
        .split_whitespace()
        .any(|known| known == word)
}

impl Lexicon {
    /// Indexes the sentences `texts`; `language` is a BCP 47 tag.
    pub(crate) fn new(texts: &[&str], language: &str) -> Self {
        let spoken: Vec<Vec<String>> = texts.iter().map(|text| words_of(text)).collect();
        let mut occurrences: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (sentence, words) in spoken.iter().enumerate() {
            for word in words {
                let at = occurrences.entry(word).or_default();
                if at.last() != Some(&sentence) {
                    at.push(sentence);
                }
            }
        }
        let english = is_english(language);
        occurrences.retain(|word, at| is_content(word, at.len(), texts.len(), english));
        let mut sentences = vec![Vec::new(); texts.len()];
        for (word, at) in occurrences.values().enumerate() {
            for &sentence in at {
                sentences[sentence].push(word);
            }
        }
        Self {
            lengths: spoken.iter().map(Vec::len).collect(),
            words: occurrences.keys().map(|&word| word.to_owned()).collect(),
            occurrences: occurrences.into_values().collect(),
            sentences,
        }
    }

    /// Inverse document frequency of a word, with sentences as documents.
    pub(crate) fn idf(&self, word: usize) -> f64 {
        let sentences = self.sentences.len() as f64;
        ((sentences + 1.0) / (self.occurrences[word].len() as f64 + 0.5)).ln()
    }
}

/// Whether a BCP 47 tag means English.
pub(crate) fn is_english(language: &str) -> bool {
    language.split(['-', '_']).next() == Some("en")
}

fn is_content(word: &str, found_in: usize, sentences: usize, english: bool) -> bool {
    let letters = word.chars().count();
    // a single letter is a word in a script without spaces, but not in an alphabet
    let too_short = letters < 2 && word.is_ascii();
    if too_short {
        return false;
    }
    if english {
        return !is_english_function_word(word);
    }
    sentences < 20 || (found_in as f64) < FUNCTION_WORD_SHARE * sentences as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_words_are_indexed_by_sentence() {
        let lexicon = Lexicon::new(
            &[
                "The rocket is ready.",
                "So it is.",
                "Rockets, and the rocket!",
            ],
            "en-US",
        );
        assert_eq!(lexicon.words, ["ready", "rocket", "rockets"]);
        assert_eq!(lexicon.occurrences, [vec![0], vec![0, 2], vec![2]]);
        assert_eq!(lexicon.lengths, [4, 3, 4]);
        assert!(lexicon.idf(0) > lexicon.idf(1));
    }

    #[test]
    fn frequent_words_of_other_languages_are_function_words() {
        let texts: Vec<String> = (0..30).map(|n| format!("der wagen{n} fährt")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let lexicon = Lexicon::new(&texts, "de");
        assert!(
            !lexicon
                .words
                .iter()
                .any(|word| word == "der" || word == "fährt")
        );
        assert_eq!(lexicon.words.len(), 30);
    }

    #[test]
    fn scripts_without_spaces_have_words_too() {
        assert!(!Lexicon::new(&["我们今天讨论火箭"], "zh").words.is_empty());
    }
}
