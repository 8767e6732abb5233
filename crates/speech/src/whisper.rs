//! A typed wrapper of a Whisper model in `CTranslate2`'s format: encode, detect language, decode, align.

use std::path::Path;

use ct2rs::sys::{
    ComputeType, Config, Device, StorageView, Whisper, WhisperAlignmentResult,
    WhisperGenerationResult, WhisperOptions,
};

use crate::SpeechError;
use crate::chunk::Chunk;
use crate::mel::{MelSpectrogram, Spectrogram, common_width};
use crate::vocabulary::Vocabulary;

/// Duration of an encoder frame, in milliseconds.
const FRAME_MS: u64 = 20;
/// Attention precedes a word by this much (measured against forced alignment of read speech).
const ATTENTION_LEAD_MS: u64 = 50;
/// Width of the median filter over attention before alignment, in frames (Whisper's published default).
const MEDIAN_WIDTH: i64 = 7;
/// Beam size: 5 has the fewest errors.
const BEAM_SIZE: usize = 5;

/// A loaded model.
pub(crate) struct WhisperModel {
    network: Whisper,
    mel: MelSpectrogram,
    pub(crate) vocabulary: Vocabulary,
}

/// Decoding mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoding {
    /// The default.
    Standard,
    /// Never repeats any six tokens: for chunks whose first pass had a loop.
    NoRepeats,
}

/// The encoder's output for a batch of chunks.
pub(crate) struct Encoded {
    features: StorageView<'static>,
    mel_frames: Vec<usize>,
}

/// The decoded text of one chunk.
#[derive(Debug, Clone)]
pub(crate) struct Hypothesis {
    /// Ids of text tokens.
    pub(crate) tokens: Vec<usize>,
    /// Mean log probability of its tokens.
    pub(crate) log_probability: f64,
    /// Probability that there is no speech.
    pub(crate) no_speech: f64,
}

/// The time of a token, relative to its chunk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TokenTime {
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    pub(crate) probability: f64,
}

impl WhisperModel {
    /// Loads a model folder, to run on `threads` cores.
    pub(crate) fn load(folder: &Path, threads: usize) -> Result<Self, SpeechError> {
        let invalid = |reason: String| SpeechError::InvalidModel {
            path: folder.to_owned(),
            reason,
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
        let network = Whisper::new(folder, config).map_err(|error| invalid(error.to_string()))?;
        Ok(Self {
            mel: MelSpectrogram::new(network.n_mels()),
            network,
            vocabulary,
        })
    }

    /// Computes the spectrogram that `encode` takes.
    pub(crate) fn spectrogram(&self, chunk: &Chunk) -> Spectrogram {
        self.mel.compute(&chunk.samples)
    }

    /// Runs the encoder over a batch.
    pub(crate) fn encode(&self, spectrograms: &[Spectrogram]) -> Result<Encoded, SpeechError> {
        let width = common_width(spectrograms);
        let mut values: Vec<f32> = spectrograms
            .iter()
            .flat_map(|spectrogram| spectrogram.padded_to(width))
            .collect();
        let shape = [spectrograms.len(), self.network.n_mels(), width];
        let view = StorageView::new(&shape, &mut values, Device::CPU);
        let features = view
            .and_then(|view| self.network.encode(&view, false))
            .map_err(SpeechError::inference)?;
        let mel_frames = spectrograms.iter().map(|one| one.audio_frames).collect();
        Ok(Encoded {
            features,
            mel_frames,
        })
    }

    /// Detects the language of each chunk of a batch: Whisper's codes with their probabilities.
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

    /// Decodes the text of each chunk of a batch.
    pub(crate) fn decode(
        &self,
        encoded: &Encoded,
        language: &str,
        decoding: Decoding,
    ) -> Result<Vec<Hypothesis>, SpeechError> {
        let mut prompt = self.task(language);
        prompt.push("<|notimestamps|>".to_owned());
        let options = WhisperOptions {
            beam_size: BEAM_SIZE,
            return_scores: true,
            return_no_speech_prob: true,
            no_repeat_ngram_size: if decoding == Decoding::NoRepeats {
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
            // the score is a mean that does not count the end-of-text token
            log_probability: score * count / (count + 1.0),
            no_speech: f64::from(result.no_speech_prob),
        }
    }

    /// Aligns the tokens of each chunk with the audio.
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

    /// The prompt that tells the decoder its language and task.
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

/// Converts an alignment path to times: a token starts at its first frame and ends where the next one starts.
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
    fn a_token_ends_where_the_next_one_starts() {
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
