mod payment;

use proptest::prelude::*;

use super::*;
use crate::{Percent, Record, samples::queued};

const RATES: Rates = Rates {
    credits_per_minute: 1,
};
/// Attributes that may depend on the order in which events arrive.
const INTERMEDIATE: [&str; 11] = [
    "updated_at",
    "last_sequence",
    "last_event_ms",
    "progress_percent",
    "progress_stage",
    "current_step",
    "clips_completed",
    "total_clips",
    "clips",
    "attempt_clips",
    "started_at",
];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000 + seconds * 1000)
}

fn record(job: &Job) -> Record {
    serde_json::to_value(job)
        .unwrap()
        .as_object()
        .unwrap()
        .clone()
}

fn job(record: &Record) -> Job {
    serde_json::from_value(Value::Object(record.clone())).unwrap()
}

fn running() -> Record {
    let mut record = record(&queued());
    let of = AttemptId {
        job_id: "job-1".parse().unwrap(),
        attempt: 1,
    };
    assert!(Job::claim(&of, "task", at(1)).apply(&mut record));
    record
}

fn event(value: Value) -> Event {
    serde_json::from_value(value).unwrap()
}

fn output() -> Value {
    json!({"total_clips": 2, "considered_ms": 120_001, "source_video_title": "Talk", "clips": [
        {"clip_index": 0, "s3_url": "https://b/0", "duration_ms": 30_000, "virality_score": 0.9},
        {"clip_index": 1, "s3_url": "https://b/1", "duration_ms": 20_000, "virality_score": 0.5}]})
}

/// The events of a short job in order, the last one terminal.
fn events(last: &str) -> Vec<Event> {
    let basis = |kind: &str, sequence: i64, percent: i64| {
        json!({"event": kind, "timestamp": at(sequence).to_string(), "job_id": "job-1", "status": "running", "attempt": 1,
            "sequence": sequence, "progress_percent": percent, "current_step": format!("step {sequence}")})
    };
    let mut with_clip = basis("job.progress", 3, 60);
    with_clip["clip"] = output()["clips"][0].clone();
    with_clip["clips_completed"] = json!(1);
    let mut end = basis(last, 5, if last == "job.completed" { 100 } else { 60 });
    if last == "job.completed" {
        end["output"] = output();
    } else {
        end["error"] = json!("the disk broke");
        end["error_code"] = json!("internal");
    }
    [
        basis("job.started", 1, 1),
        basis("job.progress", 2, 30),
        with_clip,
        basis("job.progress", 4, 80),
        end,
    ]
    .map(event)
    .into()
}

fn deliver<'a>(record: &mut Record, events: impl IntoIterator<Item = &'a Event>) {
    for (number, event) in events.into_iter().enumerate() {
        let before = record["progress_percent"].as_u64();
        Job::apply_event(event, RATES, at(100 + number as i64)).apply(record);
        assert!(
            record["progress_percent"].as_u64() >= before,
            "progress went back"
        );
    }
}

fn without_intermediate(mut record: Record) -> Record {
    let keep_clips = record["status"] == "succeeded";
    for name in INTERMEDIATE {
        if !(keep_clips
            && [
                "clips",
                "progress_percent",
                "current_step",
                "clips_completed",
                "total_clips",
            ]
            .contains(&name))
        {
            record.remove(name);
        }
    }
    record
}

