//! Types and rules of clipwright. Nothing here performs I/O.

mod callback;
mod change;
mod credits;
mod deduplication;
mod event;
mod failure;
mod fingerprint;
#[doc(hidden)]
pub mod fuzzing;
mod ids;
mod job;
pub mod json;
pub mod keys;
pub mod language;
pub mod limits;
mod notifications;
pub mod number;
mod options;
mod outcome;
mod plan;
#[cfg(test)]
mod samples;
mod score;
mod signature;
pub mod text;
mod time;
mod timestamp;
mod transcript;
mod transitions;

pub use callback::{Delivery, DeliveryAttempt, DeliveryState, retry_delay};
pub use change::{AttributePath, Change, Condition, Record};
pub use credits::credits;
pub use event::{Event, EventKind, InvalidEvent, Percent};
pub use failure::{ErrorCode, Failure, FailureKind, Stage};
pub use fingerprint::Fingerprint;
pub use ids::{AttemptId, InvalidId, JobId, Owner, is_valid_id};
pub use job::{AUTOMATIC_ATTEMPTS, Job, JobSource, Labels, Status, Submission};
pub use notifications::{has_progressed, notification};
pub use options::{AspectRatio, CAPTION_STYLES, ClipOptions, InvalidOption, Layout, Size};
pub use outcome::{ClipOutput, JobOutput, Outcome, OutcomeRecord, StageReport};
pub use plan::{
    DroppedCandidate, Evidence, InvalidPlan, Plan, PlannedClip, SalientSentence, ScoreBreakdown,
};
pub use score::Score;
pub use signature::{InvalidSecret, InvalidSignature, Secret, Secrets, SignatureHeaders};
pub use time::{InvalidTimeRange, TimeRange};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use transcript::{Clarity, InvalidTranscript, Segment, SpeechOrigin, Transcript, Word};
pub use transitions::{Rates, Settlement};
