//! Messages that a job has taken: each counts once, however often it arrives, also after a person had the job tried again.
//!
//! Ids stand in the record itself, in the very change that their message makes, so that no death comes between. They are in one of three
//! sets by the time at which they came; whoever writes one set takes the oldest away, so that nobody has to read before, and an id
//! is known for at least as long as its signature can be good.

use sha2::{Digest, Sha256};

use crate::{
    Change, Condition, Event, Job, Timestamp,
    limits::{MAX_MESSAGE_IDS, SIGNATURE_TOLERANCE_S},
};

const SETS: [&str; 3] = ["message_ids_0", "message_ids_1", "message_ids_2"];
/// How long a set is written to: a signature that is good for the first time may be so for twice the tolerance.
const SET_S: i64 = 2 * SIGNATURE_TOLERANCE_S as i64;
/// Hexadecimal digits of an id's hash that are kept.
const DIGITS: usize = 16;

impl Job {
    /// What an event changes, once for each id of its message. What names its attempt and its place in it is known by these, so that
    /// only ends and what lacks one of both are remembered.
    #[must_use]
    pub fn deduplicate(change: Change, message: &str, event: &Event, now: Timestamp) -> Change {
        if event.event.is_terminal() {
            return remembered(change, message, now);
        }
        if event.attempt.is_some() && event.sequence.is_some() {
            return change;
        }
        // a report that is lost does no harm, an end that is lost does
        let room = Condition::FewerThan(sets(now)[0], MAX_MESSAGE_IDS);
        remembered(change.and(room), message, now)
    }

    /// Remembers an end that changed nothing and might otherwise end what comes next: it names no attempt.
    pub fn remember_message(message: &str, now: Timestamp) -> Change {
        let room = Condition::FewerThan(sets(now)[0], MAX_MESSAGE_IDS);
        remembered(Change::when([Condition::Exists, room]), message, now)
    }
}

fn remembered(change: Change, message: &str, now: Timestamp) -> Change {
    let id = hex::encode(Sha256::digest(message));
    let id = &id[..DIGITS];
    let [newest, last, oldest] = sets(now);
    change
        .and(Condition::NotContains(newest, id.to_owned()))
        .and(Condition::NotContains(last, id.to_owned()))
        .add_to_set(newest, id)
        .remove(&[oldest])
}

/// The set of this moment, the one before it and the oldest.
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

    fn take(record: &mut Record, message: &str, seconds: i64) -> bool {
        let event = event(None, None);
        let change = Change::when([Condition::Exists]);
        Job::deduplicate(change, message, &event, at(seconds)).apply(record)
    }

    #[test]
    fn a_message_counts_once_for_as_long_as_it_can_be_believed() {
        for first in (0..3 * SET_S).step_by(97) {
            let mut record = record();
            assert!(take(&mut record, "msg_1", first));
            for later in (0..=SET_S).step_by(50) {
                assert!(
                    !take(&mut record, "msg_1", first + later),
                    "{first} {later}"
                );
                assert!(take(&mut record, &format!("msg_{later}x"), first + later));
            }
            for turn in 1..4 {
                take(&mut record, &format!("next_{turn}"), first + turn * SET_S);
            }
            assert!(take(&mut record, "msg_1", first + 3 * SET_S), "forgotten");
        }
    }

    #[test]
    fn what_is_remembered_has_a_limit_and_ends_are_taken_beyond_it() {
        let mut record = record();
        let taken =
            (0..3 * MAX_MESSAGE_IDS).filter(|number| take(&mut record, &number.to_string(), 0));
        assert_eq!(taken.count(), MAX_MESSAGE_IDS);
        let end = Event {
            event: crate::EventKind::Failed,
            ..event(None, None)
        };
        let change = || Change::when([Condition::Exists]);
        assert!(Job::deduplicate(change(), "end", &end, at(0)).apply(&mut record));
        assert!(!Job::deduplicate(change(), "end", &end, at(0)).apply(&mut record));
        for turn in 1..12 {
            for number in 0..2 * MAX_MESSAGE_IDS {
                take(&mut record, &number.to_string(), turn * SET_S);
            }
        }
        let bytes = Value::from(record).to_string().len();
        assert!(bytes < 45_000, "{bytes}");
    }

    #[test]
    fn what_has_its_place_in_an_attempt_is_not_remembered() {
        let mut record = record();
        let change = || Change::when([Condition::Exists]);
        let change = Job::deduplicate(change(), "msg_1", &event(Some(1), Some(1)), at(0));
        assert!(change.apply(&mut record.clone()) && change.apply(&mut record));
    }
}
