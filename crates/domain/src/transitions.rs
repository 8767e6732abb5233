//! How a job's record changes, and under which conditions. Every change of a status is one of these.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    AttemptId, ClipOutput, ErrorCode, Event, EventKind, Job, JobOutput, Outcome, OutcomeRecord,
    Owner, Stage, Status, Timestamp,
    change::{AttributePath, Change, Condition},
    credits::credits,
    job::{AUTOMATIC_ATTEMPTS, WAITING},
};

const COMPLETE: &str = "Processing complete!";
const FAILED: &str = "Processing failed";

/// What belongs to one attempt and is gone when the next begins.
const OF_AN_ATTEMPT: [&str; 11] = [
    "newest_clip",
    "claimed_by",
    "started_at",
    "finished_at",
    "last_sequence",
    "last_event_ms",
    "progress_stage",
    "clips_completed",
    "total_clips",
    "error_message",
    "error_code",
];

/// What is fixed for a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Credits for each started minute of source.
    pub credits_per_minute: u64,
}

/// What becomes of an attempt whose execution has ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// The attempt is not the current one any longer, or the job is at its end already.
    Unchanged,
    /// The record changes.
    Change(Box<Change>),
}

impl Job {
    /// A task takes the current attempt up; the same task may do so again, as when it did not hear the answer.
    pub fn claim(of: &AttemptId, task: &str, now: Timestamp) -> Change {
        let unclaimed = Condition::Missing("claimed_by");
        let mine = Condition::Equals("claimed_by", task.into());
        Change::when([
            is_current(of.attempt),
            is_active(),
            Condition::Any(vec![unclaimed, mine]),
        ])
        .set("status", Status::Running.name())
        .set("claimed_by", task)
        .set("updated_at", text(now))
        .set_if_missing("started_at", text(now))
        // records of before have none, and an entry needs a map to be written to
        .set_if_missing("attempt_clips", nothing())
    }

    /// Changes nothing, and happens only while a task's claim holds: for a task that is told otherwise by somebody who may be wrong.
    pub fn verify_claim(of: &AttemptId, task: &str) -> Change {
        let mut change = Change::when([
            is_current(of.attempt),
            is_active(),
            Condition::Equals("claimed_by", task.into()),
        ]);
        change.add.push(("attempt", 0));
        change
    }

    /// What an event says is written down, if it is newer than what is there and the job not at its end.
    pub fn apply_event(event: &Event, rates: Rates, now: Timestamp) -> Change {
        let active = Change::when([is_active()]);
        let current = match event.attempt {
            Some(attempt) => active.and(is_current(attempt)),
            // what was said before the attempt was queued is about an older one
            None => active.and(Condition::Any(vec![
                Condition::Missing("queued_at_ms"),
                Condition::AtMost("queued_at_ms", event.timestamp.as_ms()),
            ])),
        };
        match (event.event, &event.output) {
            (EventKind::Completed, output) => {
                let output = output.clone().unwrap_or_default();
                succeeded(current, &output, event.timestamp, rates, now)
            }
            (EventKind::Failed, _) => {
                let error = event.error.as_deref().unwrap_or(FAILED);
                failed(current, error, event.error_code, event.timestamp, now)
            }
            _ => progressed(current, event, now),
        }
    }

    /// What follows from an attempt whose execution has ended, by the outcome that it left; none: it died before it could say.
    pub fn settle(
        &self,
        attempt: u32,
        outcome: Option<&OutcomeRecord>,
        rates: Rates,
        now: Timestamp,
    ) -> Settlement {
        if self.attempt != attempt || self.status.is_terminal() {
            return Settlement::Unchanged;
        }
        let current = Change::when([is_active(), is_current(attempt)]);
        let change = match outcome {
            Some(OutcomeRecord {
                outcome: Outcome::Succeeded { output, .. },
                finished_at,
            }) => succeeded(current, output, *finished_at, rates, now),
            Some(OutcomeRecord {
                outcome:
                    Outcome::Failed {
                        error,
                        error_code,
                        retryable: false,
                        ..
                    },
                finished_at,
            }) => failed(current, error, Some(*error_code), *finished_at, now),
            _ if self.automatic_attempts_left > 0 => next_attempt(current, attempt, now)
                .set("active_owner", self.owner.as_str())
                .add("automatic_attempts_left", -1),
            Some(OutcomeRecord {
                outcome:
                    Outcome::Failed {
                        error, error_code, ..
                    },
                finished_at,
            }) => failed(current, error, Some(*error_code), *finished_at, now),
            None => failed(
                current,
                "the worker ended without a result",
                Some(ErrorCode::Internal),
                now,
                now,
            ),
        };
        Settlement::Change(Box::new(change))
    }

