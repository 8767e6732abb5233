//! Plans the clips of a talk: scores every run of whole sentences by its words and its sound, and selects the best set that does not overlap.
//!
//! ```no_run
//! use std::{fs, path::Path};
//!
//! use domain::{ClipOptions, Transcript};
//! use highlights::{Embedder, plan};
//!
//! let transcript = Transcript::from_json(&fs::read("transcript.json")?)?;
//! let embedder = Embedder::load(Path::new(".cache/clipwright/models/minilm"))?;
//! let plan = plan(&transcript, None, &ClipOptions::default(), &embedder)?;
//! for clip in &plan.clips {
//!     println!("{} {}", clip.rank, clip.title);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it works
//!
//! [`plan`] reads the transcript once and then works on sentences:
//!
//! 1. `talk` collects the features of each sentence: content words (`words`), embeddings (`embed`, `semantics`), salience (`salience`), topic
//!    boundaries (`topic_boundaries`), lexical cues (`cues`), whether it can open or close a clip (`standalone`), and how it sounds
//!    (`sound`, `pitch`). Sums over any run of sentences are constant time (`prefix_sums`).
//! 2. `candidates` lists the runs of sentences within the allowed lengths; `relevance` compares sentences with the requested topics.
//! 3. `score` gives each candidate its four scores (hook, flow, value, emotion) with the evidence for them.
//! 4. `selection` takes the best set without overlaps (`schedule`) and without near duplicates (`similarity`, with `sparse` vectors).
//! 5. `wording` writes title, summary and reason; `silences` finds pauses and fillers to cut.
//!
//! All weights and thresholds are constants at the top of the file that uses them.

mod candidates;
mod cues;
mod embed;
#[cfg(test)]
mod fixture;
mod pitch;
mod plan;
mod prefix_sums;
mod relevance;
mod salience;
mod schedule;
mod score;
mod selection;
mod semantics;
mod silences;
mod similarity;
mod sound;
mod sparse;
mod standalone;
mod stats;
mod talk;
mod topic_boundaries;
mod wording;
mod wordpiece;
mod words;

pub use candidates::clip_range;
pub use embed::{EmbedError, Embedder};
pub use plan::plan;
pub use schedule::{Interval, best_schedule};
pub use silences::silences;
pub use sound::{SAMPLE_RATE, SoundProfile};
