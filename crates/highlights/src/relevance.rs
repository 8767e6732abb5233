//! How close a talk's sentences are to the topics that a user asks for.

use crate::{
    embed::{EmbedError, Embedder, dot},
    words::words_of,
};

/// Closeness of each sentence to the nearest of `topics`: the cosine of their meanings, and 1 more where all words of it are said.
///
/// # Errors
/// When the embedding model cannot be run.
pub(crate) fn closeness(
    texts: &[&str],
    topics: &[String],
    embedder: &Embedder,
) -> Result<Vec<f64>, EmbedError> {
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let wanted = embedder.embed(&topics)?;
    let said = embedder.embed(texts)?;
    let near = |text: &str, vector: &[f32]| {
        let meaning = wanted.iter().map(|topic| f64::from(dot(topic, vector)));
        let words = topics.iter().map(|topic| words_said(topic, text));
        meaning
            .zip(words)
            .map(|(meaning, words)| meaning + words)
            .fold(0.0, f64::max)
    };
    Ok(texts
        .iter()
        .zip(&said)
        .map(|(text, vector)| near(text, vector))
        .collect())
}

/// The share of the words of `topic` that `text` says.
fn words_said(topic: &str, text: &str) -> f64 {
    let said = words_of(text);
    let words = words_of(topic);
    let found = words.iter().filter(|word| said.contains(word)).count();
    found as f64 / words.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_topic_are_found_in_any_case() {
        assert!((words_said("Liquid hydrogen", "We burn HYDROGEN.") - 0.5).abs() < 1e-9);
        assert!(words_said("", "We burn hydrogen.").abs() < 1e-9);
    }
}
