//! Whether two candidates say the same.

use std::collections::BTreeMap;

use crate::{score::Scored, talk::Talk, topics::cosine};

/// Cosine of the content words from which on two clips say the same.
const SAME: f64 = 0.6;

/// The content words of each candidate, weighted by how telling they are.
pub(crate) struct Likeness {
    words: Vec<BTreeMap<usize, f64>>,
}

impl Likeness {
    /// Of `candidates` of a talk.
    pub(crate) fn new(talk: &Talk<'_>, candidates: &[Scored]) -> Self {
        let words = candidates
            .iter()
            .map(|one| {
                talk.lexicon.sentences[one.run.first..=one.run.last]
                    .iter()
                    .flatten()
                    .map(|&word| (word, talk.lexicon.idf(word)))
                    .collect()
            })
            .collect();
        Self { words }
    }

    /// Whether the candidates `a` and `b` say the same.
    pub(crate) fn alike(&self, a: usize, b: usize) -> bool {
        cosine(&self.words[a], &self.words[b]) > SAME
    }
}
