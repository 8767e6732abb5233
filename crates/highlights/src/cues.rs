//! Lexical cues: words and marks that show whether a sentence asks, counts, contrasts, explains or moves.

use std::ops::{Add, Sub};

use crate::words::{is_english, words_of};

const ADDRESS: &str = "you you're you'll you've you'd your yours yourself";
const STRONG: &str = "best worst most least never always everyone nobody nothing everything biggest greatest largest smallest fastest hardest \
    easiest huge massive";
const CONTRAST: &str =
    "but however instead yet although though unlike actually despite whereas rather contrary";
const LESSON: &str = "because therefore means reason reasons important key problem problems result results solution example lesson learn learned \
    learning why how idea principle rule conclusion answer difference goal called define defined works mistake truth fact advice";
const FEELING: &str = "love loved hate hated afraid fear scared amazing incredible wonderful beautiful terrible awful horrible crazy wow shocked \
    surprised surprising surprise happy sad angry cry cried laugh laughed funny exciting excited excitement proud ashamed lonely hope dream dreams pain painful \
    hurt died death dead kill killed war fight dangerous danger heart joy tears brave courage fascinating unbelievable astonishing worried worry terrified";
const STORY: &str = "i i'm i'd i've i'll my me we we're our";

/// Counts of lexical cues in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cues {
    /// All words.
    pub(crate) words: usize,
    /// Question marks.
    pub(crate) questions: usize,
    /// Exclamation marks.
    pub(crate) exclamations: usize,
    /// Numbers.
    pub(crate) numbers: usize,
    /// Words that address the listener.
    pub(crate) address: usize,
    /// Superlatives and absolutes.
    pub(crate) strong: usize,
    /// Words of contrast.
    pub(crate) contrast: usize,
    /// Words of explanation.
    pub(crate) lesson: usize,
    /// Words of emotion.
    pub(crate) feeling: usize,
    /// First-person words.
    pub(crate) story: usize,
}

impl Cues {
    /// Counts the cues of `text`; the word lists are English, marks and digits are counted in any language.
    pub(crate) fn of(text: &str, language: &str) -> Self {
        let words = words_of(text);
        let marks = |set: &[char]| text.matches(set).count();
        let mut cues = Self {
            words: words.len(),
            questions: marks(&['?', '\u{ff1f}', '\u{61f}']),
            exclamations: marks(&['!', '\u{ff01}']),
            numbers: words
                .iter()
                .filter(|word| word.chars().any(char::is_numeric))
                .count(),
            ..Self::default()
        };
        if is_english(language) {
            let count = |list: &str| {
                words
                    .iter()
                    .filter(|word| list.split_whitespace().any(|known| known == word.as_str()))
                    .count()
            };
            cues.address = count(ADDRESS);
            cues.strong = count(STRONG);
            cues.contrast = count(CONTRAST);
            cues.lesson = count(LESSON);
            cues.feeling = count(FEELING);
            cues.story = count(STORY);
        }
        cues
    }

    /// Occurrences per hundred words; texts under 20 words count as 20.
    pub(crate) fn per_hundred(&self, count: usize) -> f64 {
        100.0 * count as f64 / self.words.max(20) as f64
    }
}

impl Cues {
    fn each(self, other: Self, of: impl Fn(usize, usize) -> usize) -> Self {
        Self {
            words: of(self.words, other.words),
            questions: of(self.questions, other.questions),
            exclamations: of(self.exclamations, other.exclamations),
            numbers: of(self.numbers, other.numbers),
            address: of(self.address, other.address),
            strong: of(self.strong, other.strong),
            contrast: of(self.contrast, other.contrast),
            lesson: of(self.lesson, other.lesson),
            feeling: of(self.feeling, other.feeling),
            story: of(self.story, other.story),
        }
    }
}

impl Add for Cues {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.each(other, usize::add)
    }
}

impl Sub for Cues {
    type Output = Self;

    /// Subtracts the counts of a part from a sum.
    fn sub(self, part: Self) -> Self {
        self.each(part, usize::sub)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_are_counted_and_add_up() {
        let asks = Cues::of("Why do you always love 3 rockets?", "en");
        let expected = Cues {
            words: 7,
            questions: 1,
            numbers: 1,
            address: 1,
            strong: 1,
            lesson: 1,
            feeling: 1,
            ..Cues::default()
        };
        assert_eq!(asks, expected);
        assert_eq!((asks + asks).words, 14);
        assert_eq!(asks + asks - asks, asks);
        assert_eq!(Cues::of("you love it!", "de").feeling, 0);
        assert_eq!(Cues::of("you love it!", "de").exclamations, 1);
    }

    #[test]
    fn rates_of_short_texts_are_not_inflated() {
        let cues = Cues::of("I know.", "en");
        assert!((cues.per_hundred(cues.story) - 5.0).abs() < 1e-9);
    }
}
