//! The steps of the pipeline, each from one file of the contract to the next; they never call each other.

pub(crate) mod download;
pub(crate) mod plan;
pub(crate) mod render;
pub(crate) mod transcribe;
pub(crate) mod upload;
