//! Relevance of sentences to the topics a user requests.

use crate::{
    embed::{EmbedError, Embedder, dot},
    words::words_of,
};

/// Relevance of each sentence to the closest of `topics`: the cosine of their embeddings plus the share of the topic's words that the
/// sentence contains.
///
/// # Errors
/// When the embedding model fails.
pub(crate) fn relevance(
    texts: &[&str],
    topics: &[String],
    embedder: &Embedder,
) -> Result<Vec<f64>, EmbedError> {
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let topic_vectors = embedder.embed(&topics)?;
    let sentence_vectors = embedder.embed(texts)?;
    let score = |text: &str, vector: &[f32]| {
        let cosines = topic_vectors
            .iter()
            .map(|topic| f64::from(dot(topic, vector)));
        let coverages = topics.iter().map(|topic| word_coverage(topic, text));
        cosines
            .zip(coverages)
            .map(|(cosine, coverage)| cosine + coverage)
            .fold(0.0, f64::max)
    };
    Ok(texts
        .iter()
        .zip(&sentence_vectors)
        .map(|(text, vector)| score(text, vector))
        .collect())
}

/// The share of the words of `topic` that `text` contains.
fn word_coverage(topic: &str, text: &str) -> f64 {
    let text_words = words_of(text);
    let words = words_of(topic);
    let found = words
        .iter()
        .filter(|word| text_words.contains(word))
        .count();
    found as f64 / words.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_topic_are_matched_regardless_of_case() {
        assert!((word_coverage("Liquid hydrogen", "We burn HYDROGEN.") - 0.5).abs() < 1e-9);
        assert!(word_coverage("", "We burn hydrogen.").abs() < 1e-9);
    }
}
