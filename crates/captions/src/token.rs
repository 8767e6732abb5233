//! Words prepared for layout: cleaned, punctuation attached to its word, times made monotonic.

use domain::Word;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The unit of layout and highlighting: a word, or a part of a very long one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    /// Never empty, without line breaks.
    pub(crate) text: String,
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    /// Whether a space separates it from the token before it.
    pub(crate) spaced: bool,
}

/// Minimum duration of a token, in milliseconds: recognisers emit words of zero length.
const MIN_DURATION_MS: u64 = 20;

/// Converts words to tokens, in order.
pub(crate) fn tokens(words: &[Word]) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(words.len());
    for word in words {
        let clean = clean(&word.text);
        let parts: Vec<&str> = clean.split_whitespace().collect();
        let weights: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        let times = shares(word.start_ms, word.end_ms.max(word.start_ms), &weights);
        for (part, (start_ms, end_ms)) in parts.into_iter().zip(times) {
            push(&mut tokens, part, start_ms, end_ms);
        }
    }
    join_opening_marks(&mut tokens);
    make_monotonic(&mut tokens);
    tokens
}

/// Removes control characters and directional controls, which could affect text beyond the word.
fn clean(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let foreign =
        |c: &char| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    text.chars().filter(foreign).map(plain).collect()
}

/// Divides a time range in proportion to `weights`.
fn shares(start_ms: u64, end_ms: u64, weights: &[usize]) -> Vec<(u64, u64)> {
    let total = weights.iter().sum::<usize>().max(1) as u64;
    let mut before = 0;
    let at = |weight: u64| start_ms + (end_ms - start_ms) * weight / total;
    weights
        .iter()
        .map(|weight| {
            let from_ms = at(before);
            before += *weight as u64;
            (from_ms, at(before))
        })
        .collect()
}

fn push(tokens: &mut Vec<Token>, part: &str, start_ms: u64, end_ms: u64) {
    let spaced = tokens
        .last()
        .is_some_and(|last| space_between(&last.text, part));
    match tokens.last_mut() {
        Some(last) if is_opening(&last.text) => {
            // French sets a space after its opening mark
            if last.text.ends_with('«') && spaced {
                last.text.push(' ');
            }
            last.text.push_str(part);
            last.end_ms = last.end_ms.max(end_ms);
        }
        Some(last) if needs_base(part) && !is_opening(part) => {
            if spaced && !is_punctuation(part) {
                last.text.push(' ');
            }
            last.text.push_str(part);
            last.end_ms = last.end_ms.max(end_ms);
        }
        _ => tokens.push(Token {
            text: part.to_owned(),
            start_ms,
            end_ms,
            spaced,
        }),
    }
}

/// Whether a part must be attached to the token before it: it has no letter or digit, or begins with a combining mark.
fn needs_base(part: &str) -> bool {
    // a mark forms one cluster with any letter before it
    let after_letter = format!("x{part}");
    let begins_with_mark = after_letter.graphemes(true).next() != Some("x");
    begins_with_mark || !part.chars().any(char::is_alphanumeric)
}

/// Whether a part is nothing but marks that belong to the word after them, as in `¿ Qué`.
fn is_opening(part: &str) -> bool {
    part.chars().all(|c| "([{¿¡“‘«「『（【《".contains(c))
}

fn is_punctuation(part: &str) -> bool {
    part.starts_with(|c: char| ".,;:!?…%)]}»”’'\"。、！？，；：」』）؟،؛।".contains(c))
}

/// Attaches leading punctuation, as in `« Bonjour`, to the first word.
fn join_opening_marks(tokens: &mut Vec<Token>) {
    // one that nothing follows stays with the word before it
    if let [.., before, last] = &mut tokens[..]
        && is_opening(&last.text)
    {
        before.text.push_str(&last.text);
        before.end_ms = before.end_ms.max(last.end_ms);
        tokens.pop();
    }
    let bare = |token: &Token| !token.text.chars().any(char::is_alphanumeric);
    if tokens.len() > 1 && bare(&tokens[0]) {
        let signs = tokens.remove(0);
        let first = &mut tokens[0];
        first.text = signs.text + if first.spaced { " " } else { "" } + &first.text;
        first.start_ms = signs.start_ms;
        first.spaced = false;
    }
}

fn make_monotonic(tokens: &mut [Token]) {
    let mut from_ms = 0;
    for token in tokens {
        token.start_ms = token.start_ms.max(from_ms);
        token.end_ms = token.end_ms.max(token.start_ms + MIN_DURATION_MS);
        from_ms = token.start_ms + MIN_DURATION_MS;
    }
}

/// Whether words are separated by a space here: not next to a script written without spaces.
fn space_between(before: &str, after: &str) -> bool {
    let unspaced = |c: Option<char>| c.is_some_and(is_unspaced);
    !unspaced(before.chars().next_back()) && !unspaced(after.chars().next())
}

