//! Detects near duplicates among candidates, by the cosine of their TF-IDF vectors.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use crate::{score::Scored, talk::Talk};

/// Cosine above which two clips are near duplicates.
const MIN_SIMILARITY: f64 = 0.6;
/// Vectors cached at a time: several times the number of clips in a plan.
const CACHE_SIZE: usize = 512;

/// Compares candidates by their content words, weighted by inverse document frequency.
pub(crate) struct Similarity<'a> {
    talk: &'a Talk<'a>,
    candidates: &'a [Scored],
    /// By candidate; only a few hundred of tens of thousands are ever needed.
    words: RefCell<HashMap<usize, Rc<Weights>>>,
}

/// A sparse vector.
struct Weights {
    /// Words with their weights, ascending.
    words: Vec<(usize, f64)>,
    norm: f64,
}

impl<'a> Similarity<'a> {
    /// Compares `candidates` of a talk.
    pub(crate) fn new(talk: &'a Talk<'a>, candidates: &'a [Scored]) -> Self {
        Self {
            talk,
            candidates,
            words: RefCell::default(),
        }
    }

    /// Whether the candidates `a` and `b` are near duplicates.
    pub(crate) fn are_similar(&self, a: usize, b: usize) -> bool {
        cosine(&self.words(a), &self.words(b)) > MIN_SIMILARITY
    }

    fn words(&self, candidate: usize) -> Rc<Weights> {
        let mut cache = self.words.borrow_mut();
        if cache.len() >= CACHE_SIZE && !cache.contains_key(&candidate) {
            cache.clear();
        }
        let compute = || Rc::new(self.weights(candidate));
        cache.entry(candidate).or_insert_with(compute).clone()
    }

    fn weights(&self, candidate: usize) -> Weights {
        let run = self.candidates[candidate].run;
        let lexicon = &self.talk.lexicon;
        let spoken = lexicon.sentences[run.first..=run.last].iter().flatten();
        let mut words: Vec<usize> = spoken.copied().collect();
        words.sort_unstable();
        words.dedup();
        let words: Vec<(usize, f64)> = (words.into_iter())
            .map(|word| (word, lexicon.idf(word)))
            .collect();
        let norm = words.iter().map(|(_, w)| w * w).sum::<f64>().sqrt();
        Weights { words, norm }
    }
}

/// Cosine of two sparse vectors; 0 when one is empty.
fn cosine(a: &Weights, b: &Weights) -> f64 {
    let mut others = b.words.iter().peekable();
    let mut shared = 0.0;
    for &(word, weight) in &a.words {
        while others.next_if(|(other, _)| *other < word).is_some() {}
        if let Some((_, other)) = others.next_if(|(other, _)| *other == word) {
            shared += weight * other;
        }
    }
    shared / (a.norm * b.norm).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_is_that_of_the_shared_words() {
        let weights = |words: &[(usize, f64)]| Weights {
            words: words.to_vec(),
            norm: words.iter().map(|(_, w)| w * w).sum::<f64>().sqrt(),
        };
        let a = weights(&[(1, 3.0), (5, 4.0)]);
        let b = weights(&[(0, 3.0), (5, 4.0)]);
        assert!((cosine(&a, &b) - 16.0 / 25.0).abs() < 1e-9);
        assert!(cosine(&a, &weights(&[])).abs() < 1e-9);
    }
}
