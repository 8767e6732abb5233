//! Charges, and the clips that the owner keeps when a plan is edited.

use super::*;

#[test]
fn credits_are_charged_for_the_considered_part_of_the_source() {
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
fn a_job_is_charged_once_even_if_its_plan_is_edited() {
    let mut record = running();
    deliver(&mut record, &events("job.completed"));
    assert!(job(&record).edit_plan("abc", at(300)).apply(&mut record));
    assert_eq!(job(&record).credits_charged, Some(3));
    let repeated = Event {
        attempt: Some(2),
        ..events("job.completed").pop().unwrap()
    };
    assert!(
        Job::apply_event(
            &repeated,
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

/// Returns a job with two clips that were charged, whose plan was then edited; the new attempt has finished one clip.
fn edited() -> Record {
    let mut record = running();
    deliver(&mut record, &events("job.completed"));
    assert!(job(&record).edit_plan("abc", at(300)).apply(&mut record));
    let of = AttemptId {
        job_id: "job-1".parse().unwrap(),
        attempt: 2,
    };
    assert!(Job::claim(&of, "task 2", at(301)).apply(&mut record));
    let made = Event {
        attempt: Some(2),
        clip: Some(clip("https://b/new")),
        ..events("job.completed").swap_remove(2)
    };
    assert!(Job::apply_event(&made, RATES, at(302)).apply(&mut record));
    record
}

fn clip(s3_url: &str) -> ClipOutput {
    let clip = json!({"clip_index": 0, "s3_url": s3_url, "duration_ms": 9, "virality_score": 0.5});
    serde_json::from_value(clip).unwrap()
}

/// Returns the URLs of the shown clips and the credits charged.
fn shown(record: &Record) -> (Vec<String>, Option<u64>) {
    let job = job(record);
    let urls = job
        .shown_clips()
        .into_iter()
        .map(|clip| clip.s3_url.clone());
    (urls.collect(), job.credits_charged)
}

#[test]
fn a_failed_edit_leaves_the_paid_clips_in_place() {
    let paid = (
        vec!["https://b/0".to_owned(), "https://b/1".to_owned()],
        Some(3),
    );
    let gone = OutcomeRecord {
        outcome: Outcome::Failed {
            error: "the video is gone".into(),
            error_code: ErrorCode::SourceUnavailable,
            stage: Stage::Download,
            retryable: false,
        },
        finished_at: at(400),
    };
    let settled = |record: &Record, outcome| {
        let Settlement::Change(change) = job(record).settle(2, outcome, RATES, at(400)) else {
            panic!("settled without a change")
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
        (
            "reported as failed",
            Job::apply_event(&failed, RATES, at(400)),
        ),
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
            assert_eq!(shown(&record), paid, "{name}: retried");
            assert_eq!(
                job(&record).revision,
                3,
                "{name}: the outputs of the edit are deleted"
            );
        }
    }
}

#[test]
fn clips_of_a_failed_attempt_are_not_shown() {
    let failed = events("job.failed").pop().unwrap();
    let ways: [(&str, Change); 3] = [
        ("canceled", Job::cancel(&Owner::user("ann"), at(400))),
        ("failed", Job::apply_event(&failed, RATES, at(400))),
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
        // the record as earlier versions wrote it
        old.insert("status".into(), record["status"].clone());
        assert_eq!(shown(&old), (vec![], None), "{name}");
        assert!(job(&record).retry(at(401)).apply(&mut record), "{name}");
        assert_eq!(job(&record).revision, 0, "{name}: the attempt is resumed");
    }
}

#[test]
fn a_successful_edit_replaces_the_clips() {
    let mut record = edited();
    assert_eq!(job(&record).revision, 2);
    let mut last = events("job.completed").pop().unwrap();
    last.attempt = Some(2);
    last.output.as_mut().unwrap().clips = vec![clip("https://b/new")];
    assert!(Job::apply_event(&last, RATES, at(400)).apply(&mut record));
    assert_eq!(shown(&record), (vec!["https://b/new".to_owned()], Some(3)));
    assert!(job(&record).attempt_clips.is_empty());
    assert!(job(&record).edit_plan("def", at(500)).apply(&mut record));
    assert_eq!(job(&record).revision, 3);
}

#[test]
fn a_success_without_clips_is_charged_when_the_first_clips_arrive() {
    let mut record = running();
    let mut empty = events("job.completed").pop().unwrap();
    empty.output.as_mut().unwrap().clips.clear();
    deliver(&mut record, &events("job.completed")[..4]);
    deliver(&mut record, [&empty]);
    assert_eq!(shown(&record), (vec![], None));
    // the record as earlier versions wrote it
    let mut old = record.clone();
    old.insert("credits_charged".into(), 0.into());
    for mut record in [record, old] {
        assert!(job(&record).edit_plan("abc", at(300)).apply(&mut record));
        assert_eq!(
            job(&record).revision,
            0,
            "there are no paid clips to preserve"
        );
        let full = Event {
            attempt: Some(2),
            ..events("job.completed").pop().unwrap()
        };
        assert!(Job::apply_event(&full, RATES, at(301)).apply(&mut record));
        assert_eq!(shown(&record).1, Some(3));
        // paid clips remain if a later edit produces none
        assert!(job(&record).edit_plan("def", at(400)).apply(&mut record));
        empty.attempt = Some(3);
        assert!(Job::apply_event(&empty, RATES, at(401)).apply(&mut record));
        let (clips, credits) = shown(&record);
        assert_eq!((clips.len(), credits), (2, Some(3)));
    }
}