fn permutations(number: usize) -> Vec<Vec<usize>> {
    if number == 0 {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for order in permutations(number - 1) {
        for index in 0..=order.len() {
            let mut longer = order.clone();
            longer.insert(index, number - 1);
            all.push(longer);
        }
    }
    all
}

#[test]
fn every_order_duplication_and_loss_of_events_ends_in_the_same_record() {
    for last in ["job.completed", "job.failed"] {
        let events = events(last);
        let mut straight = running();
        deliver(&mut straight, &events);
        let expected = without_intermediate(straight);
        for order in permutations(events.len()) {
            for delivered in 0..1_u32 << events.len() {
                // the terminal event may be lost too: then the outcome settles the job
                let arrived: Vec<&Event> = order
                    .iter()
                    .filter(|&&index| delivered >> index & 1 == 1)
                    .map(|&index| &events[index])
                    .collect();
                let mut record = running();
                deliver(
                    &mut record,
                    arrived.iter().copied().chain(arrived.iter().rev().copied()),
                );
                settle_by(&mut record, &events[4]);
                assert_eq!(
                    without_intermediate(record),
                    expected,
                    "{order:?} {delivered:b}"
                );
            }
        }
    }
}

/// Does what `settle-job` does with the outcome that corresponds to the terminal event.
fn settle_by(record: &mut Record, last: &Event) {
    let outcome = match &last.output {
        Some(output) => Outcome::Succeeded {
            output: output.clone(),
            stages: Vec::new(),
            tools: BTreeMap::new(),
        },
        None => Outcome::Failed {
            error: last.error.clone().unwrap(),
            error_code: last.error_code.unwrap(),
            stage: Stage::Render,
            retryable: false,
        },
    };
    let ended = OutcomeRecord {
        outcome,
        finished_at: last.timestamp,
    };
    if let Settlement::Change(change) = job(record).settle(1, Some(&ended), RATES, at(200)) {
        assert!(change.apply(record));
    }
}

#[test]
fn only_the_task_that_claimed_an_attempt_can_claim_it_again() {
    let mut record = running();
    let of = AttemptId {
        job_id: "job-1".parse().unwrap(),
        attempt: 1,
    };
    assert!(!Job::claim(&of, "another", at(2)).apply(&mut record));
    assert!(Job::claim(&of, "task", at(2)).apply(&mut record));
    assert_eq!(record["started_at"], json!(at(1).to_string()));
}

#[test]
fn an_attempt_without_an_outcome_is_retried_until_no_attempts_are_left() {
    let mut record = running();
    for attempt in 1..AUTOMATIC_ATTEMPTS {
        let Settlement::Change(change) = job(&record).settle(attempt, None, RATES, at(9)) else {
            panic!("settled without a change")
        };
        assert!(change.apply(&mut record) && !change.apply(&mut record));
        assert_eq!(
            (job(&record).status, job(&record).attempt),
            (Status::Queued, attempt + 1)
        );
        assert_eq!(
            job(&record).settle(attempt, None, RATES, at(9)),
            Settlement::Unchanged
        );
    }
    let Settlement::Change(change) = job(&record).settle(AUTOMATIC_ATTEMPTS, None, RATES, at(9))
    else {
        panic!("settled without a change")
    };
    assert!(change.apply(&mut record));
    let failed = job(&record);
    assert_eq!(
        (failed.status, failed.error_code.as_deref()),
        (Status::Failed, Some("internal"))
    );
    let mut retried = record.clone();
    assert!(failed.retry(at(10)).apply(&mut retried));
    assert_eq!(
        (
            job(&retried).attempt,
            job(&retried).automatic_attempts_left,
            job(&retried).error_message
        ),
        (4, 2, None)
    );
}

#[test]
fn events_of_ended_or_earlier_attempts_are_ignored() {
    let mut record = running();
    assert!(Job::cancel(&Owner::user("ann"), at(3)).apply(&mut record));
    let canceled = record.clone();
    deliver(&mut record, &events("job.completed"));
    assert_eq!(record, canceled);
    assert!(job(&record).retry(at(4)).apply(&mut record));
    let retried = record.clone();
    deliver(&mut record, &events("job.completed"));
    assert_eq!(record, retried);
}

#[test]
fn transitions_require_the_owner_and_a_matching_status() {
    let mut record = running();
    assert!(!Job::cancel(&Owner::user("bob"), at(3)).apply(&mut record));
    assert!(!job(&record).retry(at(3)).apply(&mut record));
    assert!(!job(&record).edit_plan("abc", at(3)).apply(&mut record));
    deliver(&mut record, &events("job.completed"));
    assert!(!Job::cancel(&Owner::user("ann"), at(3)).apply(&mut record));
    assert!(!job(&record).retry(at(3)).apply(&mut record));
    assert!(job(&record).edit_plan("abc", at(3)).apply(&mut record));
    assert_eq!(
        (job(&record).status, job(&record).edited_plan.as_deref()),
        (Status::Queued, Some("abc"))
    );
}

fn any_event() -> impl Strategy<Value = Event> {
    (1_u32..40, 0_u32..=100, prop::option::of(1_u32..3), any::<bool>(), any::<bool>()).prop_map(|(sequence, percent, attempt, sequenced, clip)| {
        let mut event = event(json!({"event": "job.progress", "timestamp": at(i64::from(sequence)).to_string(), "job_id": "job-1",
            "status": "running", "progress_percent": percent, "current_step": "…"}));
        event.attempt = attempt;
        event.sequence = sequenced.then_some(sequence);
        event.progress_percent = Percent::clamped(f64::from(percent));
        event.clip = clip.then(|| serde_json::from_value(output()["clips"][0].clone()).unwrap());
        event
    })
}

proptest! {
    #[test]
    fn any_stream_of_events_ends_as_its_terminal_event_says(mut stream in prop::collection::vec(any_event(), 0..60), first in 0_usize..60, second in 0_usize..60) {
        let last = events("job.completed").pop().unwrap();
        for index in [first, second] {
            stream.insert(index.min(stream.len()), last.clone());
        }
        let mut record = running();
        deliver(&mut record, &stream);
        let mut straight = running();
        deliver(&mut straight, [&last]);
        prop_assert_eq!(without_intermediate(record), without_intermediate(straight));
    }
}
