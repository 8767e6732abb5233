//! A job's events reordered, duplicated, lost and concurrent: the outcome is the same.

use std::sync::Arc;

use domain::{JobId, Owner};
use functions::{ingest_webhook::IngestWebhook, settle_job::SettleJob};
use futures_util::{StreamExt, future::join_all, stream};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    history_invariants::{self, essence},
    requests::{event, send_event},
    samples,
};

/// The account with the functions that end a job.
struct Fixture {
    cloud: Cloud,
    ingest: IngestWebhook,
    settle: SettleJob,
}

impl Fixture {
    async fn new() -> Arc<Self> {
        let cloud = Cloud::start().await;
        Arc::new(Self {
            ingest: cloud.ingest_webhook().await,
            settle: cloud.settle_job(),
            cloud,
        })
    }

    async fn tell(&self, what: &Value) {
        let told = send_event!(self.ingest, event(what).signed());
        assert_eq!(told.status, 200, "{told:?}");
    }

    /// Ends the execution of an attempt after its worker has stored an outcome.
    async fn end(&self, id: &JobId, attempt: u32, outcome: &Value) {
        let key = domain::keys::in_job(id, &domain::keys::attempt_outcome(attempt));
        let text = outcome.to_string().into_bytes();
        self.cloud.bucket.write(&key, text).await.expect("written");
        let of = json!({"job_id": id, "attempt": attempt});
        self.settle.handle(&of).await.expect("settled");
    }

    async fn essence_of(&self, id: &JobId) -> Value {
        essence(&json!(self.cloud.job(id).await))
    }
}

