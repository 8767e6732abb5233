use proptest::prelude::*;

use super::*;
use crate::{Percent, Record, samples::queued};

const RATES: Rates = Rates {
    credits_per_minute: 1,
};
/// What may differ with the order in which events arrive.
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
    let of = AttemptOf {
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
        Job::event(event, RATES, at(100 + number as i64)).apply(record);
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

fn orders(number: usize) -> Vec<Vec<usize>> {
    if number == 0 {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for order in orders(number - 1) {
        for place in 0..=order.len() {
            let mut longer = order.clone();
            longer.insert(place, number - 1);
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
        let wanted = without_intermediate(straight);
        for order in orders(events.len()) {
            for kept in 0..1_u32 << events.len() {
                // the terminal event may be lost as well: then the outcome settles the job
                let arrived: Vec<&Event> = order
                    .iter()
                    .filter(|&&place| kept >> place & 1 == 1)
                    .map(|&place| &events[place])
                    .collect();
                let mut record = running();
                deliver(
                    &mut record,
                    arrived.iter().copied().chain(arrived.iter().rev().copied()),
                );
                settle_by(&mut record, &events[4]);
                assert_eq!(without_intermediate(record), wanted, "{order:?} {kept:b}");
            }
        }
    }
}

/// What `settle-job` does with the outcome that says the same as the terminal event.
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
    let ended = Ended {
        outcome,
        at: last.timestamp,
    };
    if let Settlement::Change(change) = job(record).settle(1, Some(&ended), RATES, at(200)) {
        assert!(change.apply(record));
    }
}

#[test]
fn credits_are_those_of_the_source_considered() {
    let mut record = running();
    deliver(&mut record, &events("job.completed"));
    let job = job(&record);
    assert_eq!(
        (job.status, job.credits_charged, job.active_owner),
        (Status::Succeeded, Some(3), None)
    );
    assert_eq!(job.source.title.as_deref(), Some("Talk"));
    assert_eq!(job.clips.len(), 2);
}

#[test]
fn a_job_is_paid_for_once_also_when_its_plan_is_edited() {
    let mut record = running();
    deliver(&mut record, &events("job.completed"));
    assert!(job(&record).edit_plan("abc", at(300)).apply(&mut record));
    assert_eq!(job(&record).credits_charged, Some(3));
    let again = Event {
        attempt: Some(2),
        ..events("job.completed").pop().unwrap()
    };
    assert!(
        Job::event(
            &again,
            Rates {
                credits_per_minute: 7
            },
            at(301)
        )
        .apply(&mut record)
    );
    assert_eq!(
        (job(&record).status, job(&record).credits_charged),
        (Status::Succeeded, Some(3))
    );
}

#[test]
fn a_second_task_of_an_attempt_finds_it_claimed_and_the_first_may_ask_again() {
    let mut record = running();
    let of = AttemptOf {
        job_id: "job-1".parse().unwrap(),
        attempt: 1,
    };
    assert!(!Job::claim(&of, "another", at(2)).apply(&mut record));
    assert!(Job::claim(&of, "task", at(2)).apply(&mut record));
    assert_eq!(record["started_at"], json!(at(1).to_string()));
}

#[test]
fn an_attempt_without_an_outcome_is_followed_by_another_until_they_are_used_up() {
    let mut record = running();
    for attempt in 1..AUTOMATIC_ATTEMPTS {
        let Settlement::Change(change) = job(&record).settle(attempt, None, RATES, at(9)) else {
            panic!("settled to nothing")
        };
        assert!(change.apply(&mut record) && !change.apply(&mut record));
        assert_eq!(
            (job(&record).status, job(&record).attempt),
            (Status::Queued, attempt + 1)
        );
        assert_eq!(
            job(&record).settle(attempt, None, RATES, at(9)),
            Settlement::Nothing
        );
    }
    let Settlement::Change(change) = job(&record).settle(AUTOMATIC_ATTEMPTS, None, RATES, at(9))
    else {
        panic!("settled to nothing")
    };
    assert!(change.apply(&mut record));
    let failed = job(&record);
    assert_eq!(
        (failed.status, failed.error_code.as_deref()),
        (Status::Failed, Some("internal"))
    );
    let mut again = record.clone();
    assert!(failed.retry(at(10)).apply(&mut again));
    assert_eq!(
        (
            job(&again).attempt,
            job(&again).automatic_attempts_left,
            job(&again).error_message
        ),
        (4, 2, None)
    );
}

#[test]
fn an_older_attempt_says_nothing_any_more() {
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
fn nobody_else_and_no_other_state_is_touched() {
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
    fn any_stream_of_events_ends_as_its_terminal_event_says(mut stream in prop::collection::vec(any_event(), 0..60), place in 0_usize..60, twice in 0_usize..60) {
        let last = events("job.completed").pop().unwrap();
        for place in [place, twice] {
            stream.insert(place.min(stream.len()), last.clone());
        }
        let mut record = running();
        deliver(&mut record, &stream);
        let mut straight = running();
        deliver(&mut straight, [&last]);
        prop_assert_eq!(without_intermediate(record), without_intermediate(straight));
    }
}

/// A job with two clips that were paid for, whose plan a person has edited; the new attempt has made a clip.
fn edited() -> Record {
    let mut record = running();
    deliver(&mut record, &events("job.completed"));
    assert!(job(&record).edit_plan("abc", at(300)).apply(&mut record));
    let of = AttemptOf {
        job_id: "job-1".parse().unwrap(),
        attempt: 2,
    };
    assert!(Job::claim(&of, "task 2", at(301)).apply(&mut record));
    let made = Event {
        attempt: Some(2),
        clip: Some(clip("https://b/new")),
        ..events("job.completed").swap_remove(2)
    };
    assert!(Job::event(&made, RATES, at(302)).apply(&mut record));
    record
}

fn clip(s3_url: &str) -> ClipOutput {
    let clip = json!({"clip_index": 0, "s3_url": s3_url, "duration_ms": 9, "virality_score": 0.5});
    serde_json::from_value(clip).unwrap()
}

/// Addresses of the clips that the owner is shown, and what was paid.
fn shown(record: &Record) -> (Vec<String>, Option<u64>) {
    let job = job(record);
    let urls = job
        .shown_clips()
        .into_iter()
        .map(|clip| clip.s3_url.clone());
    (urls.collect(), job.credits_charged)
}

#[test]
fn an_edit_that_comes_to_nothing_leaves_the_owner_what_was_paid_for() {
    let paid = (
        vec!["https://b/0".to_owned(), "https://b/1".to_owned()],
        Some(3),
    );
    let gone = Ended {
        outcome: Outcome::Failed {
            error: "the video is gone".into(),
            error_code: ErrorCode::SourceUnavailable,
            stage: Stage::Download,
            retryable: false,
        },
        at: at(400),
    };
    let settled = |record: &Record, outcome| {
        let Settlement::Change(change) = job(record).settle(2, outcome, RATES, at(400)) else {
            panic!("settled to nothing")
        };
        *change
    };
    let failed = Event {
        attempt: Some(2),
        ..events("job.failed").pop().unwrap()
    };
    let ways: [(&str, Change); 5] = [
        ("canceled", Job::cancel(&Owner::user("ann"), at(400))),
        ("the source is gone", settled(&edited(), Some(&gone))),
        ("another attempt begins", settled(&edited(), None)),
        ("told of as failed", Job::event(&failed, RATES, at(400))),
        ("given up", job(&edited()).fail(2, "no room", at(400))),
    ];
    for (name, change) in ways {
        let mut record = edited();
        assert_eq!(shown(&record), paid, "{name}: while it runs");
        assert!(change.apply(&mut record), "{name}");
        assert_eq!(shown(&record), paid, "{name}");
        let ended = job(&record);
        assert_eq!(ended.timings, job(&edited()).timings, "{name}");
        if ended.status.is_terminal() {
            assert!(ended.retry(at(401)).apply(&mut record), "{name}");
            assert_eq!(shown(&record), paid, "{name}: tried again");
            assert_eq!(
                job(&record).edition,
                3,
                "{name}: what the edit has made is deleted"
            );
        }
    }
}

#[test]
fn clips_of_an_attempt_that_comes_to_nothing_are_not_the_owners() {
    let failed = events("job.failed").pop().unwrap();
    let ways: [(&str, Change); 3] = [
        ("canceled", Job::cancel(&Owner::user("ann"), at(400))),
        ("failed", Job::event(&failed, RATES, at(400))),
        ("given up", job(&running()).fail(1, "no room", at(400))),
    ];
    for (name, change) in ways {
        let mut record = running();
        deliver(&mut record, &events("job.completed")[..4]);
        assert_eq!(shown(&record).0.len(), 1, "{name}: while it runs");
        let mut old = record.clone();
        assert!(change.apply(&mut record), "{name}");
        assert!(job(&record).attempt_clips.is_empty(), "{name}");
        assert_eq!(shown(&record), (vec![], None), "{name}");
        // as such a record was written before
        old.insert("status".into(), record["status"].clone());
        assert_eq!(shown(&old), (vec![], None), "{name}");
        assert!(job(&record).retry(at(401)).apply(&mut record), "{name}");
        assert_eq!(job(&record).edition, 0, "{name}: it goes on where it ended");
    }
}

#[test]
fn the_clips_of_an_edit_take_the_place_of_those_before_when_it_has_succeeded() {
    let mut record = edited();
    assert_eq!(job(&record).edition, 2);
    let mut last = events("job.completed").pop().unwrap();
    last.attempt = Some(2);
    last.output.as_mut().unwrap().clips = vec![clip("https://b/new")];
    assert!(Job::event(&last, RATES, at(400)).apply(&mut record));
    assert_eq!(shown(&record), (vec!["https://b/new".to_owned()], Some(3)));
    assert!(job(&record).attempt_clips.is_empty());
    assert!(job(&record).edit_plan("def", at(500)).apply(&mut record));
    assert_eq!(job(&record).edition, 3);
}

#[test]
fn a_success_without_clips_is_paid_for_when_the_first_clips_come() {
    let mut record = running();
    let mut empty = events("job.completed").pop().unwrap();
    empty.output.as_mut().unwrap().clips.clear();
    deliver(&mut record, &events("job.completed")[..4]);
    deliver(&mut record, [&empty]);
    assert_eq!(shown(&record), (vec![], None));
    // as such a record was written before
    let mut old = record.clone();
    old.insert("credits_charged".into(), 0.into());
    for mut record in [record, old] {
        assert!(job(&record).edit_plan("abc", at(300)).apply(&mut record));
        assert_eq!(
            job(&record).edition,
            0,
            "there is nothing to keep apart from"
        );
        let full = Event {
            attempt: Some(2),
            ..events("job.completed").pop().unwrap()
        };
        assert!(Job::event(&full, RATES, at(301)).apply(&mut record));
        assert_eq!(shown(&record).1, Some(3));
        // and what was paid for stays, whatever an edit brings
        assert!(job(&record).edit_plan("def", at(400)).apply(&mut record));
        empty.attempt = Some(3);
        assert!(Job::event(&empty, RATES, at(401)).apply(&mut record));
        let (clips, credits) = shown(&record);
        assert_eq!((clips.len(), credits), (2, Some(3)));
    }
}
