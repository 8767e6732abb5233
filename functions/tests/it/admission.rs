//! The limit of active jobs per owner holds under concurrency and interrupted requests.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Job, JobId, Owner};
use futures_util::future::join_all;

use crate::{
    cloud::Cloud,
    fault_proxy::Fault,
    history_invariants,
    outcomes::of,
    requests::{Answer, Call, call},
    samples,
};

const JOBS: &str = "/api/ai-clipping-agent/jobs";

fn submission() -> Call {
    let call = Call::new("POST", JOBS).user("ann");
    call.json(&samples::submission())
}

/// The greatest number of jobs that were ever active at once, by the table's stream.
fn most_at_once(cloud: &Cloud) -> usize {
    let mut under_way: BTreeSet<String> = BTreeSet::new();
    let mut most = 0;
    for record in cloud.stream() {
        let id = &record["dynamodb"]["Keys"]["id"]["S"];
        let id = id.as_str().expect("an id").to_owned();
        if record["dynamodb"]["NewImage"]["active_owner"].is_null() {
            under_way.remove(&id);
        } else {
            under_way.insert(id);
        }
        most = most.max(under_way.len());
    }
    most
}

fn statuses(answers: &[Answer]) -> BTreeMap<u16, usize> {
    let mut statuses = BTreeMap::new();
    for answer in answers {
        *statuses.entry(answer.status).or_default() += 1;
    }
    statuses
}

