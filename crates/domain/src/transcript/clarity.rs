//! The clarity of a transcript: whether the recogniser's words can be trusted.

use super::{Segment, Transcript};

/// Mean word confidence below which a passage counts as unclear. Measured with Whisper base: readings, noisy telephone lines and
/// overlapping speakers have 0.69 to 0.96; unsupported languages and voices have 0.30 to 0.57.
const MIN_CONFIDENCE: f64 = 0.6;
/// Milliseconds of words below which the mean is not significant.
const MIN_SPOKEN_MS: u64 = 4_000;
/// The same threshold for digit runs: Whisper transcribes some unsupported speech as digits, with a higher confidence than other errors,
/// up to 0.77; telephone numbers and counting have 0.86 and more.
const MIN_DIGITS_CONFIDENCE: f64 = 0.8;
/// Share of digits among letters and digits above which a text counts as a digit run.
const MAX_DIGIT_SHARE: f64 = 0.25;
/// Number of letters and digits below which that share is not significant.
const MIN_CHARS: usize = 100;

/// The sums behind a mean word confidence, weighted by time; the sums of adjacent passages add up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Clarity {
    spoken_ms: u64,
    confidence_ms: f64,
}

impl Clarity {
    /// Sums over the words of some sentences.
    pub fn of(segments: &[Segment]) -> Self {
        segments.iter().map(Segment::clarity).sum()
    }

    /// Returns whether the mean confidence is too low to show these words.
    pub fn is_unclear(self) -> bool {
        self.is_below(MIN_CONFIDENCE)
    }

    fn is_below(self, confidence: f64) -> bool {
        self.spoken_ms >= MIN_SPOKEN_MS && self.confidence_ms < confidence * self.spoken_ms as f64
    }
}

impl std::ops::Sub for Clarity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            spoken_ms: self.spoken_ms - other.spoken_ms,
            confidence_ms: self.confidence_ms - other.confidence_ms,
        }
    }
}

impl std::ops::Add for Clarity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            spoken_ms: self.spoken_ms + other.spoken_ms,
            confidence_ms: self.confidence_ms + other.confidence_ms,
        }
    }
}

impl std::iter::Sum for Clarity {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), std::ops::Add::add)
    }
}

impl Segment {
    /// Sums over the words of the sentence, each weighted by its length.
    pub fn clarity(&self) -> Clarity {
        let each = self.words.iter().map(|word| {
            let spoken_ms = word.end_ms.saturating_sub(word.start_ms);
            Clarity {
                spoken_ms,
                confidence_ms: word.confidence * spoken_ms as f64,
            }
        });
        each.sum()
    }
}

impl Transcript {
    /// Returns whether the talk as a whole is unclear: its words have a low confidence, or are mostly digits.
    pub fn is_unclear(&self) -> bool {
        let clarity = Clarity::of(&self.segments);
        clarity.is_unclear() || (clarity.is_below(MIN_DIGITS_CONFIDENCE) && self.is_mostly_digits())
    }

    fn is_mostly_digits(&self) -> bool {
        let texts = self.segments.iter().map(|segment| &segment.text);
        let (mut letters, mut digits) = (0_usize, 0_usize);
        for letter in texts.flat_map(|text| text.chars()) {
            letters += usize::from(letter.is_alphanumeric());
            digits += usize::from(letter.is_numeric());
        }
        letters >= MIN_CHARS && digits as f64 > letters as f64 * MAX_DIGIT_SHARE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Word;

    fn words(confidences: &[f64]) -> Transcript {
        let words = confidences
            .iter()
            .zip(0_u64..)
            .map(|(&confidence, at)| Word {
                text: "word".into(),
                start_ms: at * 1000,
                end_ms: at * 1000 + 500,
                confidence,
            });
        transcript(vec![Segment {
            start_ms: 0,
            end_ms: 60_000,
            text: "word".into(),
            speaker: None,
            words: words.collect(),
        }])
    }

    fn transcript(segments: Vec<Segment>) -> Transcript {
        Transcript {
            version: 1,
            language: "en".into(),
            duration_ms: 60_000,
            source: None,
            segments,
        }
    }

    fn text(text: &str, confidence: f64) -> Transcript {
        let mut transcript = words(&[confidence; 20]);
        transcript.segments[0].text = text.into();
        transcript
    }

    #[test]
    fn low_confidence_is_unclear_on_the_whole_but_not_for_a_few_words() {
        assert!(words(&[0.55; 20]).is_unclear());
        assert!(!words(&[0.65; 20]).is_unclear());
        assert!(!words(&[0.3; 7]).is_unclear(), "too short to judge");
        let mixed: Vec<f64> = [0.9; 15].into_iter().chain([0.2; 5]).collect();
        assert!(!words(&mixed).is_unclear());
        assert!(!words(&[]).is_unclear(), "sentences without words");
    }

    #[test]
    fn the_clarity_of_a_passage_is_a_difference_of_sums() {
        let (all, first) = (words(&[0.9, 0.8, 0.7]), words(&[0.9, 0.8]));
        let rest = Clarity::of(&all.segments) - Clarity::of(&first.segments);
        assert_eq!(rest.spoken_ms, 500);
        assert!((rest.confidence_ms - 350.0).abs() < 1e-9);
    }

    #[test]
    fn digit_runs_are_unclear_but_numbers_in_a_talk_are_not() {
        let digits = "In 1.1.5.5.2.2.3 HEN3U-1-2-N4-8-1-4-4 ".repeat(12);
        assert!(text(&digits, 0.75).is_unclear());
        assert!(!text(&digits, 0.85).is_unclear(), "somebody spells them");
        for talk in [
            "In 1969 we sold 2,500 of them, and in 1970 it was 10,000, which nobody in the company had believed when we began with it. ",
            "我们在2019年卖了一百万部手机，今天我们来谈谈人工智能的发展历史。很多人认为机器不能思考。",
        ] {
            assert!(!text(&talk.repeat(9), 0.7).is_unclear(), "{talk}");
        }
        assert!(!text("1, 2, 3, 4, 5, 6, 7, 8, 9, 10", 0.7).is_unclear());
    }
}
