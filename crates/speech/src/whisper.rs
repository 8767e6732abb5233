//! A Whisper model in `CTranslate2`'s format: what goes in and what comes out, in Rust's types.

use std::path::Path;

use ct2rs::sys::{
    ComputeType, Config, Device, StorageView, Whisper, WhisperAlignmentResult,
    WhisperGenerationResult, WhisperOptions,
};

use crate::SpeechError;
use crate::chunk::Chunk;
use crate::mel::{MelSpectrogram, Spectrogram, common_width};
use crate::vocabulary::Vocabulary;

/// Milliseconds between two frames of the encoder.
const FRAME_MS: u64 = 20;
/// The decoder looks at a word this much before it is heard (measured against forced alignment of read speech).
const ATTENTION_LEAD_MS: u64 = 50;
/// Width of the filter that smooths attention before it is aligned, in frames (Whisper's published default).
const MEDIAN_WIDTH: i64 = 7;
/// Hypotheses followed at a time: 5 has the fewest errors.
const BEAMS: usize = 5;

/// A loaded model.
pub(crate) struct WhisperModel {
    network: Whisper,
    mel: MelSpectrogram,
    pub(crate) vocabulary: Vocabulary,
}

/// How to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoding {
    /// As is best for nearly everything.
    Ordinary,
    /// Without repeating any six tokens: for a chunk that got into a loop.
    Unrepeating,
}

/// Chunks as the decoder hears them.
pub(crate) struct Encoded {
    features: StorageView<'static>,
    mel_frames: Vec<usize>,
}

/// What was made of one chunk.
#[derive(Debug, Clone)]
pub(crate) struct Hypothesis {
    /// Ids of text tokens.
    pub(crate) tokens: Vec<usize>,
    /// Mean logarithm of the probability of a token.
    pub(crate) log_probability: f64,
    /// Probability that nobody speaks.
    pub(crate) no_speech: f64,
}

/// When a token is spoken, relative to its chunk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TokenTime {
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    pub(crate) probability: f64,
}

impl WhisperModel {
    /// Loads a model folder, to run on `threads` cores at once.
    pub(crate) fn load(folder: &Path, threads: usize) -> Result<Self, SpeechError> {
        let invalid = |why: String| SpeechError::InvalidModel {
            path: folder.to_owned(),
            why,
        };
        for name in ["model.bin", "config.json"] {
            let file = folder.join(name);
            if !file.is_file() {
                return Err(SpeechError::MissingModel(file));
            }
        }
        let vocabulary = Vocabulary::load(folder)?;
        let config = Config {
            device: Device::CPU,
            compute_type: ComputeType::INT8,
            // one replica each, on one thread: twice as fast as one replica on two threads
            device_indices: vec![0; threads.max(1)],
            num_threads_per_replica: 1,
            ..Config::default()
        };
        let network = Whisper::new(folder, config).map_err(|why| invalid(why.to_string()))?;
        Ok(Self {
            mel: MelSpectrogram::new(network.n_mels()),
            network,
            vocabulary,
        })
    }

    /// The spectrogram that `encode` takes.
    pub(crate) fn spectrogram(&self, chunk: &Chunk) -> Spectrogram {
        self.mel.compute(&chunk.samples)
    }

    /// Runs the encoder over a batch.
    pub(crate) fn encode(&self, spectrograms: &[Spectrogram]) -> Result<Encoded, SpeechError> {
        let width = common_width(spectrograms);
        let mut values: Vec<f32> = spectrograms
            .iter()
            .flat_map(|spectrogram| spectrogram.fitted(width))
            .collect();
        let shape = [spectrograms.len(), self.network.n_mels(), width];
        let view = StorageView::new(&shape, &mut values, Device::CPU);
        let features = view
            .and_then(|view| self.network.encode(&view, false))
            .map_err(SpeechError::inference)?;
        let mel_frames = spectrograms.iter().map(|one| one.heard).collect();
        Ok(Encoded {
            features,
            mel_frames,
        })
    }

    /// The languages that the chunks of a batch may be in, with their probabilities, as Whisper's codes.
    pub(crate) fn languages(
        &self,
        encoded: &Encoded,
    ) -> Result<Vec<Vec<(String, f64)>>, SpeechError> {
        let found = self
            .network
            .detect_language(&encoded.features)
            .map_err(SpeechError::inference)?;
        let code = |token: &str| token.trim_matches(['<', '|', '>']).to_owned();
        Ok(found
            .iter()
            .map(|chunk| {
                chunk
                    .iter()
                    .map(|row| (code(&row.language), f64::from(row.probability)))
                    .collect()
            })
            .collect())
    }

