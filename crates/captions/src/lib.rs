//! Captions from words with times: an animated ASS script to burn into a clip, and SRT and `WebVTT` files to ship beside it.
//!
//! All times are relative to the start of the clip. Everything is a pure function except [`FontFiles::read`].
//!
//! ```
//! use captions::{cues, srt};
//! use domain::Word;
//!
//! let word = |text: &str, start_ms, end_ms| Word { text: text.into(), start_ms, end_ms, confidence: 1.0 };
//! let words = [word("Hello,", 0, 400), word("world!", 450, 1200)];
//! assert_eq!(srt(&cues(&words)), "1\n00:00:00,000 --> 00:00:01,200\nHello, world!\n\n");
//! ```
//!
//! # How it works
//!
//! Both outputs start in `token` (words are cleaned, punctuation is attached, times are made monotonic) and `grouping` (dynamic
//! programming chooses which tokens are shown together).
//!
//! - [`ass`]: `layout` shapes the tokens with `fonts` and breaks them into lines, `position` gives each token its pixel position in
//!   the order found by `bidi`, and `ass` writes the events, with the boxes of `rounded_rect` behind them.
//! - [`cues`], [`srt`], [`vtt`]: `cue` breaks lines at 42 columns, `subtitles` writes the files.
//!
//! The caption styles are data: [`STYLES`] in `style`. Every text passes through `escape`, so that no word is read as a command.

mod ass;
mod bidi;
mod cue;
mod escape;
mod fonts;
#[doc(hidden)]
pub mod fuzzing;
mod grouping;
mod layout;
mod position;
mod rounded_rect;
mod safe_area;
mod style;
mod subtitles;
mod token;

pub use ass::ass;
pub use cue::{Cue, cues};
pub use fonts::{FontFiles, Fonts, FontsError};
pub use safe_area::{Canvas, SafeArea};
pub use style::{Backdrop, Paint, STYLES, Style, style};
pub use subtitles::{srt, vtt};
