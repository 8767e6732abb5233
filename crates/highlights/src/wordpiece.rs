//! The tokenizer of an uncased BERT: `WordPiece` over lower-cased words without accents (Devlin et al. 2019).

use std::collections::HashMap;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Maximum tokens of a text, including the two special tokens; a median spoken sentence has 20.
const MAX_TOKENS: usize = 48;
/// Words longer than this many characters are unknown, as in the original.
const MAX_WORD_CHARS: usize = 100;

/// The tokenizer with its vocabulary.
pub(crate) struct WordPiece {
    vocabulary: HashMap<String, i32>,
    begin: i32,
    end: i32,
    unknown: i32,
    /// Length of the longest entry, in bytes.
    longest: usize,
}

impl WordPiece {
    /// Reads the vocabulary from a `tokenizer.json`; the error says what is wrong with it.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, String> {
        let file: serde_json::Value =
            serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let vocabulary: HashMap<String, i32> = file["model"]["vocab"]
            .as_object()
            .ok_or("has no vocabulary")?
            .iter()
            .filter_map(|(piece, id)| Some((piece.clone(), i32::try_from(id.as_i64()?).ok()?)))
            .collect();
        let marker = |piece: &str| {
            vocabulary
                .get(piece)
                .copied()
                .ok_or(format!("has no {piece}"))
        };
        let (begin, end, unknown) = (marker("[CLS]")?, marker("[SEP]")?, marker("[UNK]")?);
        Ok(Self {
            longest: vocabulary.keys().map(String::len).max().unwrap_or(0),
            vocabulary,
            begin,
            end,
            unknown,
        })
    }

    /// The tokens of `text` between `[CLS]` and `[SEP]`, at most `MAX_TOKENS`.
    pub(crate) fn tokens(&self, text: &str) -> Vec<i32> {
        let mut tokens = vec![self.begin];
        for word in split(text) {
            self.push_word(&word, &mut tokens);
            if tokens.len() >= MAX_TOKENS {
                break;
            }
        }
        tokens.truncate(MAX_TOKENS - 1);
        tokens.push(self.end);
        tokens
    }

    /// Appends the longest matching entries from left to right, or one unknown token if a part of the word matches none.
    fn push_word(&self, word: &str, tokens: &mut Vec<i32>) {
        let before = tokens.len();
        let mut rest = if word.chars().count() > MAX_WORD_CHARS {
            "\u{0}"
        } else {
            word
        };
        while !rest.is_empty() {
            let inner = if tokens.len() > before { "##" } else { "" };
            let mut ends = rest[..rest.floor_char_boundary(self.longest)]
                .char_indices()
                .map(|(at, c)| at + c.len_utf8())
                .rev();
            let longest = ends.find_map(|end| {
                Some((
                    end,
                    *self.vocabulary.get(&format!("{inner}{}", &rest[..end]))?,
                ))
            });
            let Some((end, id)) = longest else {
                tokens.truncate(before);
                tokens.push(self.unknown);
                return;
            };
            tokens.push(id);
            rest = &rest[end..];
        }
    }
}

/// Splits a text into words, punctuation marks and single Chinese characters, in lower case without accents.
fn split(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let plain = text
        .nfd()
        .filter(|&c| !is_combining_mark(c))
        .flat_map(char::to_lowercase);
    for c in plain {
        if c.is_whitespace() {
            words.push(String::new());
        } else if is_punctuation(c) || is_ideograph(c) {
            words.extend([c.to_string(), String::new()]);
        } else if let Some(word) = words
            .last_mut()
            .filter(|_| !c.is_control() && c != '\u{ad}')
        {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || (!c.is_alphanumeric()
            && matches!(c, '\u{a1}'..='\u{bf}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3011}' | '\u{ff01}'..='\u{ff65}'))
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> WordPiece {
        let json = br###"{"model":{"vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"rocket":3,"##s":4,"naive":5,",":6,"\u6211":7,"un":8}}}"###;
        WordPiece::from_json(json).unwrap()
    }

    #[test]
    fn words_are_split_into_the_longest_matching_entries() {
        assert_eq!(small().tokens("Rockets, na\u{ef}ve"), [1, 3, 4, 6, 5, 2]);
        assert_eq!(small().tokens("unknown \u{6211}\u{6211}"), [1, 0, 7, 7, 2]);
        assert_eq!(small().tokens(""), [1, 2]);
    }

    #[test]
    fn long_texts_are_truncated_and_long_words_are_unknown() {
        let tokens = small().tokens(&"rocket ".repeat(100));
        assert_eq!((tokens.len(), tokens[MAX_TOKENS - 1]), (MAX_TOKENS, 2));
        assert_eq!(small().tokens(&"un".repeat(60)), [1, 0, 2]);
    }

    #[test]
    fn a_file_without_vocabulary_is_rejected() {
        assert!(WordPiece::from_json(b"{}").is_err());
        assert!(WordPiece::from_json(br#"{"model":{"vocab":{"[UNK]":0}}}"#).is_err());
    }
}
