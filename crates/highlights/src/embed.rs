//! Sentence embeddings: `all-MiniLM-L6-v2` (Reimers & Gurevych 2019), mean-pooled and of unit length.

use std::path::{Path, PathBuf};

use rten::{Model, NodeId, Value};

use crate::wordpiece::WordPiece;

/// Batch size: enough to use all cores, small enough for the CPU cache.
const BATCH: usize = 8;
/// The first word in the vocabulary of uncased BERT ("the"); punctuation and single characters come before it.
const FIRST_WORD: i32 = 1996;

/// Why the embedding model failed.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// A file of the model is missing, altered or from another model.
    #[error("cannot load embedding model {}: {reason}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The model failed at inference.
    #[error("the embedding model failed: {0}")]
    Run(String),
}

/// The loaded model and its tokenizer.
pub struct Embedder {
    model: Model,
    tokenizer: WordPiece,
    inputs: [NodeId; 3],
    words: NodeId,
    output: NodeId,
}

impl Embedder {
    /// Loads `model.onnx` and `tokenizer.json` from the folder `dir`.
    ///
    /// # Errors
    /// When one of them is missing or does not belong to a BERT-like sentence encoder.
    pub fn load(dir: &Path) -> Result<Self, EmbedError> {
        let path = dir.join("model.onnx");
        let invalid = |path: &Path, reason: String| EmbedError::Load {
            path: path.to_owned(),
            reason,
        };
        let model = Model::load_file(&path).map_err(|error| invalid(&path, error.to_string()))?;
        let node = |name: &str| {
            model
                .node_id(name)
                .map_err(|error| invalid(&path, error.to_string()))
        };
        let inputs = [
            node("input_ids")?,
            node("attention_mask")?,
            node("token_type_ids")?,
        ];
        let output = node("last_hidden_state")?;
        let words = node("embedding")?;
        let path = dir.join("tokenizer.json");
        let json = std::fs::read(&path).map_err(|error| invalid(&path, error.to_string()))?;
        let tokenizer = WordPiece::from_json(&json).map_err(|error| invalid(&path, error))?;
        Ok(Self {
            model,
            tokenizer,
            inputs,
            words,
            output,
        })
    }

    /// Embeds each text as a vector of unit length, in the same order; similar meanings have a high dot product.
    ///
    /// # Errors
    /// When the model cannot be run.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let tokens: Vec<Vec<i32>> = texts
            .iter()
            .map(|text| self.tokenizer.tokens(text))
            .collect();
        // texts of similar length together, to minimise padding
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&text| (tokens[text].len(), text));
        let mut vectors = vec![Vec::new(); texts.len()];
        for batch in order.chunks(BATCH) {
            let rows: Vec<&[i32]> = batch.iter().map(|&text| tokens[text].as_slice()).collect();
            for (&text, vector) in batch.iter().zip(self.run(&rows)?) {
                vectors[text] = vector;
            }
        }
        Ok(vectors)
    }

    /// Embeds each text as a bag of words: a fiftieth of the cost of [`Self::embed`].
    ///
    /// Smooth inverse frequency (Arora et al. 2017) over the model's token embeddings; not of unit length.
    ///
    /// # Errors
    /// When the model cannot be run.
    pub(crate) fn embed_words(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let tokens: Vec<Vec<i32>> = texts
            .iter()
            .map(|text| self.tokenizer.tokens(text))
            .collect();
        let mut known: Vec<i32> = tokens.iter().flatten().copied().collect();
        known.sort_unstable();
        known.dedup();
        let count = known.len();
        let ids = Value::from_shape([1, count], known.clone()).map_err(failed)?;
        let [found] = self
            .model
            .run_n(vec![(self.inputs[0], ids.into())], [self.words], None)
            .map_err(failed)?;
        let ([_, _, width], vectors) = found.into_shape_vec::<f32, 3>().map_err(failed)?;
        let pooled = |tokens: &Vec<i32>| {
            let mut sum = vec![0.0; width];
            for token in tokens {
                let weight = token_weight(*token);
                let at = known.partition_point(|other| other < token) * width;
                sum.iter_mut()
                    .zip(&vectors[at..at + width])
                    .for_each(|(sum, value)| *sum += weight * value);
            }
            sum
        };
        Ok(tokens.iter().map(pooled).collect())
    }

    /// How rare a word is in English, 0 (common) to 1: its rank in the vocabulary, which is sorted by frequency, on a logarithmic scale.
    pub(crate) fn rarity(&self, word: &str) -> f64 {
        let tokens = self.tokenizer.tokens(word);
        let [_, token, _] = tokens.as_slice() else {
            return 1.0;
        };
        // the first fifty are equally common
        let (everyday, last) = (50.0_f64, 30_522.0_f64);
        let rank = f64::from((token - FIRST_WORD).max(0)) + everyday;
        ((rank / everyday).ln() / (last / everyday).ln()).min(1.0)
    }

    fn run(&self, rows: &[&[i32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let longest = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        let padded = |of: fn(i32) -> i32| -> Value {
            let values = rows
                .iter()
                .flat_map(|row| {
                    let padding = std::iter::repeat_n(0, longest - row.len());
                    row.iter().map(move |&id| of(id)).chain(padding)
                })
                .collect::<Vec<i32>>();
            Value::from_shape([rows.len(), longest], values)
                .expect("as many values as the shape says")
        };
        let [id, attention, kind] = self.inputs;
        let inputs = vec![
            (id, padded(|id| id).into()),
            (attention, padded(|_| 1).into()),
            (kind, padded(|_| 0).into()),
        ];
        let [hidden] = self
            .model
            .run_n(inputs, [self.output], None)
            .map_err(failed)?;
        let ([_, _, width], hidden) = hidden.into_shape_vec::<f32, 3>().map_err(failed)?;
        Ok(hidden
            .chunks_exact(longest * width)
            .zip(rows)
            .map(|(hidden, row)| mean_pooled(&hidden[..row.len() * width], width))
            .collect())
    }
}

/// Weight of a token: a / (a + p), where p is its frequency by Zipf's law; punctuation and special tokens weigh almost nothing.
fn token_weight(token: i32) -> f32 {
    let rank = (token - FIRST_WORD + 1).max(1) as f32;
    let explain = 1e-3 / (1e-3 + 0.1 / rank);
    if token < FIRST_WORD {
        0.05 * explain
    } else {
        explain
    }
}

fn failed(error: impl std::fmt::Display) -> EmbedError {
    EmbedError::Run(error.to_string())
}

/// The mean of a text's token vectors, scaled to unit length.
fn mean_pooled(hidden: &[f32], width: usize) -> Vec<f32> {
    let mut mean = vec![0.0; width];
    for token in hidden.chunks_exact(width) {
        mean.iter_mut()
            .zip(token)
            .for_each(|(sum, value)| *sum += value);
    }
    let norm = dot(&mean, &mean).sqrt().max(f32::MIN_POSITIVE);
    for value in &mut mean {
        *value /= norm;
    }
    mean
}

/// The dot product; for unit vectors, the cosine.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
