//! Where a talk turns to another matter.

use std::collections::BTreeMap;

use domain::Segment;

use crate::{
    meaning::{self, Meaning},
    stats::{percentiles, standardized},
    words::Lexicon,
};

/// Sentences on either side that are compared.
const WINDOW: usize = 8;
/// How often a sentence begins a new matter, on the mean: every ninth in talks with slides.
const BASE_RATE: f64 = 0.11;

/// For each sentence the chance that it begins a new matter, 0 to 1; the first has 1.
///
/// From the lexical cohesion across the gap (Hearst 1997), the meaning on both sides of it, and the pause.
pub(crate) fn changes(segments: &[Segment], lexicon: &Lexicon, meaning: &Meaning) -> Vec<f64> {
    let count = segments.len();
    let words: Vec<f64> = (1..count).map(|at| -cohesion(lexicon, at)).collect();
    let sense: Vec<f64> = (1..count)
        .map(|at| -shared_meaning(meaning, count, at))
        .collect();
    let pauses: Vec<f64> = segments
        .windows(2)
        .map(|pair| (pair[1].start_ms.saturating_sub(pair[0].end_ms) as f64 / 1000.0).min(4.0))
        .collect();
    let (words, sense, pauses) = (
        standardized(&words),
        standardized(&sense),
        standardized(&pauses),
    );
    let both: Vec<f64> = (0..words.len())
        .map(|gap| words[gap] + sense[gap] + pauses[gap])
        .collect();
    // the mean of p² over even places is 1/3
    let chances = percentiles(&both)
        .into_iter()
        .map(|place| 3.0 * BASE_RATE * place * place);
    std::iter::once(1.0).chain(chances).take(count).collect()
}

/// Cosine of the words on both sides of the gap before sentence `at`.
fn cohesion(lexicon: &Lexicon, at: usize) -> f64 {
    let side = |from: usize, to: usize| {
        let mut weights: BTreeMap<usize, f64> = BTreeMap::new();
        for &word in lexicon.sentences[from..to].iter().flatten() {
            *weights.entry(word).or_default() += lexicon.idf(word);
        }
        weights
    };
    let before = side(at.saturating_sub(WINDOW), at);
    let after = side(at, (at + WINDOW).min(lexicon.sentences.len()));
    cosine(&before, &after)
}

/// Cosine of the meaning on both sides of the gap before sentence `at`; 0 where it is unknown.
fn shared_meaning(meaning: &Meaning, count: usize, at: usize) -> f64 {
    let before = meaning.sum(at.saturating_sub(WINDOW), at, |_| 1.0);
    let after = meaning.sum(at, (at + WINDOW).min(count), |_| 1.0);
    before
        .zip(after)
        .map_or(0.0, |(before, after)| meaning::cosine(&before, &after))
}

/// Cosine of two sparse vectors; 0 when one is empty.
fn cosine(a: &BTreeMap<usize, f64>, b: &BTreeMap<usize, f64>) -> f64 {
    let shared: f64 = a
        .iter()
        .filter_map(|(word, weight)| b.get(word).map(|other| weight * other))
        .sum();
    let norm = |side: &BTreeMap<usize, f64>| side.values().map(|w| w * w).sum::<f64>().sqrt();
    shared / (norm(a) * norm(b)).max(f64::MIN_POSITIVE)
}
