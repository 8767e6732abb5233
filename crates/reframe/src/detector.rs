//! The face detector: `YuNet` (Wu, Peng, Yu: "`YuNet`: A Tiny Millisecond-level Face Detector", 2023), run on the CPU.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};

use crate::{
    face::Face,
    frame::{Frame, FrameError},
    yunet::{self, Level, STRIDES},
};

/// File name of the model.
pub const MODEL_FILE: &str = "yunet.onnx";

/// Names of the model's outputs for each stride, in the order of [`Level`]'s fields.
const OUTPUTS: [&str; 4] = ["cls", "obj", "bbox", "kps"];

/// Why faces could not be detected.
#[derive(Debug, thiserror::Error)]
pub enum DetectorError {
    /// The model is missing or invalid.
    #[error("cannot load face model {path}: {reason}")]
    Load {
        /// The file.
        path: PathBuf,
        /// The runtime's error.
        reason: String,
    },
    /// The model failed at inference.
    #[error("the face model failed: {0}")]
    Run(String),
    /// A frame is invalid.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Detects faces in single frames.
pub struct Detector {
    model: Model,
    input: NodeId,
    outputs: Vec<NodeId>,
    /// One thread: the frames are small, and the video decoder needs the other cores.
    run: RunOptions,
}

impl Detector {
    /// Loads [`MODEL_FILE`] from `folder`.
    ///
    /// # Errors
    /// When it is missing or is not that model.
    pub fn load(folder: &Path) -> Result<Self, DetectorError> {
        let path = folder.join(MODEL_FILE);
        let invalid = |reason: String| DetectorError::Load {
            path: path.clone(),
            reason,
        };
        let bytes = std::fs::read(&path).map_err(|error| invalid(error.to_string()))?;
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load(of_any_size(bytes))
            .map_err(|error| invalid(error.to_string()))?;
        let node = |name: &str| {
            model
                .node_id(name)
                .map_err(|error| invalid(error.to_string()))
        };
        let input = node("input")?;
        let outputs = STRIDES
            .iter()
            .flat_map(|stride| OUTPUTS.map(|kind| format!("{kind}_{stride}")))
            .map(|name| node(&name))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            model,
            input,
            outputs,
            run: RunOptions::default()
                .with_thread_pool(Some(Arc::new(ThreadPool::with_num_threads(1)))),
        })
    }

    /// Detects all faces of a frame, the most confident first.
    ///
    /// # Errors
    /// When the frame's pixels do not match its size, or the model fails.
    pub fn detect(&self, frame: &Frame<'_>) -> Result<Vec<Face>, DetectorError> {
        let (shape, pixels) = yunet::input(frame)?;
        let run = |reason: String| DetectorError::Run(reason);
        let input = Value::from_shape(shape, pixels).map_err(|error| run(error.to_string()))?;
        let outputs = self
            .model
            .run(
                vec![(self.input, input.into())],
                &self.outputs,
                Some(self.run.clone()),
            )
            .map_err(|error| run(error.to_string()))?
            .into_iter()
            .map(|value| value.into_shape_vec::<f32, 3>().map(|(_, data)| data))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| run(error.to_string()))?;
        let levels =
            STRIDES
                .iter()
                .zip(outputs.chunks_exact(OUTPUTS.len()))
                .map(|(&stride, of)| Level {
                    stride,
                    class: &of[0],
                    object: &of[1],
                    bounds: &of[2],
                    landmarks: &of[3],
                });
        Ok(yunet::faces(levels, shape[3], frame.size))
    }
}

/// Patches the model so that height and width of its input are dynamic.
///
/// The file declares 640x640, which the runtime enforces although no layer depends on it; frames are 384x216, and padding them would
/// cost five times as much. In the file (protocol buffers, ONNX `TensorShapeProto`) a dimension is a record of 3 bytes: either
/// field 1 with the number 640, or field 2 with a one-letter name.
fn of_any_size(mut model: Vec<u8>) -> Vec<u8> {
    const FIXED: &[u8] = b"\x0a\x03\x08\x80\x05\x0a\x03\x08\x80\x05";
    const OPEN: &[u8] = b"\x0a\x03\x12\x01h\x0a\x03\x12\x01w";
    if let Some(at) = model.windows(FIXED.len()).position(|bytes| bytes == FIXED) {
        model[at..at + OPEN.len()].copy_from_slice(OPEN);
    }
    model
}
