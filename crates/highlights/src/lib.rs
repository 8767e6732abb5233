//! Chooses the clips of a talk: scores every run of whole sentences by its words and its sound, and takes the best set that does not overlap.

mod candidates;
mod choice;
mod cues;
mod embed;
#[cfg(test)]
mod fixture;
mod likeness;
mod meaning;
mod pitch;
mod plan;
mod salience;
mod schedule;
mod score;
mod silences;
mod snap;
mod sound;
mod standing;
mod stats;
mod steering;
mod sums;
mod talk;
mod topics;
mod wording;
mod wordpiece;
mod words;

pub use candidates::cut;
pub use embed::{EmbedError, Embedder};
pub use plan::plan;
pub use schedule::{Interval, best};
pub use silences::silences;
pub use snap::snap_to_sentences;
pub use sound::{SAMPLE_RATE, SoundProfile};