    /// The attempt is given up for a reason of ours.
    pub fn fail(&self, attempt: u32, why: &str, now: Timestamp) -> Change {
        failed(
            Change::when([is_active(), is_current(attempt)]),
            why,
            Some(ErrorCode::Internal),
            now,
            now,
        )
    }

    /// A person stops it.
    pub fn cancel(owner: &Owner, now: Timestamp) -> Change {
        Change::when([belongs_to(owner), is_active()])
            .set("status", Status::Canceled.name())
            .set("error_code", ErrorCode::Canceled.name())
            .set("error_message", "canceled")
            // only clips that were paid for are the owner's
            .set("attempt_clips", nothing())
            .set("finished_at", text(now))
            .set("updated_at", text(now))
            .remove(&["active_owner", "newest_clip"])
    }

    /// A person has a failed or canceled job tried again, with a fresh count of automatic attempts.
    pub fn retry(&self, now: Timestamp) -> Change {
        let ended = [Status::Failed, Status::Canceled]
            .map(|status| status.name().into())
            .into();
        self.again(Condition::OneOf("status", ended), now)
    }

    /// A person has changed the plan of a job that is at its end; `plan` names the new one.
    pub fn edit_plan(&self, plan: &str, now: Timestamp) -> Change {
        let ended = Status::ALL
            .into_iter()
            .filter(|status| status.is_terminal());
        let ended = ended.map(|status| status.name().into()).collect();
        self.again(Condition::OneOf("status", ended), now)
            .set("edited_plan", plan)
    }

    /// Whether this is what a person's wish for another attempt of `before` has made of it.
    pub fn is_next_attempt_of(&self, before: &Self) -> bool {
        !self.status.is_terminal()
            && self.attempt == before.attempt + 1
            && self.owner == before.owner
    }

    fn again(&self, ended: Condition, now: Timestamp) -> Change {
        let attempt = self.attempt;
        let change = next_attempt(
            Change::when([belongs_to(&self.owner), ended, is_current(attempt)]),
            attempt,
            now,
        )
        .set("active_owner", self.owner.as_str())
        .set("automatic_attempts_left", AUTOMATIC_ATTEMPTS - 1)
        .set("edition", self.next_revision());
        // it was once written as 0 for an output without clips, which would make the first ones free
        let unpaid = self.clips.is_empty() && self.credits_charged == Some(0);
        change.remove(if unpaid { &["credits_charged"] } else { &[] })
    }

    /// The edition that a person's wish for another attempt begins. Attempts number the editions, so that a later one has a higher number.
    /// The first edition goes on where it ended; a later one is either what the owner has, or is deleted when it has come to nothing.
    fn next_revision(&self) -> u32 {
        let has_clips = self.status == Status::Succeeded && !self.clips.is_empty();
        if self.revision > 0 || has_clips {
            self.attempt + 1
        } else {
            0
        }
    }
}

fn is_current(attempt: u32) -> Condition {
    Condition::Equals("attempt", attempt.into())
}

fn is_active() -> Condition {
    Condition::OneOf(
        "status",
        vec![Status::Queued.name().into(), Status::Running.name().into()],
    )
}

fn belongs_to(owner: &Owner) -> Condition {
    Condition::Equals("owner", owner.as_str().into())
}