    /// The text of each chunk of a batch.
    pub(crate) fn decode(
        &self,
        encoded: &Encoded,
        language: &str,
        decoding: Decoding,
    ) -> Result<Vec<Hypothesis>, SpeechError> {
        let mut prompt = self.task(language);
        prompt.push("<|notimestamps|>".to_owned());
        let options = WhisperOptions {
            beam_size: BEAMS,
            return_scores: true,
            return_no_speech_prob: true,
            no_repeat_ngram_size: if decoding == Decoding::Unrepeating {
                6
            } else {
                0
            },
            ..WhisperOptions::default()
        };
        let prompts = vec![prompt; encoded.mel_frames.len()];
        let results = self
            .network
            .generate(&encoded.features, &prompts, &options)
            .map_err(SpeechError::inference)?;
        Ok(results
            .into_iter()
            .map(|result| self.hypothesis(result))
            .collect())
    }

    fn hypothesis(&self, result: WhisperGenerationResult) -> Hypothesis {
        let best = result.sequences_ids.into_iter().next();
        let mut tokens = best.unwrap_or_default();
        tokens.retain(|id| self.vocabulary.bytes(*id).is_some());
        let score = f64::from(result.scores.first().copied().unwrap_or(f32::MIN));
        let count = tokens.len() as f64;
        Hypothesis {
            tokens,
            // the score is a mean that does not count the end of the text as a token
            log_probability: score * count / (count + 1.0),
            no_speech: f64::from(result.no_speech_prob),
        }
    }

    /// When each token of each chunk is spoken.
    pub(crate) fn align(
        &self,
        encoded: &Encoded,
        language: &str,
        texts: &[Vec<usize>],
    ) -> Result<Vec<Vec<TokenTime>>, SpeechError> {
        let start: Vec<usize> = self
            .task(language)
            .iter()
            .filter_map(|token| self.vocabulary.id(token))
            .collect();
        let aligned = self
            .network
            .align(
                &encoded.features,
                &start,
                texts,
                &encoded.mel_frames,
                MEDIAN_WIDTH,
            )
            .map_err(SpeechError::inference)?;
        Ok(aligned
            .iter()
            .zip(texts)
            .map(|(result, text)| token_times(result, text.len()))
            .collect())
    }

    /// The tokens that tell the decoder what to do.
    fn task(&self, language: &str) -> Vec<String> {
        let start = "<|startoftranscript|>".to_owned();
        if self.vocabulary.is_multilingual() {
            vec![
                start,
                format!("<|{language}|>"),
                "<|transcribe|>".to_owned(),
            ]
        } else {
            vec![start]
        }
    }
}

/// A token begins with the first frame that the path of alignment has for it, and ends where the next one begins.
fn token_times(result: &WhisperAlignmentResult, tokens: usize) -> Vec<TokenTime> {
    let last = result.alignments.last().map_or(0, |step| step.frame_x);
    let mut begins = vec![last; tokens + 1];
    for step in result.alignments.iter().rev() {
        if let Some(begin) = begins.get_mut(step.token_x as usize) {
            *begin = step.frame_x;
        }
    }
    begins
        .windows(2)
        .zip(&result.text_token_probs)
        .map(|(pair, probability)| TokenTime {
            start_ms: pair[0] as u64 * FRAME_MS + ATTENTION_LEAD_MS,
            end_ms: pair[1] as u64 * FRAME_MS + ATTENTION_LEAD_MS,
            probability: f64::from(*probability),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ct2rs::sys::WhisperTokenAlignment;

    use super::*;

    #[test]
    fn a_token_lasts_until_the_next_begins() {
        let path = [(0, 3), (0, 4), (1, 5), (1, 9), (2, 9)];
        let result = WhisperAlignmentResult {
            alignments: path
                .map(|(token_x, frame_x)| WhisperTokenAlignment { token_x, frame_x })
                .to_vec(),
            text_token_probs: vec![0.5, 1.0],
        };
        let times = token_times(&result, 2);
        let spans: Vec<(u64, u64)> = times.iter().map(|t| (t.start_ms, t.end_ms)).collect();
        assert_eq!(spans, [(110, 150), (150, 230)]);
    }
}
