//! A change has the same effect in memory and in the engine, so what is proved of one holds for the other.

use aws::ChangeResult;
use domain::{
    AttemptId, AttributePath, Change, Condition, Event, Job, OutcomeRecord, Owner, Record,
    Settlement,
};
use proptest::{prelude::*, sample::select, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::{
    cloud::{Cloud, RATES},
    samples,
};

/// A step in the lifecycle of a job, in any order, valid or not.
#[derive(Debug, Clone)]
enum Step {
    Claim(u32, &'static str),
    Event(Value),
    Cancel(&'static str),
    Retry,
    EditPlan,
    Settle(u32, Option<Value>),
    /// No rule of the domain: every kind of condition and update.
    Any(Change),
}

fn attempt() -> impl Strategy<Value = u32> {
    1_u32..4
}

fn event() -> impl Strategy<Value = Value> {
    let kinds = select(
        &[
            "job.started",
            "job.progress",
            "job.progress",
            "job.completed",
            "job.failed",
        ][..],
    );
    (kinds, attempt(), 1_u32..30, 0_u32..=100, any::<[bool; 4]>()).prop_map(
        |(kind, attempt, sequence, percent, with)| {
            let id = "job".parse().expect("an id");
            let mut event = samples::event(&id, kind, attempt, sequence, percent);
            let fields = event.as_object_mut().expect("an event");
            if with[0] {
                fields.remove("sequence");
            }
            if with[1] {
                fields.remove("attempt");
            }
            if with[2] {
                let place = (sequence % 2) as usize;
                fields.insert(
                    "clip".into(),
                    samples::plain_output()["clips"][place].clone(),
                );
            }
            if with[3] {
                fields.insert("total_clips".into(), sequence.into());
                fields.insert("stage".into(), "render".into());
            }
            if kind == "job.completed" {
                fields.insert("output".into(), samples::plain_output());
            }
            event
        },
    )
}

fn outcome() -> impl Strategy<Value = Option<Value>> {
    let id = "job".parse().expect("an id");
    let [completed, failed] = ["job.completed", "job.failed"]
        .map(|last| samples::outcome(&samples::events(&id, 1, last)[4]));
    select(vec![
        None,
        Some(completed),
        Some(failed),
        Some(samples::retryable()),
    ])
}

const ATTRIBUTES: [&str; 7] = [
    "status",
    "attempt",
    "progress_percent",
    "last_sequence",
    "claimed_by",
    "active_owner",
    "started_at",
];

fn simple() -> impl Strategy<Value = Condition> {
    let value = select(vec![
        json!("queued"),
        json!("running"),
        json!("task"),
        json!(1),
        json!(2),
        json!(30),
        json!("1"),
    ]);
    (
        select(&ATTRIBUTES[..]),
        prop::collection::vec(value, 1..4),
        -1_i64..101,
        0..8,
    )
        .prop_map(|(attribute, values, limit, kind)| match kind {
            0 => Condition::Exists,
            1 => Condition::Missing(attribute),
            2 => Condition::Equals(attribute, values[0].clone()),
            3 => Condition::OneOf(attribute, values),
            4 => Condition::Below(attribute, limit),
            6 => Condition::NotContains("message_ids_0", (limit % 4).to_string()),
            7 => Condition::FewerThan("message_ids_0", limit.unsigned_abs() as usize % 4),
            _ => Condition::AtMost(attribute, limit),
        })
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        simple(),
        prop::collection::vec(simple(), 1..4).prop_map(Condition::Any)
    ]
}

fn any_change() -> impl Strategy<Value = Change> {
    let parts = (
        prop::collection::vec(condition(), 0..3),
        0_u32..101,
        "[a-zé🎬\"\\\\ ]{0,6}",
        any::<[bool; 8]>(),
    );
    parts.prop_map(|(when, number, text, with)| {
        let mut change = Change {
            when,
            ..Change::default()
        };
        let mut set = |place: AttributePath, value: Value| change.set.push((place, value));
        set("current_step".into(), text.clone().into());
        if with[0] {
            set("progress_percent".into(), number.into());
            set(AttributePath::entry("source", "title"), text.clone().into());
        }
        if with[1] {
            set(
                AttributePath::entry("clips", number.to_string()),
                samples::plain_output()["clips"][0].clone(),
            );
        }
        if with[2] {
            change.set_if_missing.push(("claimed_by", text.into()));
        }
        if with[3] {
            change
                .add
                .push(("automatic_attempts_left", i64::from(number)));
        }
        if with[4] {
            change.remove.extend(["last_sequence", "error_code"]);
        }
        if with[6] {
            change
                .add_to_set
                .push(("message_ids_0", (number % 4).to_string()));
        } else if with[7] {
            change.remove.push("message_ids_0");
        }
        if with[5] {
            change.set_if_missing.push(("total_clips", number.into()));
        }
        change
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (attempt(), select(&["task", "another"][..])).prop_map(|(attempt, task)| Step::Claim(attempt, task)),
        6 => event().prop_map(Step::Event),
        1 => select(&["ann", "bob"][..]).prop_map(Step::Cancel),
        1 => Just(Step::Retry),
        1 => Just(Step::EditPlan),
        3 => (attempt(), outcome()).prop_map(|(attempt, outcome)| Step::Settle(attempt, outcome)),
        3 => any_change().prop_map(Step::Any),
    ]
}

fn job_of(record: &Record) -> Job {
    serde_json::from_value(Value::Object(record.clone())).expect("a job")
}

fn change_of(step: &Step, record: &Record) -> Option<Change> {
    let now = functions::now();
    Some(match step {
        Step::Claim(attempt, task) => {
            let of = AttemptId {
                job_id: job_of(record).id,
                attempt: *attempt,
            };
            Job::claim(&of, task, now)
        }
        Step::Event(event) => {
            let event: Event = serde_json::from_value(event.clone()).expect("an event");
            Job::apply_event(&event, RATES, now)
        }
        Step::Cancel(user) => Job::cancel(&Owner::user(user), now),
        Step::Retry => job_of(record).retry(now),
        Step::EditPlan => job_of(record).edit_plan("hash", now),
        Step::Settle(attempt, outcome) => {
            let ended: Option<OutcomeRecord> = outcome
                .as_ref()
                .map(|ended| serde_json::from_value(ended.clone()).expect("an outcome"));
            match job_of(record).settle(*attempt, ended.as_ref(), RATES, now) {
                Settlement::Change(change) => *change,
                Settlement::Unchanged => return None,
            }
        }
        Step::Any(change) => change.clone(),
    })
}

#[test]
fn a_change_does_in_the_engine_what_it_does_in_memory() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let cloud = runtime.block_on(Cloud::start());
    let number = std::cell::Cell::new(0);
    let config = ProptestConfig {
        cases: 64,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    };
    let (held, refused) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let outcome = TestRunner::new(config).run(&prop::collection::vec(step(), 1..25), |steps| {
        number.set(number.get() + 1);
        let job = samples::job(&format!("job-{}", number.get()));
        let Value::Object(mut record) = json!(job) else {
            panic!("no record")
        };
        runtime.block_on(async {
            cloud.create(&job).await;
            for step in &steps {
                let Some(change) = change_of(step, &record) else {
                    continue;
                };
                let here = change.apply(&mut record);
                let there = cloud
                    .jobs
                    .change(&job.id, &change)
                    .await
                    .expect("an answer");
                let (changed, there) = match there {
                    ChangeResult::Applied(job) => (true, job),
                    ChangeResult::Rejected(job) => (false, job),
                    ChangeResult::NotFound => panic!("gone"),
                };
                let count = if here { &held } else { &refused };
                count.set(count.get() + 1);
                prop_assert_eq!((here, job_of(&record)), (changed, *there), "{:?}", step);
            }
            Ok(())
        })?;
        Ok(())
    });
    outcome.expect("no counterexample");
    assert!(
        held.get() > 50 && refused.get() > 50,
        "{held:?} {refused:?}"
    );
}

#[tokio::test]
async fn a_change_does_not_create_a_record() {
    let cloud = Cloud::start().await;
    let id = "job-1".parse().expect("an id");
    let of = AttemptId {
        job_id: "job-1".parse().expect("an id"),
        attempt: 1,
    };
    let change = Job::claim(&of, "task", functions::now());
    assert!(matches!(
        cloud.jobs.change(&id, &change).await,
        Ok(ChangeResult::NotFound)
    ));
    let unconditional = Change {
        set: vec![("current_step".into(), json!("x"))],
        ..Change::default()
    };
    assert!(matches!(
        cloud.jobs.change(&id, &unconditional).await,
        Ok(ChangeResult::NotFound)
    ));
    cloud.jobs.warm().await.expect("warm");
    assert!(cloud.records().is_empty() && cloud.stream().is_empty());
}