/// Later than the last one, and never back: the record only ever moves on within an attempt.
fn progressed(change: Change, event: &Event, now: Timestamp) -> Change {
    let newer = match event.sequence {
        Some(sequence) => after("last_sequence", i64::from(sequence)),
        None => after("last_event_ms", event.timestamp.as_ms()),
    };
    let percent = event.progress_percent.whole();
    let change = change
        .and(newer)
        .and(Condition::AtMost("progress_percent", i64::from(percent)))
        .set("status", Status::Running.name())
        .set("progress_percent", percent)
        .set("current_step", event.current_step.as_str())
        .set("updated_at", text(now))
        .set_known("progress_stage", event.stage.map(Stage::name))
        .set_known("clips_completed", event.clips_completed)
        .set_known("total_clips", event.total_clips)
        .set_known(
            "newest_clip",
            event.clip.as_ref().map(|clip| clip.clip_index),
        )
        .set_if_missing("started_at", text(event.timestamp));
    let change = match event.sequence {
        Some(sequence) => change.set("last_sequence", sequence),
        None => change.set("last_event_ms", event.timestamp.as_ms()),
    };
    match &event.clip {
        Some(clip) => change.set(
            AttributePath::entry("attempt_clips", clip.clip_index.to_string()),
            plain(clip),
        ),
        None => change,
    }
}

fn after(attribute: &'static str, number: i64) -> Condition {
    Condition::Any(vec![
        Condition::Missing(attribute),
        Condition::Below(attribute, number),
    ])
}

fn succeeded(
    change: Change,
    output: &JobOutput,
    at: Timestamp,
    rates: Rates,
    now: Timestamp,
) -> Change {
    with_clips(change, output, rates)
        .set("status", Status::Succeeded.name())
        .set("progress_percent", 100)
        .set("current_step", COMPLETE)
        .set("clips_completed", output.total_clips)
        .set("total_clips", output.total_clips)
        .set("attempt_clips", nothing())
        .set("finished_at", text(at))
        .set("updated_at", text(now))
        .set_known(
            AttributePath::entry("source", "title"),
            output.source_video_title.as_deref(),
        )
        .set_known(
            AttributePath::entry("source", "duration_ms"),
            // 0 is a length that was not told; plans are checked against it
            output.source_duration_ms.filter(|&ms| ms > 0),
        )
        .set_known("transcript_url", output.transcript_url.as_deref())
        .set_known("plan_url", output.plan_url.as_deref())
        .set_known("timings", output.timings.as_ref().map(plain))
        .set_known("considered_ms", output.considered_ms)
        .set_known("processing_time_seconds", output.processing_time_seconds)
        .set_if_missing("started_at", text(at))
        .remove(&[
            "newest_clip",
            "active_owner",
            "progress_stage",
            "error_message",
            "error_code",
        ])
}

/// The clips of an attempt take the place of those before, and are paid for. An attempt without clips takes nothing away from the owner
/// and is not paid for, so that the first clips of the job are.
fn with_clips(change: Change, output: &JobOutput, rates: Rates) -> Change {
    let Some(credits) = credits(output, rates.credits_per_minute) else {
        return change;
    };
    let clips: BTreeMap<String, &ClipOutput> = output
        .clips
        .iter()
        .map(|clip| (clip.clip_index.to_string(), clip))
        .collect();
    change
        .set("clips", plain(&clips))
        // once a job: clips of an edited plan come from the same source
        .set_if_missing("credits_charged", credits)
}

fn failed(
    change: Change,
    error: &str,
    code: Option<ErrorCode>,
    at: Timestamp,
    now: Timestamp,
) -> Change {
    change
        .set("status", Status::Failed.name())
        .set("current_step", FAILED)
        .set("error_message", error)
        .set("error_code", code.unwrap_or(ErrorCode::Internal).name())
        // only clips that were paid for are the owner's
        .set("attempt_clips", nothing())
        .set("finished_at", text(at))
        .set("updated_at", text(now))
        .remove(&["active_owner", "newest_clip"])
}

fn next_attempt(change: Change, attempt: u32, now: Timestamp) -> Change {
    change
        .set("status", Status::Queued.name())
        .set("attempt", attempt + 1)
        .set("progress_percent", 0)
        .set("queued_at_ms", now.as_ms())
        .set("current_step", WAITING)
        .set("attempt_clips", nothing())
        .set("updated_at", text(now))
        .remove(&OF_AN_ATTEMPT)
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

fn text(time: Timestamp) -> Value {
    json!(time.to_string())
}

fn plain(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("plain data can be written as JSON")
}

#[cfg(test)]
mod tests;
