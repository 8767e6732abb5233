//! Types and rules of clipwright, without any input or output.

mod failure;
mod fingerprint;
pub mod keys;
mod options;
mod outcome;
mod plan;
mod score;
mod time;
mod transcript;

pub use failure::{ErrorCode, Failure, FailureKind, Stage};
pub use fingerprint::Fingerprint;
pub use options::{AspectRatio, ClipOptions, InvalidOption, Layout, Size};
pub use outcome::{ClipOutput, JobOutput, Outcome, StageReport};
pub use plan::{
    Dropped, Evidence, InvalidPlan, Plan, PlannedClip, SalientSentence, ScoreBreakdown,
};
pub use score::Score;
pub use time::{InvalidTimeRange, TimeRange};
pub use transcript::{InvalidTranscript, Segment, SpeechOrigin, Transcript, Word};
