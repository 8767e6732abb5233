//! Decodes chunks, and decodes again what came out wrong: dropped text, loops, and words where nobody speaks.

use std::ops::Range;

use crate::SpeechError;
use crate::chunk::Chunk;
use crate::mel::Spectrogram;
use crate::pcm::ms;
use crate::repeats::{find_loop, without_loops};
use crate::timing::snap_to_speech;
use crate::whisper::{Decoding, Hypothesis, WhisperModel};
use crate::words::{SpokenWord, is_unspaced, words};

/// Speech without a word for so long is text that was dropped.
const DROPPED_MS: u64 = 2_500;
/// The longest that one word is taken to last, and how far around it the alignment may be off.
const LONGEST_WORD_MS: u64 = 1_500;
const ALIGNMENT_ERROR_MS: u64 = 250;
/// Letters per second of speech: people say 10 to 20, less than this is text that was dropped.
const SLOWEST: f64 = 4.0;
/// Below this mean log probability a text is doubtful, and with that probability of silence it is invented (Whisper's published defaults).
const DOUBTFUL: f64 = -1.0;
const SILENT: f64 = 0.6;
/// A word so far from any voice is invented.
const OUT_OF_EARSHOT_MS: u64 = 1_000;

/// What was made of a chunk; times are those of the source.
#[derive(Debug, Clone)]
struct Reading {
    words: Vec<SpokenWord>,
    looped: bool,
    log_probability: f64,
}

/// The words of each chunk of a batch, times being those of the source.
pub(crate) fn recognise(
    model: &WhisperModel,
    chunks: &[Chunk],
    spectrograms: &[Spectrogram],
    language: &str,
) -> Result<Vec<Vec<SpokenWord>>, SpeechError> {
    let readings = read(model, chunks, spectrograms, language, Decoding::Ordinary)?;
    readings
        .into_iter()
        .zip(chunks)
        .map(|(reading, chunk)| {
            let best = if is_suspect(&reading, chunk) {
                reread(model, chunk, language, reading)?
            } else {
                reading
            };
            Ok(within_earshot(best.words, chunk))
        })
        .collect()
}

fn read(
    model: &WhisperModel,
    chunks: &[Chunk],
    spectrograms: &[Spectrogram],
    language: &str,
    decoding: Decoding,
) -> Result<Vec<Reading>, SpeechError> {
    let encoded = model.encode(spectrograms)?;
    let hypotheses = model.decode(&encoded, language, decoding)?;
    let texts: Vec<Vec<usize>> = hypotheses
        .iter()
        .map(|hypothesis| {
            if is_invented(hypothesis) {
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
            Reading {
                words: placed(words(bytes.zip(times)), chunk),
                looped: find_loop(&hypothesis.tokens).is_some(),
                log_probability: hypothesis.log_probability,
            }
        })
        .collect())
}

/// Moves words to where their chunk, and the voice in it, lies in the source.
fn placed(mut words: Vec<SpokenWord>, chunk: &Chunk) -> Vec<SpokenWord> {
    let offset_ms = ms(chunk.start);
    for word in &mut words {
        word.start_ms += offset_ms;
        word.end_ms += offset_ms;
    }
    snap_to_speech(&mut words, &speech_ms(chunk).collect::<Vec<_>>());
    words
}

fn is_invented(hypothesis: &Hypothesis) -> bool {
    hypothesis.no_speech > SILENT && hypothesis.log_probability < DOUBTFUL
}

fn is_suspect(reading: &Reading, chunk: &Chunk) -> bool {
    let letters: usize = reading.words.iter().map(|word| letters(&word.text)).sum();
    let seconds = chunk.speech_seconds();
    reading.looped
        || reading.log_probability < DOUBTFUL
        || (seconds > 1.5 && (letters as f64) < SLOWEST * seconds)
        || longest_unheard_ms(&reading.words, chunk) >= DROPPED_MS
}

/// Decodes a chunk again, by itself and in two parts; the better reading stays.
fn reread(
    model: &WhisperModel,
    chunk: &Chunk,
    language: &str,
    first: Reading,
) -> Result<Reading, SpeechError> {
    let decoding = if first.looped {
        Decoding::Unrepeating
    } else {
        Decoding::Ordinary
    };
    let parts = chunk
        .halves()
        .map_or_else(|| vec![chunk.clone()], Vec::from);
    let mut second = Reading {
        words: Vec::new(),
        looped: false,
        log_probability: 0.0,
    };
    for part in &parts {
        let spectrogram = [model.spectrogram(part)];
        for reading in read(
            model,
            std::slice::from_ref(part),
            &spectrogram,
            language,
            decoding,
        )? {
            second.words.extend(reading.words);
            second.looped |= reading.looped;
            second.log_probability += reading.log_probability / parts.len() as f64;
        }
    }
    let better = badness(&second, chunk) < badness(&first, chunk);
    Ok(if better { second } else { first })
}

/// How much is wrong with a reading, in seconds of speech not understood, so to say.
fn badness(reading: &Reading, chunk: &Chunk) -> f64 {
    let loops = if reading.looped { 10.0 } else { 0.0 };
    let doubt = (DOUBTFUL - reading.log_probability).max(0.0) * 5.0;
    loops + doubt + longest_unheard_ms(&reading.words, chunk) as f64 / 1000.0
}

/// How many letters of an alphabet a text amounts to; a character of an unspaced script counts for three.
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

/// The longest stretch of speech that no word lies over.
fn longest_unheard_ms(words: &[SpokenWord], chunk: &Chunk) -> u64 {
    let heard: Vec<Range<u64>> = words
        .iter()
        .map(|word| {
            let end_ms = word.end_ms.min(word.start_ms + LONGEST_WORD_MS);
            word.start_ms.saturating_sub(ALIGNMENT_ERROR_MS)..end_ms + ALIGNMENT_ERROR_MS
        })
        .collect();
    speech_ms(chunk)
        .map(|run| {
            let mut from_ms = run.start;
            let mut longest = 0;
            for word in heard
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

/// Words that lie where somebody speaks, or near.
fn within_earshot(mut words: Vec<SpokenWord>, chunk: &Chunk) -> Vec<SpokenWord> {
    let speech: Vec<Range<u64>> = speech_ms(chunk).collect();
    words.retain(|word| {
        speech.iter().any(|run| {
            run.start <= word.end_ms + OUT_OF_EARSHOT_MS
                && word.start_ms <= run.end + OUT_OF_EARSHOT_MS
        })
    });
    words
}
