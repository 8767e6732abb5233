//! Reframing: shot detection, faces, the active speaker, and a virtual camera that crops a clip to another shape.
//!
//! [`Analyser`] takes the decoded frames of a clip's range and detects cuts and faces; [`compose`] decides what each shot shows.
//!
//! ```
//! use domain::{AspectRatio, Layout, Size};
//! use reframe::{Analysis, Clip, View, compose};
//!
//! let clip = Clip {
//!     duration_ms: 8_000,
//!     source: Size { width: 1920, height: 1080 },
//!     target: AspectRatio::Portrait.output_size(),
//!     layout: Layout::Auto,
//!     speech: &[],
//! };
//! // nobody is seen, so the whole picture is shown
//! let shots = compose(&Analysis::default(), &clip);
//! assert_eq!(shots.len(), 1);
//! assert_eq!(shots[0].view, View::Fit);
//! ```
//!
//! # How it works
//!
//! Analysis ([`Analyser`] in `analysis`), frame by frame:
//!
//! - `cuts` finds shot boundaries in thumbnails of every frame.
//! - `detector` runs the face model (`yunet` encodes its input and decodes its output) on sampled frames, `mouth` measures mouth motion
//!   between samples, `screen` recognises slides and screen recordings.
//!
//! Composition ([`compose`]), shot by shot:
//!
//! - `tracking` joins faces over time into people.
//! - `framing` chooses the view: `Framing::split` holds the rule that puts two people one above the other, `Framing::follow` the camera that
//!   keeps people in view, `Framing::follow_speakers` the one that shows the active speaker (`speaker`).
//! - `camera` plans a smooth path on each axis; `split_sizes` limits the number of different split sizes.
//!
//! The result is a list of [`Shot`]s (`composition`), which the renderer turns into filters.

mod analysis;
mod camera;
mod compose;
mod composition;
mod cuts;
mod detector;
mod even;
mod face;
mod frame;
mod framing;
mod median;
mod mouth;
mod screen;
mod speaker;
mod split_sizes;
mod tracking;
mod yunet;

pub use analysis::{Analyser, Analysis, Sample};
pub use compose::compose;
pub use composition::{Clip, Keyframe, Rect, Shot, View, position_at};
pub use detector::{Detector, DetectorError, MODEL_FILE};
pub use face::Face;
pub use frame::{ANALYSIS_FPS, Frame, FrameError, THUMBNAIL, analysis_size};
