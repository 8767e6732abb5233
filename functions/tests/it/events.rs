//! A job's events in every order, twice and not at all, one after the other and all at once: the same end.

use std::sync::Arc;

use domain::{JobId, Owner};
use functions::{ingest_webhook::IngestWebhook, settle_job::SettleJob};
use futures_util::{StreamExt, future::join_all, stream};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    history::{self, essence},
    requests::{event, tell},
    samples,
};

/// The account, with the functions that say how a job ends.
struct Bed {
    cloud: Cloud,
    ingest: IngestWebhook,
    settle: SettleJob,
}

impl Bed {
    async fn new() -> Arc<Self> {
        let cloud = Cloud::start().await;
        Arc::new(Self {
            ingest: cloud.ingest_webhook().await,
            settle: cloud.settle_job(),
            cloud,
        })
    }

    async fn tell(&self, what: &Value) {
        let told = tell!(self.ingest, event(what).signed());
        assert_eq!(told.status, 200, "{told:?}");
    }

    /// The execution of an attempt ends; before that the worker has left an outcome.
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

/// Every order of every part of so many things.
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
    let bed = Bed::new().await;
    for last in ["job.completed", "job.failed"] {
        let straight = bed.cloud.running(&format!("straight-{}", &last[4..])).await;
        for event in &samples::events(&straight, 1, last) {
            bed.tell(event).await;
        }
        let wanted = bed.essence_of(&straight).await;
        let jobs = arrangements(4)
            .into_iter()
            .enumerate()
            .map(|(number, order)| {
                let bed = Arc::clone(&bed);
                tokio::spawn(async move {
                    let id = bed.cloud.running(&format!("{}-{number}", &last[4..])).await;
                    let mut events = samples::events(&id, 1, last);
                    // started, a finished clip, further and the end: four of them have 65 arrangements
                    events.remove(1);
                    // each arrives, and all again the other way round
                    for place in order.iter().chain(order.iter().rev()) {
                        bed.tell(&events[*place]).await;
                    }
                    bed.end(&id, 1, &samples::outcome(&events[3])).await;
                    (id, order)
                })
            });
        let done: Vec<_> = stream::iter(jobs).buffer_unordered(8).collect().await;
        assert_eq!(done.len(), 65);
        for done in done {
            let (id, order) = done.expect("no panic");
            assert_eq!(bed.essence_of(&id).await, wanted, "{order:?}");
        }
    }
    history::check(&bed.cloud);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_arrive_at_once_with_the_end_of_the_execution_end_the_same() {
    let bed = Bed::new().await;
    for last in ["job.completed", "job.failed"] {
        let mut wanted = None;
        for round in 0..2 {
            for arrived in (0..32_u32).rev() {
                let id = bed
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
                        let (bed, event) = (Arc::clone(&bed), event.clone());
                        tasks.push(tokio::spawn(async move { bed.tell(&event).await }));
                    }
                }
                for _ in 0..2 {
                    let (bed, id, outcome) = (Arc::clone(&bed), id.clone(), outcome.clone());
                    tasks.push(tokio::spawn(async move { bed.end(&id, 1, &outcome).await }));
                }
                for done in join_all(tasks).await {
                    done.expect("no panic");
                }
                let end = bed.essence_of(&id).await;
                assert_eq!(&end, wanted.get_or_insert(end.clone()), "{arrived:b}");
            }
        }
    }
    history::check(&bed.cloud);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_attempt_says_nothing_while_the_newer_one_runs() {
    let bed = Bed::new().await;
    for round in 0..10 {
        let id = bed.cloud.running(&format!("job-{round}")).await;
        let cancel = domain::Job::cancel(&Owner::user("ann"), functions::now());
        assert!(bed.cloud.change(&id, &cancel).await);
        let retry = bed.cloud.job(&id).await.retry(functions::now());
        assert!(bed.cloud.change(&id, &retry).await);
        let mut old = samples::events(&id, 1, "job.completed");
        old.extend(samples::events(&id, 1, "job.failed"));
        let mut tasks = Vec::new();
        for mut event in old {
            // whatever it says of itself
            event["sequence"] = json!(1000 + round);
            event["timestamp"] = json!("2099-01-01T00:00:00Z");
            event["current_step"] = json!("old");
            event["error"] = json!("old");
            let bed = Arc::clone(&bed);
            tasks.push(tokio::spawn(async move { bed.tell(&event).await }));
        }
        let newer = {
            let (bed, id) = (Arc::clone(&bed), id.clone());
            async move {
                assert!(bed.cloud.claim(&id, 2).await);
                for event in samples::events(&id, 2, "job.completed") {
                    bed.tell(&event).await;
                }
            }
        };
        tasks.push(tokio::spawn(newer));
        for done in join_all(tasks).await {
            done.expect("no panic");
        }
        let job = bed.cloud.job(&id).await;
        assert_eq!(
            (job.attempt, job.status, job.credits_charged),
            (2, domain::Status::Succeeded, Some(3))
        );
        assert_eq!((job.error_message, job.last_sequence), (None, Some(4)));
    }
    for (_, new) in history::changes(&bed.cloud).into_values().flatten() {
        assert!(
            new["current_step"] != "old" && new["error_message"] != "old",
            "{new}"
        );
    }
    history::check(&bed.cloud);
}

fn progress() -> impl Strategy<Value = (u32, u32, bool, bool)> {
    (1_u32..400, 0_u32..=100, any::<bool>(), any::<bool>())
}

/// A long job: up to 120 reports shuffled, repeated and lost on the way, some of them without a sequence, sixteen at a time.
#[test]
fn long_jobs_end_as_their_last_event_says() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let bed = runtime.block_on(Bed::new());
    let ends = ["job.completed", "job.failed"];
    let straight = ends.map(|end| {
        runtime.block_on(async {
            let id = bed.cloud.running(&end.replace('.', "-")).await;
            bed.tell(&samples::events(&id, 1, end)[4]).await;
            bed.essence_of(&id).await
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
            let id = bed.cloud.running(&format!("job-{}", number.get())).await;
            let last = samples::events(&id, 1, ends[end]).remove(4);
            let mut told: Vec<Value> = reports
                .into_iter()
                .map(|report| long_event(&id, report))
                .collect();
            told.insert(place.min(told.len()), last.clone());
            let all = told.into_iter().map(|event| {
                let bed = Arc::clone(&bed);
                async move { bed.tell(&event).await }
            });
            stream::iter(all)
                .buffer_unordered(16)
                .collect::<Vec<()>>()
                .await;
            bed.end(&id, 1, &samples::outcome(&last)).await;
            assert_eq!(bed.essence_of(&id).await, straight[end]);
        });
        Ok(())
    });
    outcome.expect("no counterexample");
    history::check(&bed.cloud);
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
