//! Assembles the words of all chunks into a transcript.

use domain::{Segment, SpeechOrigin, Transcript, Word};

use crate::language::bcp47_tag;
use crate::sentences::{sentences, text};
use crate::timing::make_monotone;
use crate::words::SpokenWord;

/// Builds the transcript of a source of `duration_ms`; `language` is Whisper's code.
pub(crate) fn transcript(
    chunks: Vec<Vec<SpokenWord>>,
    language: &str,
    duration_ms: u64,
) -> Transcript {
    let mut words = join_chunks(chunks);
    make_monotone(&mut words, duration_ms);
    Transcript {
        version: 1,
        language: bcp47_tag(language).to_owned(),
        duration_ms,
        source: Some(SpeechOrigin::Whisper),
        segments: sentences(words).into_iter().filter_map(segment).collect(),
    }
}

/// Concatenates the words of all chunks, removing the full stop that Whisper puts at a cut within a sentence.
fn join_chunks(chunks: Vec<Vec<SpokenWord>>) -> Vec<SpokenWord> {
    let mut all: Vec<SpokenWord> = Vec::new();
    for chunk in chunks {
        let continues = chunk
            .first()
            .is_some_and(|word| word.text.starts_with(char::is_lowercase));
        if let Some(last) = all.last_mut().filter(|_| continues) {
            let end = last.text.trim_end_matches(['.', '…', '-']).len();
            if end > 0 {
                last.text.truncate(end);
            }
        }
        all.extend(chunk);
    }
    all
}

fn segment(sentence: Vec<SpokenWord>) -> Option<Segment> {
    Some(Segment {
        start_ms: sentence.first()?.start_ms,
        end_ms: sentence.last()?.end_ms,
        text: text(&sentence),
        speaker: None,
        words: sentence.into_iter().map(word).collect(),
    })
}

fn word(word: SpokenWord) -> Word {
    Word {
        text: word.text,
        start_ms: word.start_ms,
        end_ms: word.end_ms,
        confidence: (word.confidence.clamp(0.0, 1.0) * 1000.0).round() / 1000.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(text: &str, from_ms: u64) -> Vec<SpokenWord> {
        let times = (from_ms..).step_by(100);
        text.split(' ')
            .zip(times)
            .map(|(text, start_ms)| SpokenWord {
                text: text.into(),
                spaced: true,
                start_ms,
                end_ms: start_ms + 100,
                confidence: 0.87654,
            })
            .collect()
    }

    #[test]
    fn a_sentence_continues_across_a_cut() {
        let chunks = vec![
            chunk("It is. We saw the...", 0),
            chunk("end of it.", 500),
            chunk("Good.", 800),
        ];
        let transcript = transcript(chunks, "jw", 850);
        let rows: Vec<(&str, u64, u64)> = transcript
            .segments
            .iter()
            .map(|segment| (segment.text.as_str(), segment.start_ms, segment.end_ms))
            .collect();
        let expected = [
            ("It is.", 0, 200),
            ("We saw the end of it.", 200, 800),
            ("Good.", 800, 850),
        ];
        assert_eq!(rows, expected);
        assert_eq!(transcript.language, "jv");
        assert!((transcript.segments[0].words[0].confidence - 0.877).abs() < 1e-9);
    }
}
