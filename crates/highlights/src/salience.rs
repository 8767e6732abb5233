//! How much each sentence matters for the whole talk.

use crate::{
    stats::{sigmoid, standardized},
    words::Lexicon,
};

/// Sentences before, in which a word must not be heard for it to count as newly brought up.
const QUIET_BEFORE: usize = 20;
/// Sentences after, in which it must be heard again to count as taken up.
const TAKEN_UP_WITHIN: usize = 15;
/// Words beyond which a longer sentence says no more: it rambles or was not cut.
const FULL_LENGTH: f64 = 40.0;

/// For each sentence how many content words it brings up that the next ones take up: the mark of one that opens a matter.
pub(crate) fn brought_up(lexicon: &Lexicon) -> Vec<f64> {
    let mut counts = vec![0.0; lexicon.sentences.len()];
    for places in &lexicon.places {
        for (nth, &at) in places.iter().enumerate() {
            let new = nth == 0 || at - places[nth - 1] > QUIET_BEFORE;
            let taken_up = places
                .get(nth + 1)
                .is_some_and(|next| next - at <= TAKEN_UP_WITHIN);
            if new && taken_up {
                counts[at] += 1.0;
            }
        }
    }
    counts
}

/// How much each sentence matters, 0 to 1, from its words alone.
pub(crate) fn salience(lexicon: &Lexicon, pointing: &[f64]) -> Vec<f64> {
    let content: Vec<f64> = lexicon
        .sentences
        .iter()
        .map(|words| (words.len() as f64).ln_1p())
        .collect();
    let new: Vec<f64> = brought_up(lexicon).iter().map(|n| n.ln_1p()).collect();
    let recurring: Vec<f64> = lexicon
        .sentences
        .iter()
        .map(|words| recurrence(lexicon, words).ln_1p())
        .collect();
    let long: Vec<f64> = lexicon
        .lengths
        .iter()
        .map(|&words| (words as f64 - FULL_LENGTH).max(0.0))
        .collect();
    let parts = [
        (0.5, content),
        (0.25, new),
        (0.3, recurring),
        (0.15, centrality(lexicon)),
        (-0.25, long),
        (-0.15, pointing.to_vec()),
    ];
    let mut total = vec![-1.0; lexicon.sentences.len()];
    for (weight, values) in parts {
        for (sum, value) in total.iter_mut().zip(standardized(&values)) {
            *sum += weight * value;
        }
    }
    total.into_iter().map(sigmoid).collect()
}

fn recurrence(lexicon: &Lexicon, words: &[usize]) -> f64 {
    words
        .iter()
        .map(|&word| (lexicon.places[word].len() as f64).ln())
        .sum()
}

/// Cosine of each sentence with the centroid of the talk (Radev et al. 2004), over tf-idf weights.
fn centrality(lexicon: &Lexicon) -> Vec<f64> {
    let weights: Vec<f64> = (0..lexicon.words.len())
        .map(|word| lexicon.idf(word))
        .collect();
    let centroid: Vec<f64> = weights
        .iter()
        .zip(&lexicon.places)
        .map(|(idf, places)| idf * places.len() as f64)
        .collect();
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let whole = norm(&mut centroid.iter().copied()).max(f64::MIN_POSITIVE);
    lexicon
        .sentences
        .iter()
        .map(|words| {
            let own = norm(&mut words.iter().map(|&word| weights[word])).max(f64::MIN_POSITIVE);
            let shared: f64 = words
                .iter()
                .map(|&word| weights[word] * centroid[word])
                .sum();
            shared / own / whole
        })
        .collect()
}
