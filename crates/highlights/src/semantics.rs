//! Semantics of a talk: an embedding for each sentence, and how rare its words are in English.

use crate::{
    embed::{EmbedError, Embedder, dot},
    words::{Lexicon, is_english},
};

/// Rarity of words in languages that the model does not know.
const UNKNOWN_RARITY: f64 = 0.8;

/// Semantics of the sentences of a talk.
pub(crate) struct Semantics {
    /// For each sentence, its embedding minus the talk's mean, of unit length; empty if the model does not know the language.
    vectors: Vec<Vec<f32>>,
    /// How rare each content word is, 0 (common) to 1.
    rarity: Vec<f64>,
}

impl Semantics {
    /// The semantics of a talk in a language that the model does not know.
    pub(crate) fn unknown(lexicon: &Lexicon) -> Self {
        Self {
            vectors: Vec::new(),
            rarity: vec![UNKNOWN_RARITY; lexicon.words.len()],
        }
    }

    /// The semantics of the sentences `texts` with the content words `lexicon`.
    pub(crate) fn of(
        texts: &[&str],
        lexicon: &Lexicon,
        language: &str,
        embedder: &Embedder,
    ) -> Result<Self, EmbedError> {
        if !is_english(language) {
            return Ok(Self::unknown(lexicon));
        }
        Ok(Self {
            vectors: centred(embedder.embed_words(texts)?),
            rarity: lexicon
                .words
                .iter()
                .map(|word| embedder.rarity(word))
                .collect(),
        })
    }

    /// How rare a content word is, 0 (common) to 1.
    pub(crate) fn rarity(&self, word: usize) -> f64 {
        self.rarity[word]
    }

    /// The weighted sum of the vectors of the sentences `from..to`; `None` if the language is unknown.
    pub(crate) fn sum(
        &self,
        from: usize,
        to: usize,
        weight: impl Fn(usize) -> f32,
    ) -> Option<Vec<f32>> {
        let mut sum = vec![0.0; self.vectors.first()?.len()];
        for at in from..to {
            let weight = weight(at);
            sum.iter_mut()
                .zip(&self.vectors[at])
                .for_each(|(sum, value)| *sum += weight * value);
        }
        Some(sum)
    }

    /// Cosine of a sentence with a sum of sentences; 0 if the language is unknown.
    pub(crate) fn closeness(&self, sentence: usize, sum: Option<&Vec<f32>>) -> f64 {
        sum.map_or(0.0, |sum| cosine(&self.vectors[sentence], sum))
    }
}

/// Cosine of two vectors of any norm; 0 if one is zero.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let norm = (dot(a, a) * dot(b, b)).sqrt();
    f64::from(dot(a, b) / norm.max(f32::MIN_POSITIVE))
}

fn centred(mut vectors: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let count = vectors.len() as f32;
    let Some(width) = vectors.first().map(Vec::len) else {
        return vectors;
    };
    let mut mean = vec![0.0; width];
    for vector in &vectors {
        mean.iter_mut()
            .zip(vector)
            .for_each(|(mean, value)| *mean += value / count);
    }
    for vector in &mut vectors {
        vector
            .iter_mut()
            .zip(&mean)
            .for_each(|(value, mean)| *value -= mean);
        let norm = dot(vector, vector).sqrt().max(1e-6);
        for value in vector.iter_mut() {
            *value /= norm;
        }
    }
    vectors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_all_sentences_is_subtracted() {
        let vectors = centred(vec![vec![3.0, 1.0], vec![3.0, -1.0]]);
        assert_eq!(vectors, [[0.0, 1.0], [0.0, -1.0]]);
        assert!((cosine(&vectors[0], &vectors[1]) + 1.0).abs() < 1e-6);
        assert!(cosine(&[0.0, 0.0], &[1.0, 0.0]).abs() < 1e-6);
    }
}
