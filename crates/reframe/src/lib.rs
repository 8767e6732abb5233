//! Where to look: faces, shots and a virtual camera.

mod detector;
mod face;
mod picture;
mod yunet;

pub use detector::{Detector, DetectorError, MODEL_FILE};
pub use face::Face;
pub use picture::{ANALYSIS_FPS, Frame, THUMBNAIL, analysis_size};
