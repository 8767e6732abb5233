//! Captions from words with times: animated ones to burn in (ASS), and cues to ship beside a clip (SRT, `WebVTT`).
//!
//! Times are those of the clip. Everything is a pure function but [`FontFiles::read`].

mod ass;
mod block;
mod cue;
mod escape;
mod fonts;
#[doc(hidden)]
pub mod fuzzing;
mod grouping;
mod order;
mod piece;
mod place;
mod safe_area;
mod style;
mod subtitles;
mod vector;

pub use ass::ass;
pub use cue::{Cue, cues};
pub use fonts::{FontFiles, Fonts, FontsError};
pub use safe_area::{Page, SafeArea};
pub use style::{Backdrop, Paint, STYLES, Style, style};
pub use subtitles::{srt, vtt};
