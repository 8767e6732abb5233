//! Small talks for tests.

use domain::{Segment, Transcript, Word};

use crate::{semantics::Semantics, sound::SoundProfile, talk::Talk, words::Lexicon};

/// A sentence at `start_ms` with its words spread evenly over `length_ms`.
pub(crate) fn segment(start_ms: u64, text: &str, length_ms: u64) -> Segment {
    let texts: Vec<&str> = text.split_whitespace().collect();
    let at = |n: usize| start_ms + n as u64 * length_ms / texts.len() as u64;
    let words = texts
        .iter()
        .enumerate()
        .map(|(n, word)| Word {
            text: (*word).to_owned(),
            start_ms: at(n),
            end_ms: at(n + 1),
            confidence: 1.0,
        })
        .collect();
    Segment {
        start_ms,
        end_ms: start_ms + length_ms,
        text: text.to_owned(),
        speaker: None,
        words,
    }
}

/// An English transcript of sentences, given as start, text and length.
pub(crate) fn transcript(rows: &[(u64, &str, u64)]) -> Transcript {
    let segments: Vec<Segment> = rows
        .iter()
        .map(|&(start_ms, text, length_ms)| segment(start_ms, text, length_ms))
        .collect();
    Transcript {
        version: 1,
        language: "en".into(),
        duration_ms: segments.last().map_or(0, |last| last.end_ms + 200),
        source: None,
        segments,
    }
}

/// A transcript of `texts` in a row: eight seconds each, with short pauses.
pub(crate) fn evenly(texts: &[&str]) -> Transcript {
    let rows: Vec<(u64, &str, u64)> = texts
        .iter()
        .zip(0..)
        .map(|(text, n)| (n * 8300, *text, 8000))
        .collect();
    transcript(&rows)
}

/// The features of a transcript without the embedding model.
pub(crate) fn talk<'a>(transcript: &'a Transcript, sound: Option<&SoundProfile>) -> Talk<'a> {
    let texts: Vec<&str> = transcript
        .segments
        .iter()
        .map(|segment| segment.text.as_str())
        .collect();
    let lexicon = Lexicon::new(&texts, &transcript.language);
    let semantics = Semantics::unknown(&lexicon);
    Talk::with_semantics(transcript, sound, lexicon, &semantics)
}
