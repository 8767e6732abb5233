//! The ffmpeg programs: calling them, asking what a file holds, and the graphs that make a clip.

pub(crate) mod command;
pub(crate) mod graph;
pub(crate) mod media;
pub(crate) mod output;
pub(crate) mod probe;
pub(crate) mod sound;
