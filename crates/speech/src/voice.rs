//! Where somebody speaks: the Silero voice detector, run over a block of sound at a time.

use std::path::Path;
use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, Value};

use crate::SpeechError;

/// Samples that one probability covers (32 ms).
pub(crate) const FRAME: usize = 512;
/// Samples of the frame before that the model also looks at.
const CONTEXT: usize = 64;
/// Size of each of the two vectors that it remembers.
const STATE: usize = 128;

/// The loaded detector.
pub(crate) struct VoiceModel {
    model: Model,
    inputs: [NodeId; 3],
    outputs: [NodeId; 3],
}

/// A detector's memory of one recording.
pub(crate) struct VoiceDetector<'a> {
    model: &'a VoiceModel,
    pool: Arc<ThreadPool>,
    context: [f32; CONTEXT],
    hidden: Vec<f32>,
    cell: Vec<f32>,
}

impl VoiceModel {
    /// Loads the model that takes a sequence of frames, `silero_vad_16k_sequence.onnx`.
    pub(crate) fn load(path: &Path) -> Result<Self, SpeechError> {
        if !path.is_file() {
            return Err(SpeechError::MissingModel(path.to_owned()));
        }
        let invalid = |why: String| SpeechError::InvalidModel {
            path: path.to_owned(),
            why,
        };
        let model = Model::load_file(path).map_err(|why| invalid(why.to_string()))?;
        let node = |name| model.node_id(name).map_err(|why| invalid(why.to_string()));
        let inputs = [node("input")?, node("h")?, node("c")?];
        let outputs = [node("speech_probs")?, node("hn")?, node("cn")?];
        Ok(Self {
            model,
            inputs,
            outputs,
        })
    }

    /// A detector at the beginning of a recording.
    pub(crate) fn detector(&self) -> VoiceDetector<'_> {
        VoiceDetector {
            model: self,
            // the recogniser keeps every core busy; more threads here would only fight with it
            pool: Arc::new(ThreadPool::with_num_threads(1)),
            context: [0.0; CONTEXT],
            hidden: vec![0.0; STATE],
            cell: vec![0.0; STATE],
        }
    }
}

/// How many seconds of each channel have a voice in them; the channels are samples of 16 kHz between -1 and 1.
///
/// # Errors
/// When the model, a Silero file, is missing or fails.
pub fn voiced_seconds(model: &Path, channels: &[Vec<f32>]) -> Result<Vec<f64>, SpeechError> {
    let model = VoiceModel::load(model)?;
    let voiced = |samples: &Vec<f32>| {
        let frames = model.detector().probabilities(samples)?;
        let count = frames.iter().filter(|one| **one > VOICED).count();
        Ok((count * FRAME) as f64 / 16_000.0)
    };
    channels.iter().map(voiced).collect()
}

/// The probability from which on a frame is taken for a voice, as Silero's authors do.
const VOICED: f32 = 0.5;

impl VoiceDetector<'_> {
    /// The probability of speech in each frame of the next block; what lacks of a last frame counts as silence.
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

    /// Frames one after the other, each preceded by the end of the one before.
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
