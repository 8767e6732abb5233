//! What the tests share: the real binary, media made by the real ffmpeg, and eyes to look at what comes out.

mod binary;
mod media;
mod processes;

pub use binary::{Ran, clipwright, home};
pub use media::{Frame, Talk, ffmpeg, frame_at, loudness, make, probe};
pub use processes::processes_naming;
