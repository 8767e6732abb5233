//! Types and rules of clipwright, without any input or output.

mod callback;
mod change;
mod credits;
mod duplicates;
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
mod news;
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

pub use callback::{Delivery, DeliveryState, DeliveryTry, pause};
pub use change::{Change, Condition, Place, Record};
pub use credits::credits;
pub use event::{Event, EventKind, InvalidEvent, Percent};
pub use failure::{ErrorCode, Failure, FailureKind, Stage};
pub use fingerprint::Fingerprint;
pub use ids::{AttemptOf, InvalidId, JobId, Owner, is_plain_id};
pub use job::{AUTOMATIC_ATTEMPTS, Job, JobSource, Labels, Status, Submission};
pub use news::{moved, news};
pub use options::{AspectRatio, CAPTION_STYLES, ClipOptions, InvalidOption, Layout, Size};
pub use outcome::{ClipOutput, JobOutput, Outcome, StageReport};
pub use plan::{
    Dropped, Evidence, InvalidPlan, Plan, PlannedClip, SalientSentence, ScoreBreakdown,
};
pub use score::Score;
pub use signature::{BadSignature, InvalidSecret, Secret, Secrets, SignatureHeaders};
pub use time::{InvalidTimeRange, TimeRange};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use transcript::{Clarity, InvalidTranscript, Segment, SpeechOrigin, Transcript, Word};
pub use transitions::{Ended, Rates, Settlement};
