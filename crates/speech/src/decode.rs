//! Decodes chunks, with a second pass where the first went wrong: dropped text, loops, hallucinated words.

use std::ops::Range;

use crate::SpeechError;
use crate::chunk::Chunk;
use crate::mel::Spectrogram;
use crate::pcm::ms;
use crate::repetition::{find_loop, without_loops};
use crate::timing::snap_to_speech;
use crate::whisper::{Decoding, Hypothesis, WhisperModel};
use crate::words::{SpokenWord, is_unspaced, words};

/// Speech without a word for this long means that text was dropped.
const MIN_DROPPED_MS: u64 = 2_500;
/// Maximum duration of a word, and tolerance of the alignment on each side of it.
const MAX_WORD_MS: u64 = 1_500;
const ALIGNMENT_TOLERANCE_MS: u64 = 250;
/// Minimum letters per second of speech: people speak 10 to 20, fewer than this means that text was dropped.
const MIN_LETTERS_PER_S: f64 = 4.0;
/// Below this mean log probability a text is doubtful, and above this probability of silence it is a hallucination (Whisper's
/// published defaults).
const MIN_LOG_PROBABILITY: f64 = -1.0;
const MAX_NO_SPEECH: f64 = 0.6;
/// A word farther from any speech is a hallucination.
const MAX_DISTANCE_FROM_SPEECH_MS: u64 = 1_000;

/// The result of decoding a chunk once; times are in the source.
#[derive(Debug, Clone)]
struct Attempt {
    words: Vec<SpokenWord>,
    has_loop: bool,
    log_probability: f64,
}

/// Recognises the words of each chunk of a batch; times are in the source.
pub(crate) fn recognise(
    model: &WhisperModel,
    chunks: &[Chunk],
    spectrograms: &[Spectrogram],
    language: &str,
) -> Result<Vec<Vec<SpokenWord>>, SpeechError> {
    let attempts = transcribe(model, chunks, spectrograms, language, Decoding::Standard)?;
    attempts
        .into_iter()
        .zip(chunks)
        .map(|(attempt, chunk)| {
            let best = if needs_second_pass(&attempt, chunk) {
                second_pass(model, chunk, language, attempt)?
            } else {
                attempt
            };
            Ok(near_speech(best.words, chunk))
        })
        .collect()
}

fn transcribe(
    model: &WhisperModel,
    chunks: &[Chunk],
    spectrograms: &[Spectrogram],
    language: &str,
    decoding: Decoding,
) -> Result<Vec<Attempt>, SpeechError> {
    let encoded = model.encode(spectrograms)?;
    let hypotheses = model.decode(&encoded, language, decoding)?;
    let texts: Vec<Vec<usize>> = hypotheses
        .iter()
        .map(|hypothesis| {
            if is_hallucination(hypothesis) {
                Vec::new()
            } else {
                without_loops(&hypothesis.tokens)
            }
        })
        .collect();
    let times = model.align(&encoded, language, &texts)?;
    let rows = hypotheses.iter().zip(texts).zip(times).zip(chunks);
    Ok(rows
        .map(|(((hypothesis, text), times), chunk)| {
            let bytes = text.iter().filter_map(|id| model.vocabulary.bytes(*id));
            Attempt {
                words: in_source_time(words(bytes.zip(times)), chunk),
                has_loop: find_loop(&hypothesis.tokens).is_some(),
                log_probability: hypothesis.log_probability,
            }
        })
        .collect())
}

/// Converts word times from the chunk to the source and snaps them to speech.
fn in_source_time(mut words: Vec<SpokenWord>, chunk: &Chunk) -> Vec<SpokenWord> {
    let offset_ms = ms(chunk.start);
    for word in &mut words {
        word.start_ms += offset_ms;
        word.end_ms += offset_ms;
    }
    snap_to_speech(&mut words, &speech_ms(chunk).collect::<Vec<_>>());
    words
}

fn is_hallucination(hypothesis: &Hypothesis) -> bool {
    hypothesis.no_speech > MAX_NO_SPEECH && hypothesis.log_probability < MIN_LOG_PROBABILITY
}

