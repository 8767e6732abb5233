//! Whether two candidates say the same.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use crate::{score::Scored, talk::Talk};

/// Cosine of the content words from which on two clips say the same.
const SAME: f64 = 0.6;
/// Candidates whose words are kept at a time: several times as many as a plan has clips.
const KEPT: usize = 512;

/// The content words of the candidates that are compared, weighted by how telling they are.
pub(crate) struct Likeness<'a> {
    talk: &'a Talk<'a>,
    candidates: &'a [Scored],
    /// By candidate; of tens of thousands only a few hundred are ever asked for.
    words: RefCell<HashMap<usize, Rc<Weights>>>,
}

/// A sparse vector.
struct Weights {
    /// Words with their weights, ascending.
    words: Vec<(usize, f64)>,
    norm: f64,
}

impl<'a> Likeness<'a> {
    /// Of `candidates` of a talk.
    pub(crate) fn new(talk: &'a Talk<'a>, candidates: &'a [Scored]) -> Self {
        Self {
            talk,
            candidates,
            words: RefCell::default(),
        }
    }

    /// Whether the candidates `a` and `b` say the same.
    pub(crate) fn alike(&self, a: usize, b: usize) -> bool {
        cosine(&self.words(a), &self.words(b)) > SAME
    }

    fn words(&self, candidate: usize) -> Rc<Weights> {
        let mut kept = self.words.borrow_mut();
        if kept.len() >= KEPT && !kept.contains_key(&candidate) {
            kept.clear();
        }
        let of = || Rc::new(self.read(candidate));
        kept.entry(candidate).or_insert_with(of).clone()
    }

    fn read(&self, candidate: usize) -> Weights {
        let run = self.candidates[candidate].run;
        let lexicon = &self.talk.lexicon;
        let said = lexicon.sentences[run.first..=run.last].iter().flatten();
        let mut words: Vec<usize> = said.copied().collect();
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
