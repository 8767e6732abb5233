//! Topic segmentation: where a talk turns to another topic.

use std::collections::BTreeMap;

use domain::Segment;

use crate::{
    semantics::{self, Semantics},
    sparse::SparseVector,
    stats::{percentile_ranks, z_scores},
    words::Lexicon,
};

/// Sentences compared on either side.
const WINDOW: usize = 8;
/// Share of sentences that begin a new topic: every ninth in talks with slides.
const BASE_RATE: f64 = 0.11;

/// For each sentence, the probability that it begins a new topic; 1 for the first.
///
/// Combines lexical cohesion across the gap (`TextTiling`, Hearst 1997), semantic cohesion, and the pause.
pub(crate) fn topic_boundaries(
    segments: &[Segment],
    lexicon: &Lexicon,
    semantics: &Semantics,
) -> Vec<f64> {
    let count = segments.len();
    let words: Vec<f64> = (1..count)
        .map(|at| -lexical_cohesion(lexicon, at))
        .collect();
    let sense: Vec<f64> = (1..count)
        .map(|at| -semantic_cohesion(semantics, count, at))
        .collect();
    let pauses: Vec<f64> = segments
        .windows(2)
        .map(|pair| (pair[1].start_ms.saturating_sub(pair[0].end_ms) as f64 / 1000.0).min(4.0))
        .collect();
    let (words, sense, pauses) = (z_scores(&words), z_scores(&sense), z_scores(&pauses));
    let both: Vec<f64> = (0..words.len())
        .map(|gap| words[gap] + sense[gap] + pauses[gap])
        .collect();
    // the mean of the squared ranks is 1/3
    let probabilities = percentile_ranks(&both)
        .into_iter()
        .map(|rank| 3.0 * BASE_RATE * rank * rank);
    std::iter::once(1.0)
        .chain(probabilities)
        .take(count)
        .collect()
}

/// Cosine of the content words on both sides of the gap before sentence `at`.
fn lexical_cohesion(lexicon: &Lexicon, at: usize) -> f64 {
    let side = |from: usize, to: usize| {
        let mut weights: BTreeMap<usize, f64> = BTreeMap::new();
        for &word in lexicon.sentences[from..to].iter().flatten() {
            *weights.entry(word).or_default() += lexicon.idf(word);
        }
        SparseVector::new(weights)
    };
    let before = side(at.saturating_sub(WINDOW), at);
    let after = side(at, (at + WINDOW).min(lexicon.sentences.len()));
    before.cosine(&after)
}

/// Cosine of the embeddings on both sides of the gap before sentence `at`; 0 if they are unknown.
fn semantic_cohesion(semantics: &Semantics, count: usize, at: usize) -> f64 {
    let before = semantics.sum(at.saturating_sub(WINDOW), at, |_| 1.0);
    let after = semantics.sum(at, (at + WINDOW).min(count), |_| 1.0);
    before
        .zip(after)
        .map_or(0.0, |(before, after)| semantics::cosine(&before, &after))
}