/// Whether a character belongs to a script written without spaces: Thai, Lao, Burmese, Khmer, Han and Kana with their punctuation; not Hangul.
pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x2E80..=0x312F | 0x31F0..=0x31FF
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0xFF00..=0xFF9F | 0x2_0000..=0x3_FFFF)
}

impl Token {
    /// Display width in columns, its leading space included; wide characters count as two.
    pub(crate) fn columns(&self) -> usize {
        self.text.width() + usize::from(self.spaced)
    }

    /// Whether it ends a sentence.
    pub(crate) fn ends_sentence(&self) -> bool {
        self.ends_with(".!?…。！？؟।")
    }

    /// Whether it ends a clause.
    pub(crate) fn ends_clause(&self) -> bool {
        self.ends_with(",;:–—、，；：،؛")
    }

    fn ends_with(&self, signs: &str) -> bool {
        let closing = |c: char| "\"'”’»)]」』）".contains(c);
        let text = self.text.trim_end_matches(closing);
        text.chars().next_back().is_some_and(|c| signs.contains(c))
    }

    /// Splits it between grapheme clusters into the fewest parts for which `fits` holds, dividing its time among them.
    pub(crate) fn split(self, fits: impl Fn(&str) -> bool) -> Vec<Self> {
        if fits(&self.text) {
            return vec![self];
        }
        let mut parts: Vec<String> = Vec::new();
        for cluster in self.text.graphemes(true) {
            match parts.last_mut() {
                Some(last) if is_sign(cluster) || fits(&format!("{last}{cluster}")) => {
                    last.push_str(cluster);
                }
                _ => parts.push(cluster.to_owned()),
            }
        }
        let weights: Vec<usize> = parts.iter().map(String::len).collect();
        let times = shares(self.start_ms, self.end_ms, &weights);
        let spaced = std::iter::once(self.spaced).chain(std::iter::repeat(false));
        parts
            .into_iter()
            .zip(times)
            .zip(spaced)
            .map(|((text, (start_ms, end_ms)), spaced)| Self {
                text,
                start_ms,
                end_ms,
                spaced,
            })
            .collect()
    }
}

/// Whether a cluster is punctuation, which must not begin a line.
fn is_sign(cluster: &str) -> bool {
    !cluster.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[&str]) -> Vec<String> {
        let words: Vec<Word> = words
            .iter()
            .zip(0..)
            .map(|(text, at)| Word {
                text: (*text).into(),
                start_ms: at * 300,
                end_ms: at * 300 + 250,
                confidence: 1.0,
            })
            .collect();
        let bar = |token: Token| if token.spaced { " |" } else { "|" }.to_owned() + &token.text;
        tokens(&words).into_iter().map(bar).collect()
    }

    #[test]
    fn punctuation_is_attached_to_a_word() {
        assert_eq!(
            texts(&["Hello", ",", "world", "!"]),
            ["|Hello,", " |world!"]
        );
        assert_eq!(texts(&["one", "–", "two"]), ["|one –", " |two"]);
        assert_eq!(texts(&["«", "Bonjour", "»"]), ["|« Bonjour»"]);
        assert_eq!(
            texts(&["dijo", "¿", "Qué", "?"]),
            ["|dijo", " |¿Qué?"],
            "a mark that opens belongs to the word after it"
        );
        assert_eq!(texts(&["one", "(", "two", ")"]), ["|one", " |(two)"]);
        assert_eq!(texts(&["dit", "«", "Bonjour"]), ["|dit", " |« Bonjour"]);
        assert_eq!(texts(&["the", "end", "("]), ["|the", " |end("]);
        assert_eq!(texts(&["你好", "。", "再见"]), ["|你好。", "|再见"]);
    }

    #[test]
    fn only_scripts_without_spaces_are_joined() {
        assert_eq!(
            texts(&["今日", "は", "good", "day"]),
            ["|今日", "|は", "|good", " |day"]
        );
        assert_eq!(texts(&["안녕", "하세요"]), ["|안녕", " |하세요"]);
        assert_eq!(texts(&["สวัส", "ดี"]), ["|สวัส", "|ดี"]);
        assert_eq!(texts(&["ส", "ี"]), ["|สี"]);
    }

    #[test]
    fn white_space_inside_a_word_splits_it_and_directional_controls_are_removed() {
        assert_eq!(
            texts(&["New\nYork", "", " \u{202e}city"]),
            ["|New", " |York", " |city"]
        );
    }

    #[test]
    fn a_long_word_is_split_between_clusters() {
        let token = Token {
            text: "日本語でした。".into(),
            start_ms: 0,
            end_ms: 700,
            spaced: true,
        };
        let parts = token.split(|text| text.chars().count() <= 3);
        let texts: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(texts, ["日本語", "でした。"]);
        assert_eq!((parts[0].end_ms, parts[1].start_ms), (300, 300));
        assert!(parts[0].spaced && !parts[1].spaced);
    }
}