async fn submitted_at_once(cloud: &Cloud, count: usize, most: u32) -> Vec<Answer> {
    let tasks = (0..count).map(|_| {
        // each from another instance of the function
        let mut submit = cloud.submit_job();
        submit.max_active = most;
        tokio::spawn(async move { call!(submit, submission()) })
    });
    let answers = join_all(tasks).await.into_iter();
    answers.map(|answer| answer.expect("an answer")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_submissions_stop_at_the_limit_of_active_jobs() {
    let cloud = Cloud::start().await;
    let answers = submitted_at_once(&cloud, 60, 20).await;
    assert_eq!(statuses(&answers), BTreeMap::from([(202, 20), (429, 40)]));
    assert_eq!((cloud.records().len(), most_at_once(&cloud)), (20, 20));
}

/// This many finished jobs of ann's.
async fn ended(cloud: &Cloud, count: usize) -> Vec<JobId> {
    let mut ids = Vec::new();
    for number in 0..count {
        let id = cloud.submitted(&format!("job-{number}")).await;
        let cancel = Job::cancel(&Owner::user("ann"), functions::now());
        assert!(cloud.change(&id, &cancel).await);
        ids.push(id);
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_retries_and_edits_stop_at_the_limit_of_active_jobs() {
    let cloud = Cloud::start().await;
    let ids = ended(&cloud, 30).await;
    let tasks = ids.iter().enumerate().map(|(number, id)| {
        let (method, what) = [("POST", "retry"), ("PUT", "plan")][number % 2];
        let call = Call::new(method, format!("{JOBS}/{id}/{what}")).user("ann");
        let call = call.json(&samples::plan());
        let mut manage = cloud.manage_jobs();
        manage.max_active = 5;
        tokio::spawn(async move { call!(manage, call) })
    });
    let answers: Vec<Answer> = join_all(tasks)
        .await
        .into_iter()
        .map(|answer| answer.expect("an answer"))
        .collect();
    assert_eq!(statuses(&answers), BTreeMap::from([(202, 5), (429, 25)]));
    assert_eq!(most_at_once(&cloud), 5);
    history_invariants::check(&cloud);
}

/// Ends a job without updating the table of admissions, as an event does.
async fn end(cloud: &Cloud, id: &JobId) {
    let cancel = Job::cancel(&Owner::user("ann"), functions::now());
    assert!(cloud.change(id, &cancel).await);
}

/// With this many active jobs, exactly as many more are accepted as the limit allows, and as many again when all have ended.
async fn check_room(cloud: &Cloud, under_way: usize, most: usize, what: &str) {
    let answers = submitted_at_once(cloud, most + 1, most as u32).await;
    let free = most - under_way;
    let wanted = BTreeMap::from([(202, free), (429, most + 1 - free)]);
    let wanted: BTreeMap<_, _> = wanted.into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(statuses(&answers), wanted, "{what}");
    assert!(most_at_once(cloud) <= most, "{what}");
    for record in cloud.records().values() {
        if !record["active_owner"].is_null() {
            end(
                cloud,
                &record["id"]
                    .as_str()
                    .expect("an id")
                    .parse()
                    .expect("an id"),
            )
            .await;
        }
    }
    let answers = submitted_at_once(cloud, most + 1, most as u32).await;
    let wanted = BTreeMap::from([(202, most), (429, 1)]);
    assert_eq!(statuses(&answers), wanted, "{what}: once more");
    assert!(most_at_once(cloud) <= most, "{what}: once more");
}

/// Requests, each interrupted at every call, and whether the job is active afterwards.
const WISHES: [(&str, &str, bool); 5] = [
    ("POST", "", true),
    ("POST", "/retry", true),
    ("PUT", "/plan", true),
    ("POST", "/cancel", false),
    ("DELETE", "", false),
];

/// One request about a job that is prepared for it.
async fn request(cloud: &Cloud, method: &'static str, what: &str, fault: Option<(usize, Fault)>) {
    let id = cloud.submitted("job").await;
    let call = match (method, what) {
        ("POST", "") => submission().header("idempotency-key", "key"),
        _ => Call::new(method, format!("{JOBS}/{id}{what}")).user("ann"),
    };
    if what != "/cancel" && method != "DELETE" {
        end(cloud, &id).await;
    }
    let call = if method == "PUT" {
        call.json(&samples::plan())
    } else {
        call
    };
    cloud.front.calls();
    if let Some((nth, fault)) = fault {
        cloud.front.dies_at(nth, fault);
    }
    for _ in 0..2 {
        if (method, what) == ("POST", "") {
            let _ = call!(cloud.submit_job(), call);
        } else {
            let _ = call!(cloud.manage_jobs(), call);
        }
        // the first request was interrupted; this repeats it
        cloud.front.heal();
    }
}

#[tokio::test]
async fn an_interrupted_request_leaves_the_count_of_active_jobs_correct() {
    for (method, what, is_under_way) in WISHES {
        let straight = Cloud::start().await;
        request(&straight, method, what, None).await;
        let calls = straight.front.calls();
        check_room(&straight, usize::from(is_under_way), 2, what).await;
        for fault in [Fault::Cut, Fault::Unheard] {
            for (nth, call) in calls.iter().enumerate() {
                let cloud = Cloud::start().await;
                request(&cloud, method, what, Some((nth, fault))).await;
                let said = format!("{method} {what}: {fault:?} at {call}");
                check_room(&cloud, usize::from(is_under_way), 2, &said).await;
            }
        }
    }
}

#[tokio::test]
async fn settling_releases_the_slot_and_a_leaked_slot_is_reclaimed() {
    for nth in 0..5 {
        let cloud = Cloud::start().await;
        let mut submit = cloud.submit_job();
        submit.max_active = 1;
        let first = call!(submit, submission()).id();
        let mut job = cloud.job(&first).await;
        assert_eq!(call!(submit, submission()).status, 429);
        let settle = cloud.settle_job();
        // every worker dies silently; the slot is that of the first attempt
        while !job.status.is_terminal() {
            if job.automatic_attempts_left == 0 {
                cloud.front.dies_at(nth, Fault::Cut);
            }
            let _ = settle.handle(&of(&first, job.attempt)).await;
            cloud.front.heal();
            settle
                .handle(&of(&first, job.attempt))
                .await
                .expect("settled");
            job = cloud.job(&first).await;
        }
        let admissions = cloud.all(crate::tables::ADMISSIONS);
        assert!(
            admissions.iter().all(|item| item["active"].is_null()),
            "{admissions:?}"
        );
        assert_eq!(call!(submit, submission()).status, 202);
        assert_eq!(most_at_once(&cloud), 1);
    }
}

#[tokio::test]
async fn a_transaction_conflict_is_retried_a_limited_number_of_times() {
    let cloud = Cloud::start().await;
    let submit = cloud.submit_job();
    let meet = |times: usize| {
        let (mut seen, mut is_counted) = (0, false);
        cloud.front.faults(move |call| {
            // the first write counts the request and is not in a transaction
            if call == "DynamoDB.UpdateItem" && !is_counted {
                is_counted = true;
                return None;
            }
            let writes = ["DynamoDB.TransactWriteItems", "DynamoDB.UpdateItem"];
            seen += usize::from(writes.contains(&call));
            (writes.contains(&call) && seen <= times).then_some(Fault::Conflict)
        });
    };
    meet(3);
    let taken = call!(submit, submission());
    assert_eq!(taken.status, 202, "{taken:?}");
    meet(3);
    let cancel = Call::new("POST", format!("{JOBS}/{}/cancel", taken.id())).user("ann");
    assert_eq!(call!(cloud.manage_jobs(), cancel).status, 200);
    meet(usize::MAX);
    let busy = call!(submit, submission());
    assert_eq!((busy.status, busy.code()), (503, "unavailable"));
    assert!(busy.header("retry-after").is_some());
    assert_eq!(cloud.records().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_starts_and_ends_never_exceed_the_limit() {
    let cloud = Cloud::start().await;
    let ids = ended(&cloud, 6).await;
    let (mut tasks, mut settling) = (Vec::new(), Vec::new());
    for round in 0..4 {
        for id in &ids {
            for (method, what) in [("POST", "/retry"), ("POST", "/cancel"), ("PUT", "/plan")] {
                let call = Call::new(method, format!("{JOBS}/{id}{what}")).user("ann");
                let call = call.json(&samples::plan());
                let mut manage = cloud.manage_jobs();
                manage.max_active = 3;
                tasks.push(tokio::spawn(async move { call!(manage, call) }));
            }
        }
        let mut submit = cloud.submit_job();
        submit.max_active = 3;
        let call = submission().header("idempotency-key", format!("key-{}", round % 2));
        tasks.push(tokio::spawn(async move { call!(submit, call) }));
        let (settle, id) = (cloud.settle_job(), ids[round].clone());
        let event = of(&id, 1 + round as u32);
        settling.push(tokio::spawn(async move { settle.handle(&event).await }));
    }
    for done in join_all(tasks).await {
        assert!([200, 202, 409, 429].contains(&done.expect("an answer").status));
    }
    for done in join_all(settling).await {
        done.expect("no panic").expect("settled");
    }
    assert!(most_at_once(&cloud) <= 3);
    history_invariants::check(&cloud);
}