fn needs_second_pass(attempt: &Attempt, chunk: &Chunk) -> bool {
    let letters: usize = attempt.words.iter().map(|word| letters(&word.text)).sum();
    let seconds = chunk.speech_seconds();
    attempt.has_loop
        || attempt.log_probability < MIN_LOG_PROBABILITY
        || (seconds > 1.5 && (letters as f64) < MIN_LETTERS_PER_S * seconds)
        || longest_uncovered_ms(&attempt.words, chunk) >= MIN_DROPPED_MS
}

/// Decodes a chunk again in two parts and returns the better of both attempts.
fn second_pass(
    model: &WhisperModel,
    chunk: &Chunk,
    language: &str,
    first: Attempt,
) -> Result<Attempt, SpeechError> {
    let decoding = if first.has_loop {
        Decoding::NoRepeats
    } else {
        Decoding::Standard
    };
    let parts = chunk.split().map_or_else(|| vec![chunk.clone()], Vec::from);
    let mut second = Attempt {
        words: Vec::new(),
        has_loop: false,
        log_probability: 0.0,
    };
    for part in &parts {
        let spectrogram = [model.spectrogram(part)];
        for attempt in transcribe(
            model,
            std::slice::from_ref(part),
            &spectrogram,
            language,
            decoding,
        )? {
            second.words.extend(attempt.words);
            second.has_loop |= attempt.has_loop;
            second.log_probability += attempt.log_probability / parts.len() as f64;
        }
    }
    let better = penalty(&second, chunk) < penalty(&first, chunk);
    Ok(if better { second } else { first })
}

/// Penalty of an attempt, roughly in seconds of speech that were missed.
fn penalty(attempt: &Attempt, chunk: &Chunk) -> f64 {
    let loop_penalty = if attempt.has_loop { 10.0 } else { 0.0 };
    let doubt_penalty = (MIN_LOG_PROBABILITY - attempt.log_probability).max(0.0) * 5.0;
    loop_penalty + doubt_penalty + longest_uncovered_ms(&attempt.words, chunk) as f64 / 1000.0
}

/// Number of alphabetic letters that a text amounts to; a character of an unspaced script counts as three.
fn letters(text: &str) -> usize {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| if is_unspaced(c) { 3 } else { 1 })
        .sum()
}

/// The speech of a chunk, in milliseconds of the source.
fn speech_ms(chunk: &Chunk) -> impl Iterator<Item = Range<u64>> {
    let at = |sample: usize| ms(chunk.start + sample as u64);
    chunk
        .speech
        .iter()
        .map(move |run| at(run.start)..at(run.end))
}

/// The longest stretch of speech that no word covers.
fn longest_uncovered_ms(words: &[SpokenWord], chunk: &Chunk) -> u64 {
    let covered: Vec<Range<u64>> = words
        .iter()
        .map(|word| {
            let end_ms = word.end_ms.min(word.start_ms + MAX_WORD_MS);
            word.start_ms.saturating_sub(ALIGNMENT_TOLERANCE_MS)..end_ms + ALIGNMENT_TOLERANCE_MS
        })
        .collect();
    speech_ms(chunk)
        .map(|run| {
            let mut from_ms = run.start;
            let mut longest = 0;
            for word in covered
                .iter()
                .filter(|word| word.start < run.end && word.end > run.start)
            {
                longest = longest.max(word.start.saturating_sub(from_ms));
                from_ms = from_ms.max(word.end);
            }
            longest.max(run.end.saturating_sub(from_ms))
        })
        .max()
        .unwrap_or(0)
}

/// Removes words that are far from any speech.
fn near_speech(mut words: Vec<SpokenWord>, chunk: &Chunk) -> Vec<SpokenWord> {
    let speech: Vec<Range<u64>> = speech_ms(chunk).collect();
    words.retain(|word| {
        speech.iter().any(|run| {
            run.start <= word.end_ms + MAX_DISTANCE_FROM_SPEECH_MS
                && word.start_ms <= run.end + MAX_DISTANCE_FROM_SPEECH_MS
        })
    });
    words
}
