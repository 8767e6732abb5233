//! Voice activity detection with Silero VAD, one block of audio at a time.

use std::path::Path;
use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, Value};

use crate::SpeechError;

/// Samples covered by one probability (32 ms).
pub(crate) const FRAME: usize = 512;
/// Samples of the previous frame that the model takes as context.
const CONTEXT: usize = 64;
/// Size of each of its two LSTM state vectors.
const STATE: usize = 128;

/// The loaded detector.
pub(crate) struct VoiceModel {
    model: Model,
    inputs: [NodeId; 3],
    outputs: [NodeId; 3],
}

/// The state of a detector within one recording.
pub(crate) struct VoiceDetector<'a> {
    model: &'a VoiceModel,
    pool: Arc<ThreadPool>,
    context: [f32; CONTEXT],
    hidden: Vec<f32>,
    cell: Vec<f32>,
}

impl VoiceModel {
    /// Loads `silero_vad_16k_sequence.onnx`, the variant that takes a sequence of frames.
    pub(crate) fn load(path: &Path) -> Result<Self, SpeechError> {
        if !path.is_file() {
            return Err(SpeechError::MissingModel(path.to_owned()));
        }
        let invalid = |reason: String| SpeechError::InvalidModel {
            path: path.to_owned(),
            reason,
        };
        let model = Model::load_file(path).map_err(|error| invalid(error.to_string()))?;
        let node = |name| {
            model
                .node_id(name)
                .map_err(|error| invalid(error.to_string()))
        };
        let inputs = [node("input")?, node("h")?, node("c")?];
        let outputs = [node("speech_probs")?, node("hn")?, node("cn")?];
        Ok(Self {
            model,
            inputs,
            outputs,
        })
    }

    /// A detector for a new recording.
    pub(crate) fn detector(&self) -> VoiceDetector<'_> {
        VoiceDetector {
            model: self,
            // the recogniser already keeps every core busy
            pool: Arc::new(ThreadPool::with_num_threads(1)),
            context: [0.0; CONTEXT],
            hidden: vec![0.0; STATE],
            cell: vec![0.0; STATE],
        }
    }
}

/// Seconds of speech in each channel; channels are 16 kHz samples between -1 and 1, `model` is the path of the Silero model.
///
/// # Errors
/// When the model is missing or fails.
pub fn voiced_seconds(model: &Path, channels: &[Vec<f32>]) -> Result<Vec<f64>, SpeechError> {
    let model = VoiceModel::load(model)?;
    let voiced = |samples: &Vec<f32>| {
        let frames = model.detector().probabilities(samples)?;
        let count = frames.iter().filter(|one| **one > VOICED).count();
        Ok((count * FRAME) as f64 / 16_000.0)
    };
    channels.iter().map(voiced).collect()
}

/// The probability from which a frame counts as speech (default of Silero's authors).
const VOICED: f32 = 0.5;

impl VoiceDetector<'_> {
    /// The speech probability of each frame of the next block; an incomplete last frame is padded with silence.
    pub(crate) fn probabilities(&mut self, samples: &[f32]) -> Result<Vec<f32>, SpeechError> {
        if samples.is_empty() {
            return Ok(Vec::new());
        }
        let frames = samples.len().div_ceil(FRAME);
        let input = self.with_context(samples);
        let rows = tensor([frames, CONTEXT + FRAME], input);
        let hidden = tensor([1, 1, STATE], std::mem::take(&mut self.hidden));
        let cell = tensor([1, 1, STATE], std::mem::take(&mut self.cell));
        let [a, b, c] = self.model.inputs;
        let options = RunOptions::default().with_thread_pool(Some(self.pool.clone()));
        let [found, hidden, cell] = self
            .model
            .model
            .run_n(
                vec![(a, rows.into()), (b, hidden.into()), (c, cell.into())],
                self.model.outputs,
                Some(options),
            )
            .map_err(SpeechError::inference)?;
        self.hidden = floats::<3>(hidden)?;
        self.cell = floats::<3>(cell)?;
        floats::<1>(found)
    }

    /// The frames in a row, each preceded by the end of the previous one.
    fn with_context(&mut self, samples: &[f32]) -> Vec<f32> {
        let mut rows = Vec::with_capacity(samples.len() / FRAME * (FRAME + CONTEXT));
        for frame in samples.chunks(FRAME) {
            rows.extend(self.context);
            rows.extend(frame);
            rows.extend(std::iter::repeat_n(0.0, FRAME - frame.len()));
            self.context.copy_from_slice(&rows[rows.len() - CONTEXT..]);
        }
        rows
    }
}

fn tensor<const RANK: usize>(shape: [usize; RANK], values: Vec<f32>) -> Value {
    Value::from_shape(shape, values).expect("as many values as the shape says")
}

fn floats<const RANK: usize>(value: Value) -> Result<Vec<f32>, SpeechError> {
    let (_, data) = value
        .into_shape_vec::<f32, RANK>()
        .map_err(SpeechError::inference)?;
    Ok(data)
}
