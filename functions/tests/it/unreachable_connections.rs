//! Connections that are closed, do not read or cannot be reached: they delay no other.

use std::time::{Duration, Instant};

use domain::{Owner, limits::MAX_CONNECTIONS};
use serde_json::json;

use crate::{
    fault_proxy::Fault,
    publishing::{fine, listen, listening, publish},
    tables::{LISTENERS, SESSIONS},
};

#[tokio::test]
async fn a_closed_connection_is_forgotten_at_once() {
    let cloud = listening().await;
    listen(&cloud, "c-2", "ann").await;
    cloud.front.sockets.lose("c-1");
    cloud.running("job-1").await;
    cloud.front.calls();
    assert_eq!(publish(&cloud, &cloud.stream()).await, fine());
    let posts = |calls: Vec<String>| {
        calls
            .into_iter()
            .filter(|call| call == "Sockets.POST")
            .count()
    };
    assert_eq!(posts(cloud.front.calls()), 2);
    assert_eq!(cloud.front.sockets.heard("c-2").len(), 1);
    for table in [SESSIONS, LISTENERS] {
        let left = cloud.all(table);
        assert!(!json!(left).to_string().contains("c-1"), "{left:?}");
        assert_eq!(left.len(), 1);
    }
    assert_eq!(publish(&cloud, &cloud.stream()).await, fine());
    assert_eq!(posts(cloud.front.calls()), 1);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected_without_delaying_others() {
    let cloud = listening().await;
    for number in 2..=MAX_CONNECTIONS {
        listen(&cloud, &format!("c-{number}"), "ann").await;
    }
    for number in (1..=MAX_CONNECTIONS).step_by(10) {
        cloud.front.sockets.stick(&format!("c-{number}"));
    }
    cloud.running("job-1").await;
    let begun = Instant::now();
    assert_eq!(publish(&cloud, &cloud.stream()).await, fine());
    // far below the sum of all timeouts
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    for number in 1..=MAX_CONNECTIONS {
        let id = format!("c-{number}");
        let is_stuck = number % 10 == 1;
        assert_eq!(cloud.front.sockets.is_open(&id), !is_stuck, "{id}");
        if !is_stuck {
            assert_eq!(cloud.front.sockets.heard(&id).len(), 1, "{id}");
        }
    }
    assert_eq!(
        (cloud.all(LISTENERS).len(), cloud.all(SESSIONS).len()),
        (45, 45)
    );
}

#[tokio::test]
async fn a_client_that_cannot_be_disconnected_delays_no_other() {
    let cloud = listening().await;
    listen(&cloud, "c-2", "ann").await;
    cloud.front.sockets.stick("c-1");
    cloud.running("job-1").await;
    cloud
        .front
        .faults(|call| (call == "Sockets.DELETE").then_some(Fault::Broken));
    assert_eq!(publish(&cloud, &cloud.stream()).await, fine());
    cloud.front.heal();
    assert_eq!(cloud.front.sockets.heard("c-2").len(), 1);
    assert_eq!(
        (cloud.all(LISTENERS).len(), cloud.all(SESSIONS).len()),
        (1, 1)
    );
}

/// More connections than the limit allows, as if admitted before there was one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_not_notified_in_time_are_disconnected() {
    let cloud = listening().await;
    let (ann, listeners) = (Owner::user("ann"), cloud.realtime().listeners);
    let ids: Vec<String> = (2..=600).map(|number| format!("c-{number}")).collect();
    for id in &ids {
        cloud.front.sockets.open(id);
        cloud.front.sockets.stick(id);
        let added = listeners.subscribe(&ann, id, None, i64::MAX).await;
        assert!(added.expect("added"));
    }
    cloud.running("job-1").await;
    let begun = Instant::now();
    assert_eq!(publish(&cloud, &cloud.stream()).await, fine());
    // a hundred at once, each with a timeout of two seconds, would take twelve
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(9), "{took:?}");
    assert!(ids.iter().all(|id| !cloud.front.sockets.is_open(id)));
    let left = cloud.all(LISTENERS);
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(cloud.front.sockets.heard("c-1").len(), 1);
}
