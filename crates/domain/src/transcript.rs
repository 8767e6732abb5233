//! What is said in a source, and when: the file `transcript.json`.

use serde::{Deserialize, Serialize};

use crate::{json::explain, limits::MOST_WORDS_PER_MINUTE};

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
    /// Times run backwards.
    #[error("segments[{segment}]: {what}")]
    Times {
        /// Index of the offending segment.
        segment: usize,
        /// What is wrong there.
        what: &'static str,
    },
}

impl Transcript {
    /// Reads and checks a `transcript.json`.
    ///
    /// # Errors
    /// When it is no transcript or its times do not run forwards.
    pub fn from_json(bytes: &[u8]) -> Result<Self, InvalidTranscript> {
        let transcript: Self = serde_json::from_slice(bytes)?;
        transcript.check()?;
        Ok(transcript)
    }

    /// All words in order of time.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        self.segments.iter().flat_map(|segment| &segment.words)
    }

    /// Whether there are more words in it than anybody says in its time; sources under a minute are taken for one.
    pub fn is_too_fast(&self) -> bool {
        let said = |segment: &Segment| {
            let read = segment.text.split_whitespace().count();
            read.max(segment.words.len()).max(1) as u64
        };
        let words: u64 = self.segments.iter().map(said).sum();
        words.saturating_mul(60_000)
            > MOST_WORDS_PER_MINUTE.saturating_mul(self.duration_ms.max(60_000))
    }

    fn check(&self) -> Result<(), InvalidTranscript> {
        if self.version != 1 {
            return Err(InvalidTranscript::Version(self.version));
        }
        let mut before_ms = 0;
        for (segment, row) in self.segments.iter().enumerate() {
            let wrong = |what| Err(InvalidTranscript::Times { segment, what });
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
        let most = MOST_WORDS_PER_MINUTE;
        assert!(!transcript(most, "two words", 120_000).is_too_fast());
        assert!(transcript(most + 1, "two words", 120_000).is_too_fast());
        // sentences without words count as well, and a short source as a minute
        assert!(!transcript(most, "", 1000).is_too_fast());
        assert!(transcript(most + 1, "", 1000).is_too_fast());
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
            Err(InvalidTranscript::Times { segment: 0, .. })
        ));
        assert!(matches!(
            Transcript::from_json(br#"{"version":2,"language":"","duration_ms":0,"segments":[]}"#),
            Err(InvalidTranscript::Version(2))
        ));
    }
}