/// Every order of every subset of this many things.
fn arrangements(number: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    let mut longest = all.clone();
    for _ in 0..number {
        let longer = |order: &Vec<usize>| {
            let order = order.clone();
            let next = (0..number).filter(move |one| !order.contains(one));
            next.collect::<Vec<_>>()
        };
        longest = longest
            .iter()
            .flat_map(|order| {
                longer(order)
                    .into_iter()
                    .map(|next| [&order[..], &[next]].concat())
            })
            .collect();
        all.extend(longest.clone());
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_order_duplication_and_loss_of_a_short_jobs_events_ends_the_same() {
    let fixture = Fixture::new().await;
    for last in ["job.completed", "job.failed"] {
        let straight = fixture
            .cloud
            .running(&format!("straight-{}", &last[4..]))
            .await;
        for event in &samples::events(&straight, 1, last) {
            fixture.tell(event).await;
        }
        let wanted = fixture.essence_of(&straight).await;
        let jobs = arrangements(4)
            .into_iter()
            .enumerate()
            .map(|(number, order)| {
                let fixture = Arc::clone(&fixture);
                tokio::spawn(async move {
                    let id = fixture
                        .cloud
                        .running(&format!("{}-{number}", &last[4..]))
                        .await;
                    let mut events = samples::events(&id, 1, last);
                    // started, a finished clip, progress and the end: four events have 65 arrangements
                    events.remove(1);
                    // each arrives, and all again in reverse
                    for place in order.iter().chain(order.iter().rev()) {
                        fixture.tell(&events[*place]).await;
                    }
                    fixture.end(&id, 1, &samples::outcome(&events[3])).await;
                    (id, order)
                })
            });
        let done: Vec<_> = stream::iter(jobs).buffer_unordered(8).collect().await;
        assert_eq!(done.len(), 65);
        for done in done {
            let (id, order) = done.expect("no panic");
            assert_eq!(fixture.essence_of(&id).await, wanted, "{order:?}");
        }
    }
    history_invariants::check(&fixture.cloud);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_arrive_at_once_with_the_end_of_the_execution_end_the_same() {
    let fixture = Fixture::new().await;
    for last in ["job.completed", "job.failed"] {
        let mut wanted = None;
        for round in 0..2 {
            for arrived in (0..32_u32).rev() {
                let id = fixture
                    .cloud
                    .running(&format!("{}-{round}-{arrived}", &last[4..]))
                    .await;
                let events = samples::events(&id, 1, last);
                let outcome = samples::outcome(&events[4]);
                let told = events.into_iter().enumerate();
                let told = told.filter(|(place, _)| arrived >> place & 1 == 1);
                let mut tasks = Vec::new();
                for (_, event) in told {
                    for _ in 0..2 {
                        let (fixture, event) = (Arc::clone(&fixture), event.clone());
                        tasks.push(tokio::spawn(async move { fixture.tell(&event).await }));
                    }
                }
                for _ in 0..2 {
                    let (fixture, id, outcome) =
                        (Arc::clone(&fixture), id.clone(), outcome.clone());
                    tasks.push(tokio::spawn(
                        async move { fixture.end(&id, 1, &outcome).await },
                    ));
                }
                for done in join_all(tasks).await {
                    done.expect("no panic");
                }
                let end = fixture.essence_of(&id).await;
                assert_eq!(&end, wanted.get_or_insert(end.clone()), "{arrived:b}");
            }
        }
    }
    history_invariants::check(&fixture.cloud);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_an_older_attempt_are_ignored() {
    let fixture = Fixture::new().await;
    for round in 0..10 {
        let id = fixture.cloud.running(&format!("job-{round}")).await;
        let cancel = domain::Job::cancel(&Owner::user("ann"), functions::now());
        assert!(fixture.cloud.change(&id, &cancel).await);
        let retry = fixture.cloud.job(&id).await.retry(functions::now());
        assert!(fixture.cloud.change(&id, &retry).await);
        let mut old = samples::events(&id, 1, "job.completed");
        old.extend(samples::events(&id, 1, "job.failed"));
        let mut tasks = Vec::new();
        for mut event in old {
            // whatever the event contains
            event["sequence"] = json!(1000 + round);
            event["timestamp"] = json!("2099-01-01T00:00:00Z");
            event["current_step"] = json!("old");
            event["error"] = json!("old");
            let fixture = Arc::clone(&fixture);
            tasks.push(tokio::spawn(async move { fixture.tell(&event).await }));
        }
        let newer = {
            let (fixture, id) = (Arc::clone(&fixture), id.clone());
            async move {
                assert!(fixture.cloud.claim(&id, 2).await);
                for event in samples::events(&id, 2, "job.completed") {
                    fixture.tell(&event).await;
                }
            }
        };
        tasks.push(tokio::spawn(newer));
        for done in join_all(tasks).await {
            done.expect("no panic");
        }
        let job = fixture.cloud.job(&id).await;
        assert_eq!(
            (job.attempt, job.status, job.credits_charged),
            (2, domain::Status::Succeeded, Some(3))
        );
        assert_eq!((job.error_message, job.last_sequence), (None, Some(4)));
    }
    for (_, new) in history_invariants::changes(&fixture.cloud)
        .into_values()
        .flatten()
    {
        assert!(
            new["current_step"] != "old" && new["error_message"] != "old",
            "{new}"
        );
    }
    history_invariants::check(&fixture.cloud);
}

fn progress() -> impl Strategy<Value = (u32, u32, bool, bool)> {
    (1_u32..400, 0_u32..=100, any::<bool>(), any::<bool>())
}

/// A long job: up to 120 reports shuffled, repeated and lost, some of them without a sequence, sixteen at a time.
#[test]
fn a_long_job_ends_with_its_terminal_event() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let fixture = runtime.block_on(Fixture::new());
    let ends = ["job.completed", "job.failed"];
    let straight = ends.map(|end| {
        runtime.block_on(async {
            let id = fixture.cloud.running(&end.replace('.', "-")).await;
            fixture.tell(&samples::events(&id, 1, end)[4]).await;
            fixture.essence_of(&id).await
        })
    });
    let number = std::cell::Cell::new(0);
    let config = ProptestConfig {
        cases: 12,
        failure_persistence: None,
        max_shrink_iters: 20,
        ..ProptestConfig::default()
    };
    let stream_of = (
        prop::collection::vec(progress(), 0..120),
        0_usize..120,
        0_usize..ends.len(),
    );
    let outcome = TestRunner::new(config).run(&stream_of, |(reports, place, end)| {
        number.set(number.get() + 1);
        runtime.block_on(async {
            let id = fixture
                .cloud
                .running(&format!("job-{}", number.get()))
                .await;
            let last = samples::events(&id, 1, ends[end]).remove(4);
            let mut told: Vec<Value> = reports
                .into_iter()
                .map(|report| long_event(&id, report))
                .collect();
            told.insert(place.min(told.len()), last.clone());
            let all = told.into_iter().map(|event| {
                let fixture = Arc::clone(&fixture);
                async move { fixture.tell(&event).await }
            });
            stream::iter(all)
                .buffer_unordered(16)
                .collect::<Vec<()>>()
                .await;
            fixture.end(&id, 1, &samples::outcome(&last)).await;
            assert_eq!(fixture.essence_of(&id).await, straight[end]);
        });
        Ok(())
    });
    outcome.expect("no counterexample");
    history_invariants::check(&fixture.cloud);
}

fn long_event(
    id: &JobId,
    (sequence, percent, sequenced, with_clip): (u32, u32, bool, bool),
) -> Value {
    let mut event = samples::event(id, "job.progress", 1, sequence, percent);
    if !sequenced {
        let fields = event.as_object_mut().expect("an event");
        fields.remove("sequence");
        fields.remove("attempt");
    }
    if with_clip {
        event["clip"] = samples::plain_output()["clips"][(sequence % 2) as usize].clone();
    }
    event
}
