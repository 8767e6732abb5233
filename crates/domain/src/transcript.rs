//! The transcript: what is said in a source, and when. It is stored as `transcript.json`.

mod clarity;

use serde::{Deserialize, Serialize};

pub use self::clarity::Clarity;

use crate::{
    json::explain,
    limits::{MAX_CHARS_PER_MINUTE, MAX_WORD_CHARS, MAX_WORDS_PER_MINUTE},
};

/// The transcript of a source, one segment per sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// Version of the file format, 1.
    pub version: u32,
    /// BCP 47 tag of the spoken language.
    pub language: String,
    /// Length of the source in milliseconds.
    pub duration_ms: u64,
    /// Origin of the words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SpeechOrigin>,
    /// The sentences, in order of time.
    pub segments: Vec<Segment>,
}

/// The origin of a transcript's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpeechOrigin {
    /// Speech recognition.
    Whisper,
    /// Captions written by people.
    Captions,
}

/// One sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Start of the first word.
    pub start_ms: u64,
    /// End of the last word.
    pub end_ms: u64,
    /// Text of the sentence.
    pub text: String,
    /// Speaker, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// Words in order of time.
    pub words: Vec<Word>,
}

/// One spoken word, with its punctuation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Text of the word, without surrounding white space.
    pub text: String,
    /// Start of the word.
    pub start_ms: u64,
    /// End of the word.
    pub end_ms: u64,
    /// Confidence of the recogniser, 0 to 1.
    #[serde(default = "certain")]
    pub confidence: f64,
}

fn certain() -> f64 {
    1.0
}

