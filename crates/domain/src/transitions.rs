//! The transitions of a job's record, each a conditional change. No other code changes a status.

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

/// Attributes that belong to one attempt and are removed when the next one is queued.
const ATTEMPT_ATTRIBUTES: [&str; 11] = [
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

/// Prices of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Credits per started minute of source.
    pub credits_per_minute: u64,
}

/// The consequence of an ended execution.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// The attempt is no longer the current one, or the job has already ended.
    Unchanged,
    /// The change to apply to the record.
    Change(Box<Change>),
}

impl Job {
    /// A task claims the current attempt. The same task may repeat the claim, for example after a lost response.
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
        // records written by earlier versions lack it, and a map entry can only be written to an existing map
        .set_if_missing("attempt_clips", empty_map())
    }

    /// Verifies that a task still holds its claim. It changes nothing; a task uses it before it trusts an event receiver that reports
    /// the attempt as superseded.
    pub fn verify_claim(of: &AttemptId, task: &str) -> Change {
        let mut change = Change::when([
            is_current(of.attempt),
            is_active(),
            Condition::Equals("claimed_by", task.into()),
        ]);
        change.add.push(("attempt", 0));
        change
    }

    /// Applies a worker's event, if the job is active and the event is newer than the last one applied.
    pub fn apply_event(event: &Event, rates: Rates, now: Timestamp) -> Change {
        let active = Change::when([is_active()]);
        let current = match event.attempt {
            Some(attempt) => active.and(is_current(attempt)),
            // an event from before the attempt was queued belongs to an earlier attempt
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

    /// Decides what follows an ended execution from the outcome that it wrote; `None` if it died before it could write one.
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

    /// Fails the job for an internal reason.
    pub fn fail(&self, attempt: u32, why: &str, now: Timestamp) -> Change {
        failed(
            Change::when([is_active(), is_current(attempt)]),
            why,
            Some(ErrorCode::Internal),
            now,
            now,
        )
    }

    /// The owner cancels the job.
    pub fn cancel(owner: &Owner, now: Timestamp) -> Change {
        Change::when([belongs_to(owner), is_active()])
            .set("status", Status::Canceled.name())
            .set("error_code", ErrorCode::Canceled.name())
            .set("error_message", "canceled")
            // the owner keeps only clips that were paid for
            .set("attempt_clips", empty_map())
            .set("finished_at", text(now))
            .set("updated_at", text(now))
            .remove(&["active_owner", "newest_clip"])
    }

    /// The owner retries a failed or canceled job; the count of automatic attempts starts over.
    pub fn retry(&self, now: Timestamp) -> Change {
        let ended = [Status::Failed, Status::Canceled]
            .map(|status| status.name().into())
            .into();
        self.restart(Condition::OneOf("status", ended), now)
    }

    /// The owner has edited the plan of an ended job; `plan` is the hash that names the new plan.
    pub fn edit_plan(&self, plan: &str, now: Timestamp) -> Change {
        let ended = Status::ALL
            .into_iter()
            .filter(|status| status.is_terminal());
        let ended = ended.map(|status| status.name().into()).collect();
        self.restart(Condition::OneOf("status", ended), now)
            .set("edited_plan", plan)
    }

    /// Returns whether this record is `before` after a retry or an edited plan.
    pub fn is_next_attempt_of(&self, before: &Self) -> bool {
        !self.status.is_terminal()
            && self.attempt == before.attempt + 1
            && self.owner == before.owner
    }

    fn restart(&self, ended: Condition, now: Timestamp) -> Change {
        let attempt = self.attempt;
        let change = next_attempt(
            Change::when([belongs_to(&self.owner), ended, is_current(attempt)]),
            attempt,
            now,
        )
        .set("active_owner", self.owner.as_str())
        .set("automatic_attempts_left", AUTOMATIC_ATTEMPTS - 1)
        .set("edition", self.next_revision());
        // earlier versions wrote 0 for an output without clips, which would make the first clips free
        let unpaid = self.clips.is_empty() && self.credits_charged == Some(0);
        change.remove(if unpaid { &["credits_charged"] } else { &[] })
    }

    /// Returns the revision that the next attempt writes to. Revisions are numbered by attempts, so that a later one has a higher number.
    /// The first revision is resumed; a later one is either the one that the owner has, or is deleted after its attempt has failed.
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

/// Applies a progress event that is newer than the last one; progress never decreases within an attempt.
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
        .set("attempt_clips", empty_map())
        .set("finished_at", text(at))
        .set("updated_at", text(now))
        .set_known(
            AttributePath::entry("source", "title"),
            output.source_video_title.as_deref(),
        )
        .set_known(
            AttributePath::entry("source", "duration_ms"),
            // 0 stands for an unknown length, and plans are checked against the length
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

/// Replaces the previous clips and charges for them. An attempt without clips replaces nothing and charges nothing, so that the job is
/// charged when its first clips arrive.
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
        // once per job: the clips of an edited plan come from the same source
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
        .set("attempt_clips", empty_map())
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
        .set("attempt_clips", empty_map())
        .set("updated_at", text(now))
        .remove(&ATTEMPT_ATTRIBUTES)
}

fn empty_map() -> Value {
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
