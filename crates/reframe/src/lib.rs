//! Where to look: faces, shots and a virtual camera.
//!
//! [`Analyser`] takes the decoded frames of a clip's range and tells what is seen; [`compose`] decides what is shown.

mod analysis;
mod camera;
mod compose;
mod composition;
mod cuts;
mod detector;
mod face;
mod mouth;
mod people;
mod picture;
mod screen;
mod sizes;
mod speaker;
mod stage;
mod yunet;

pub use analysis::{Analyser, Analysis, Sample};
pub use compose::{Clip, compose};
pub use composition::{Keyframe, Rect, Shot, View, position_at};
pub use detector::{Detector, DetectorError, MODEL_FILE};
pub use face::Face;
pub use picture::{ANALYSIS_FPS, Frame, THUMBNAIL, analysis_size};
