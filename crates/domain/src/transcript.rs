//! What is said in a source, and when: the file `transcript.json`.

mod clarity;

use serde::{Deserialize, Serialize};

pub use self::clarity::Clarity;

use crate::{
    json::explain,
    limits::{MAX_CHARS_PER_MINUTE, MAX_WORD_CHARS, MAX_WORDS_PER_MINUTE},
};

/// The spoken text of a source. A segment is a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// Version of the file format, 1.
    pub version: u32,
    /// BCP 47 tag of the language spoken.
    pub language: String,
    /// Length of the source in milliseconds.
    pub duration_ms: u64,
    /// Who wrote the words down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SpeechOrigin>,
    /// The sentences, in order of time.
    pub segments: Vec<Segment>,
}

/// Where the words of a transcript come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpeechOrigin {
    /// Speech recognition.
    Whisper,
    /// Captions that people made.
    Captions,
}

/// One sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// When its first word begins.
    pub start_ms: u64,
    /// When its last word ends.
    pub end_ms: u64,
    /// The sentence as it is read.
    pub text: String,
    /// Who says it, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// Its words, in order of time.
    pub words: Vec<Word>,
}

/// One spoken word, with its punctuation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The word as it is read, without surrounding white space.
    pub text: String,
    /// When it begins.
    pub start_ms: u64,
    /// When it ends.
    pub end_ms: u64,
    /// How sure the recogniser is, 0 to 1.
    #[serde(default = "certain")]
    pub confidence: f64,
}

fn certain() -> f64 {
    1.0
}

/// Why a `transcript.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTranscript {
    /// It is not the JSON of a transcript.
    #[error("not a transcript: {}", explain(.0))]
    Json(#[from] serde_json::Error),
    /// Its format is a later one.
    #[error("transcript version {0} is not supported, only 1")]
    Version(u32),
    /// Times run backwards, or a word is none.
    #[error("segments[{segment}]: {what}")]
    Segment {
        /// Index of the offending segment.
        segment: usize,
        /// What is wrong there.
        what: &'static str,
    },
}

impl Segment {
    /// At least one.
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
    /// When it is no transcript, its times do not run forwards, or a word of it is longer than any that is said.
    pub fn from_json(bytes: &[u8]) -> Result<Self, InvalidTranscript> {
        let transcript: Self = serde_json::from_slice(bytes)?;
        transcript.check()?;
        Ok(transcript)
    }

    /// All words in order of time.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        self.segments.iter().flat_map(|segment| &segment.words)
    }

    /// Whether there are more words or letters in it than anybody says in its time; sources under a minute are taken for one.
    pub fn is_too_fast(&self) -> bool {
        let words = self.segments.iter().map(Segment::word_count).sum::<u64>();
        let letters = self.segments.iter().map(Segment::letter_count).sum::<u64>();
        let minute_ms = self.duration_ms.max(60_000);
        let over =
            |count: u64, most: u64| count.saturating_mul(60_000) > most.saturating_mul(minute_ms);
        over(words, MAX_WORDS_PER_MINUTE) || over(letters, MAX_CHARS_PER_MINUTE)
    }

    /// Cuts words that are longer than any that is said: a recogniser may repeat a sound for half a minute.
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

    /// Whether a word of it is longer than any that is said, as data are that were taken for speech.
    pub fn has_overlong_word(&self) -> bool {
        self.segments.iter().any(Segment::has_overlong_word)
    }

    fn check(&self) -> Result<(), InvalidTranscript> {
        if self.version != 1 {
            return Err(InvalidTranscript::Version(self.version));
        }
        let mut before_ms = 0;
        for (segment, row) in self.segments.iter().enumerate() {
            let wrong = |what| Err(InvalidTranscript::Segment { segment, what });
            if row.start_ms > row.end_ms || row.words.iter().any(|word| word.start_ms > word.end_ms)
            {
                return wrong("ends before it starts");
            }
            if row.start_ms < before_ms
                || row
                    .words
                    .windows(2)
                    .any(|pair| pair[1].start_ms < pair[0].start_ms)
            {
                return wrong("starts before the one before it");
            }
            if row.has_overlong_word() {
                return wrong("has a word that is longer than any that is said");
            }
            before_ms = row.start_ms;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_at_the_limit_of_words_a_minute_is_speech_and_a_faster_one_is_not() {
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
        let most = MAX_WORDS_PER_MINUTE;
        assert!(!transcript(most, "two words", 120_000).is_too_fast());
        assert!(transcript(most + 1, "two words", 120_000).is_too_fast());
        // sentences without words count as well, and a short source as a minute
        assert!(!transcript(most, "", 1000).is_too_fast());
        assert!(transcript(most + 1, "", 1000).is_too_fast());
    }

    /// A minute of one sentence.
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
    fn a_transcript_at_the_limit_of_letters_a_minute_is_speech_and_a_fuller_one_is_not() {
        let letters = MAX_CHARS_PER_MINUTE as usize;
        assert!(!minute(&"話".repeat(letters)).is_too_fast());
        assert!(minute(&"話".repeat(letters + 1)).is_too_fast());
    }

    #[test]
    fn a_word_stands_at_its_limit() {
        for letter in ["w", "話", "\u{301}"] {
            let longest = minute(&format!("a {}", letter.repeat(MAX_WORD_CHARS)));
            assert!(!longest.has_overlong_word() && longest.check().is_ok());
            let mut endless = minute(&format!("a {}", letter.repeat(MAX_WORD_CHARS + 1)));
            assert!(endless.has_overlong_word() && endless.check().is_err());
            endless.truncate_overlong_words();
            assert_eq!(endless, longest);
        }
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
