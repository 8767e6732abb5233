//! Detects near duplicates among candidates, by the cosine of their TF-IDF vectors.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use crate::{score::Scored, sparse::SparseVector, talk::Talk};

/// Cosine above which two clips are near duplicates.
const MIN_SIMILARITY: f64 = 0.6;
/// Vectors cached at a time: several times the number of clips in a plan.
const CACHE_SIZE: usize = 512;

/// Compares candidates by their content words, weighted by inverse document frequency.
pub(crate) struct Similarity<'a> {
    talk: &'a Talk<'a>,
    candidates: &'a [Scored],
    /// By candidate; only a few hundred of tens of thousands are ever needed.
    vectors: RefCell<HashMap<usize, Rc<SparseVector>>>,
}

impl<'a> Similarity<'a> {
    /// Compares `candidates` of a talk.
    pub(crate) fn new(talk: &'a Talk<'a>, candidates: &'a [Scored]) -> Self {
        Self {
            talk,
            candidates,
            vectors: RefCell::default(),
        }
    }

    /// Whether the candidates `a` and `b` are near duplicates.
    pub(crate) fn are_similar(&self, a: usize, b: usize) -> bool {
        self.vector(a).cosine(&self.vector(b)) > MIN_SIMILARITY
    }

    fn vector(&self, candidate: usize) -> Rc<SparseVector> {
        let mut cache = self.vectors.borrow_mut();
        if cache.len() >= CACHE_SIZE && !cache.contains_key(&candidate) {
            cache.clear();
        }
        let compute = || Rc::new(self.compute(candidate));
        cache.entry(candidate).or_insert_with(compute).clone()
    }

    fn compute(&self, candidate: usize) -> SparseVector {
        let run = self.candidates[candidate].run;
        let lexicon = &self.talk.lexicon;
        let spoken = lexicon.sentences[run.first..=run.last].iter().flatten();
        let mut words: Vec<usize> = spoken.copied().collect();
        words.sort_unstable();
        words.dedup();
        SparseVector::new(words.into_iter().map(|word| (word, lexicon.idf(word))))
    }
}
