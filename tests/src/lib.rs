//! What the tests share: the real binary, media made by the real ffmpeg, and eyes to look at what comes out.

mod binary;
mod job;
mod media;
mod processes;

pub use binary::{Ran, clipwright, home};
pub use job::{Job, words};
pub use media::{Frame, Talk, ffmpeg, fixture, frame_at, loudness, make, probe, samples};
pub use processes::{most_resident_bytes, processes_naming};