/// Why a `transcript.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTranscript {
    /// The file is not the JSON of a transcript.
    #[error("not a transcript: {}", explain(.0))]
    Json(#[from] serde_json::Error),
    /// The format version is not supported.
    #[error("transcript version {0} is not supported, only 1")]
    Version(u32),
    /// A segment is invalid: its times are out of order, or a word is too long.
    #[error("segments[{segment}]: {what}")]
    Segment {
        /// Index of the segment.
        segment: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Segment {
    /// Counts the words, at least one.
    fn word_count(&self) -> u64 {
        let read = self.text.split_whitespace().count();
        read.max(self.words.len()).max(1) as u64
    }

    fn letter_count(&self) -> u64 {
        let timed: usize = self
            .words
            .iter()
            .map(|word| word.text.chars().count())
            .sum();
        self.text.chars().count().max(timed) as u64
    }

    /// Gives a sentence that has no words those of its text, each with a share of its time in proportion to its letters.
    fn fill_words(&mut self) {
        if !self.words.is_empty() {
            return;
        }
        let length_ms = self.end_ms - self.start_ms;
        let weight = |word: &str| word.chars().count() as u64;
        let all: u64 = self.text.split_whitespace().map(weight).sum();
        let mut before = 0;
        let words = self.text.split_whitespace().map(|text| {
            let start_ms = self.start_ms + length_ms * before / all;
            before += weight(text);
            Word {
                text: text.to_owned(),
                start_ms,
                end_ms: self.start_ms + length_ms * before / all,
                confidence: certain(),
            }
        });
        self.words = words.collect();
    }

    fn has_overlong_word(&self) -> bool {
        let is_endless = |word: &str| word.chars().nth(MAX_WORD_CHARS).is_some();
        self.words.iter().any(|word| is_endless(&word.text))
            || self.text.split_whitespace().any(is_endless)
    }
}

impl Transcript {
    /// Reads and checks a `transcript.json`.
    ///
    /// # Errors
    /// When it is not a transcript, its times are out of order, or a word is longer than [`MAX_WORD_CHARS`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, InvalidTranscript> {
        let mut transcript: Self = serde_json::from_slice(bytes)?;
        transcript.check()?;
        for segment in &mut transcript.segments {
            segment.fill_words();
        }
        Ok(transcript)
    }

    /// Returns all words in order of time.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        self.segments.iter().flat_map(|segment| &segment.words)
    }

    /// Returns whether it has more words or characters per minute than anybody can speak; a source under a minute counts as one minute.
    pub fn is_too_fast(&self) -> bool {
        let words = self.segments.iter().map(Segment::word_count).sum::<u64>();
        let letters = self.segments.iter().map(Segment::letter_count).sum::<u64>();
        let minute_ms = self.duration_ms.max(60_000);
        let over =
            |count: u64, most: u64| count.saturating_mul(60_000) > most.saturating_mul(minute_ms);
        over(words, MAX_WORDS_PER_MINUTE) || over(letters, MAX_CHARS_PER_MINUTE)
    }

    /// Truncates overlong words: a recogniser may repeat one sound for half a minute.
    pub fn truncate_overlong_words(&mut self) {
        let head = |word: &str| word.chars().take(MAX_WORD_CHARS).collect::<String>();
        for segment in self
            .segments
            .iter_mut()
            .filter(|one| one.has_overlong_word())
        {
            for word in &mut segment.words {
                word.text = head(&word.text);
            }
            let words: Vec<String> = segment.text.split_whitespace().map(head).collect();
            segment.text = words.join(" ");
        }
    }

    /// Returns whether a word is longer than any spoken one, as happens when data is taken for speech.
    pub fn has_overlong_word(&self) -> bool {
        self.segments.iter().any(Segment::has_overlong_word)
    }

    fn check(&self) -> Result<(), InvalidTranscript> {
        if self.version != 1 {
            return Err(InvalidTranscript::Version(self.version));
        }
        let mut previous_ms = 0;
        for (segment, row) in self.segments.iter().enumerate() {
            let wrong = |what| Err(InvalidTranscript::Segment { segment, what });
            if row.start_ms > row.end_ms || row.words.iter().any(|word| word.start_ms > word.end_ms)
            {
                return wrong("ends before it starts");
            }
            if row.start_ms < previous_ms
                || row
                    .words
                    .windows(2)
                    .any(|pair| pair[1].start_ms < pair[0].start_ms)
            {
                return wrong("starts before the previous one");
            }
            if row.has_overlong_word() {
                return wrong("has a word longer than any spoken one");
            }
            previous_ms = row.start_ms;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transcripts_above_the_limit_of_words_per_minute_are_too_fast() {
        let transcript = |segments: u64, text: &str, duration_ms| Transcript {
            version: 1,
            language: "en".into(),
            duration_ms,
            source: None,
            segments: (0..segments)
                .map(|at| Segment {
                    start_ms: at,
                    end_ms: at,
                    text: text.into(),
                    speaker: None,
                    words: Vec::new(),
                })
                .collect(),
        };
        let max = MAX_WORDS_PER_MINUTE;
        assert!(!transcript(max, "two words", 120_000).is_too_fast());
        assert!(transcript(max + 1, "two words", 120_000).is_too_fast());
        // sentences without words count as one word each, and a short source counts as one minute
        assert!(!transcript(max, "", 1000).is_too_fast());
        assert!(transcript(max + 1, "", 1000).is_too_fast());
    }

    /// Builds a transcript of one minute with one sentence.
    fn minute(text: &str) -> Transcript {
        Transcript {
            version: 1,
            language: "zh".into(),
            duration_ms: 60_000,
            source: None,
            segments: vec![Segment {
                start_ms: 0,
                end_ms: 60_000,
                text: text.into(),
                speaker: None,
                words: Vec::new(),
            }],
        }
    }

    #[test]
    fn transcripts_above_the_limit_of_characters_per_minute_are_too_fast() {
        let letters = MAX_CHARS_PER_MINUTE as usize;
        assert!(!minute(&"話".repeat(letters)).is_too_fast());
        assert!(minute(&"話".repeat(letters + 1)).is_too_fast());
    }

    #[test]
    fn words_are_accepted_up_to_their_limit() {
        for letter in ["w", "話", "\u{301}"] {
            let longest = minute(&format!("a {}", letter.repeat(MAX_WORD_CHARS)));
            assert!(!longest.has_overlong_word() && longest.check().is_ok());
            let mut overlong = minute(&format!("a {}", letter.repeat(MAX_WORD_CHARS + 1)));
            assert!(overlong.has_overlong_word() && overlong.check().is_err());
            overlong.truncate_overlong_words();
            assert_eq!(overlong, longest);
        }
    }

    #[test]
    fn a_sentence_without_words_gets_those_of_its_text() {
        let json = r#"{"version":1,"language":"en","duration_ms":9000,"segments":[{"start_ms":1000,"end_ms":2000,"text":" one seven  ","words":[]},
            {"start_ms":2000,"end_ms":3000,"text":" ","words":[]}]}"#;
        let transcript = Transcript::from_json(json.as_bytes()).unwrap();
        let words = transcript.words();
        let words: Vec<_> = words
            .map(|w| (w.text.as_str(), w.start_ms, w.end_ms))
            .collect();
        assert_eq!(words, [("one", 1000, 1375), ("seven", 1375, 2000)]);
    }

    #[test]
    fn times_must_run_forwards() {
        let json = |a: u64, b: u64| {
            format!(
                r#"{{"version":1,"language":"en","duration_ms":9,"segments":[{{"start_ms":{a},"end_ms":{b},"text":"","words":[]}}]}}"#
            )
        };
        assert!(Transcript::from_json(json(1, 2).as_bytes()).is_ok());
        assert!(matches!(
            Transcript::from_json(json(3, 2).as_bytes()),
            Err(InvalidTranscript::Segment { segment: 0, .. })
        ));
        assert!(matches!(
            Transcript::from_json(br#"{"version":2,"language":"","duration_ms":0,"segments":[]}"#),
            Err(InvalidTranscript::Version(2))
        ));
    }
}
