//! Deduplication of messages: a job applies each message once, however often it arrives, also after a retry.
//!
//! Message ids are stored in the job record by the same change that applies the message, so that the two cannot diverge. They rotate
//! through three sets by arrival time: a write to one set removes the oldest, which needs no prior read, and an id is remembered for at
//! least as long as its signature is valid.

use sha2::{Digest, Sha256};

use crate::{
    Change, Condition, Event, Job, Timestamp,
    limits::{MAX_MESSAGE_IDS, SIGNATURE_TOLERANCE_S},
};

const SETS: [&str; 3] = ["message_ids_0", "message_ids_1", "message_ids_2"];
/// How long one set is written to: a signature can be valid for twice the tolerance.
const SET_S: i64 = 2 * SIGNATURE_TOLERANCE_S as i64;
/// Hexadecimal digits of an id's hash that are stored.
const DIGITS: usize = 16;

impl Job {
    /// Makes the change of an event happen once per message id. An event with attempt and sequence number is already deduplicated by
    /// them, so that only terminal events and events that lack either are remembered.
    #[must_use]
    pub fn deduplicate(change: Change, message: &str, event: &Event, now: Timestamp) -> Change {
        if event.event.is_terminal() {
            return with_message_id(change, message, now);
        }
        if event.attempt.is_some() && event.sequence.is_some() {
            return change;
        }
        // losing a progress event is harmless, losing a terminal event is not
        let room = Condition::FewerThan(sets(now)[0], MAX_MESSAGE_IDS);
        with_message_id(change.and(room), message, now)
    }

    /// Remembers a terminal event that names no attempt and changed nothing; repeated later, it might end the next attempt.
    pub fn remember_message(message: &str, now: Timestamp) -> Change {
        let room = Condition::FewerThan(sets(now)[0], MAX_MESSAGE_IDS);
        with_message_id(Change::when([Condition::Exists, room]), message, now)
    }
}

fn with_message_id(change: Change, message: &str, now: Timestamp) -> Change {
    let id = hex::encode(Sha256::digest(message));
    let id = &id[..DIGITS];
    let [newest, last, oldest] = sets(now);
    change
        .and(Condition::NotContains(newest, id.to_owned()))
        .and(Condition::NotContains(last, id.to_owned()))
        .add_to_set(newest, id)
        .remove(&[oldest])
}

/// Returns the current set, the previous one and the oldest.
fn sets(now: Timestamp) -> [&'static str; 3] {
    let turn = now.as_seconds().div_euclid(SET_S).rem_euclid(3) as usize;
    [SETS[turn], SETS[(turn + 2) % 3], SETS[(turn + 1) % 3]]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Record, samples::queued};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(1_700_000_000_000 + seconds * 1000)
    }

    fn record() -> Record {
        serde_json::from_value(json!(queued())).unwrap()
    }

    fn event(attempt: Option<u32>, sequence: Option<u32>) -> Event {
        let event = json!({"event": "job.progress", "timestamp": at(0), "job_id": "job-1", "status": "running",
            "progress_percent": 5, "current_step": "x", "attempt": attempt, "sequence": sequence});
        serde_json::from_value(event).unwrap()
    }

    fn apply(record: &mut Record, message: &str, seconds: i64) -> bool {
        let event = event(None, None);
        let change = Change::when([Condition::Exists]);
        Job::deduplicate(change, message, &event, at(seconds)).apply(record)
    }

    #[test]
    fn a_message_is_applied_once_while_its_signature_is_valid() {
        for first in (0..3 * SET_S).step_by(97) {
            let mut record = record();
            assert!(apply(&mut record, "msg_1", first));
            for later in (0..=SET_S).step_by(50) {
                assert!(
                    !apply(&mut record, "msg_1", first + later),
                    "{first} {later}"
                );
                assert!(apply(&mut record, &format!("msg_{later}x"), first + later));
            }
            for turn in 1..4 {
                apply(&mut record, &format!("next_{turn}"), first + turn * SET_S);
            }
            assert!(apply(&mut record, "msg_1", first + 3 * SET_S), "forgotten");
        }
    }

    #[test]
    fn remembered_messages_are_bounded_and_terminal_events_exceed_the_bound() {
        let mut record = record();
        let applied =
            (0..3 * MAX_MESSAGE_IDS).filter(|number| apply(&mut record, &number.to_string(), 0));
        assert_eq!(applied.count(), MAX_MESSAGE_IDS);
        let end = Event {
            event: crate::EventKind::Failed,
            ..event(None, None)
        };
        let change = || Change::when([Condition::Exists]);
        assert!(Job::deduplicate(change(), "end", &end, at(0)).apply(&mut record));
        assert!(!Job::deduplicate(change(), "end", &end, at(0)).apply(&mut record));
        for turn in 1..12 {
            for number in 0..2 * MAX_MESSAGE_IDS {
                apply(&mut record, &number.to_string(), turn * SET_S);
            }
        }
        let bytes = Value::from(record).to_string().len();
        assert!(bytes < 45_000, "{bytes}");
    }

    #[test]
    fn an_event_with_attempt_and_sequence_is_not_remembered() {
        let mut record = record();
        let change = || Change::when([Condition::Exists]);
        let change = Job::deduplicate(change(), "msg_1", &event(Some(1), Some(1)), at(0));
        assert!(change.apply(&mut record.clone()) && change.apply(&mut record));
    }
}
