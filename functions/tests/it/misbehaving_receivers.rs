//! Misbehaving receivers: each attempt of a callback ends in time with a reason, and is retried.

use std::{
    io::Write,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use domain::{Delivery, DeliveryState};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    customer::Customer,
    misbehaving_server::{Behavior, Issuer, MisbehavingServer},
};

/// Time limit of an attempt.
const LONGEST: Duration = Duration::from_secs(17);

/// The first delivery of a job to an address, after one attempt.
async fn tried(url: String) -> Delivery {
    let mut customer = Customer::start().await;
    customer.url = url;
    let id = customer.ended().await;
    let messages = customer.publish().await;
    assert_eq!(customer.run(&messages[..1]).await, 0);
    customer.owed(&id).await.remove(0)
}

/// Names the folder of the issuer where a test runs itself.
const INSIDE: &str = "CLIPWRIGHT_TEST_ISSUER";
const BELIEVED: &str = "issuer.pem";

/// Asserts that the attempt failed as expected and another is pending.
fn assert_failed(case: &str, delivery: &Delivery, status: Option<u16>, error: &str) {
    let tried = &delivery.attempts[0];
    assert_eq!(
        (delivery.state, delivery.failures),
        (DeliveryState::Pending, 1),
        "{case}: {tried:?}"
    );
    assert_eq!(tried.status, status, "{case}: {tried:?}");
    let said = tried.error.as_deref().unwrap_or("nothing");
    assert!(said.contains(error), "{case}: {said}");
    assert!(said.len() < 200 && !said.contains('\n'), "{case}: {said}");
}

fn pause_s(delivery: &Delivery) -> i64 {
    (delivery.due_ms - functions::now().as_ms() + 500) / 1000
}

fn answer(line: &str) -> Behavior {
    Behavior::Says(format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n"))
}

#[tokio::test]
async fn error_statuses_are_failures() {
    let cases = [
        ("400 Bad Request", 400),
        ("401 Unauthorized", 401),
        ("404 Not Found", 404),
        ("429 Too Many Requests", 429),
        ("500 Internal Server Error", 500),
        ("503 Service Unavailable", 503),
        ("599 Whatever", 599),
    ];
    for (line, status) in cases {
        let server = MisbehavingServer::start(answer(line)).await;
        let delivery = tried(server.url()).await;
        assert_failed(line, &delivery, Some(status), &format!("HTTP {status}"));
        assert!((3..=7).contains(&pause_s(&delivery)), "{line}");
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = MisbehavingServer::start(answer("204 No Content")).await;
    for status in [301, 302, 303, 307, 308] {
        let line = format!("{status} There\r\nlocation: {}", target.url());
        let server = MisbehavingServer::start(answer(&line)).await;
        let delivery = tried(server.url()).await;
        assert_failed(&line, &delivery, Some(status), "redirects are not followed");
    }
    assert_eq!(target.requests(), 0);
}

#[tokio::test]
async fn retry_after_of_a_receiver_is_respected() {
    let date = |seconds: i64| {
        let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
        jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&then)
            .expect("a date")
    };
    let ten_hours = 10 * 3600;
    let cases = [
        ("120".to_owned(), 119..=121),
        (date(600), 598..=601),
        ("0".to_owned(), 3..=7),
        (date(-600), 3..=7),
        ("99999999999".to_owned(), ten_hours - 2..=ten_hours + 1),
        ("-7".to_owned(), 3..=7),
        ("soon".to_owned(), 3..=7),
        ("99999999999999999999999".to_owned(), 3..=7),
    ];
    for (request, pause) in cases {
        let server =
            MisbehavingServer::start(answer(&format!("429 Too Many\r\nretry-after: {request}")))
                .await;
        let delivery = tried(server.url()).await;
        assert_failed(&request, &delivery, Some(429), "HTTP 429");
        assert!(
            pause.contains(&pause_s(&delivery)),
            "{request}: {} s",
            pause_s(&delivery)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_receivers_time_out() {
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
    let cases = [
        ("no answer", Behavior::SaysAndWaits("")),
        ("half a status line", Behavior::SaysAndWaits("HTTP/1.")),
        (
            "headers that drip",
            Behavior::Drips("HTTP/1.1 200 OK\r\nx-slow: "),
        ),
        ("a body that drips", Behavior::Drips(OK)),
        ("a body that never comes", Behavior::SaysAndWaits(OK)),
        (
            "a failure whose body drips",
            Behavior::Drips("HTTP/1.1 500 Oh\r\ncontent-length: 100000\r\n\r\n"),
        ),
    ];
    let begun = Instant::now();
    let tries = cases.map(|(case, manner)| async move {
        let server = MisbehavingServer::start(manner).await;
        (case, tried(server.url()).await)
    });
    for (case, delivery) in join_all(tries).await {
        assert_failed(case, &delivery, None, "was not finished within 15 s");
        let took = Duration::from_millis(delivery.attempts[0].duration_ms);
        assert!(took < LONGEST, "{case}: {took:?}");
    }
    assert!(begun.elapsed() < LONGEST * 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn broken_responses_are_failures() {
    let cases = [
        ("a reset before any answer", Behavior::Breaks("")),
        (
            "a reset in the headers",
            Behavior::Breaks("HTTP/1.1 200 OK\r\ncontent-"),
        ),
        (
            "a reset in the body",
            Behavior::Breaks("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"),
        ),
        (
            "an end in the body",
            Behavior::Says("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx".into()),
        ),
        ("an end before any answer", Behavior::Says(String::new())),
        (
            "another protocol",
            Behavior::Says("220 mail.test ESMTP\r\n".into()),
        ),
        (
            "headers without end",
            Behavior::Pours("HTTP/1.1 200 OK\r\nx-long: "),
        ),
        (
            "no status",
            Behavior::Says("HTTP/1.1 9999 OK\r\n\r\n".into()),
        ),
    ];
    for (case, manner) in cases {
        let server = MisbehavingServer::start(manner).await;
        let delivery = tried(server.url()).await;
        assert_failed(case, &delivery, None, "sent an invalid response");
    }
    let nobody = MisbehavingServer::start(answer("204 No Content"))
        .await
        .port;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = closed.local_addr().expect("an address").port();
    assert_ne!(port, nobody);
    drop(closed);
    let refused = tried(format!("http://127.0.0.1:{port}/hook")).await;
    assert_failed(
        "nobody there",
        &refused,
        None,
        "127.0.0.1 cannot be reached",
    );
}

/// Runs this test with its own issuer among the trusted ones.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how this test tells which half of it runs"
)]
fn only_valid_certificates_are_trusted() {
    // a variable of its own: SSL_CERT_FILE may be set on the machine
    if let Some(folder) = std::env::var_os(INSIDE) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let believed = Path::new(&folder).join(BELIEVED);
        return runtime.block_on(with_an_issuer(&believed));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let this = "receivers::only_valid_certificates_are_trusted";
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", this, "--nocapture"])
        .env(INSIDE, folder.path())
        .env("SSL_CERT_FILE", folder.path().join(BELIEVED))
        .env_remove("SSL_CERT_DIR")
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

async fn with_an_issuer(believed: &Path) {
    let (issuer, stranger) = (Issuer::new(), Issuer::new());
    let mut file = std::fs::File::create_new(believed).expect("a new file");
    file.write_all(issuer.pem().as_bytes()).expect("written");
    let last = 2099;
    let cases = [
        ("expired", issuer.certify("localhost", 2021), "expired"),
        (
            "another name",
            issuer.certify("example.com", last),
            "not valid for name",
        ),
        (
            "a strange issuer",
            stranger.certify("localhost", last),
            "invalid peer certificate",
        ),
    ];
    for (case, certified, why) in cases {
        let server = MisbehavingServer::with_certificate(&certified).await;
        let delivery = tried(format!("https://localhost:{}/hook", server.port)).await;
        assert_failed(case, &delivery, None, why);
        assert_eq!(server.requests(), 0, "{case}");
    }
    let server = MisbehavingServer::with_certificate(&issuer.certify("localhost", last)).await;
    let delivery = tried(format!("https://localhost:{}/hook", server.port)).await;
    assert_eq!(
        delivery.state,
        DeliveryState::Delivered,
        "{:?}",
        delivery.attempts
    );
    assert_eq!(server.requests(), 2, "the start and the end");
}

#[tokio::test]
async fn a_plain_receiver_at_an_https_address_is_a_failure() {
    let plain = MisbehavingServer::start(answer("204 No Content")).await;
    let delivery = tried(plain.url().replace("http:", "https:")).await;
    // it waits for the rest of a request that it cannot parse
    assert_failed(
        "no TLS at all",
        &delivery,
        None,
        "127.0.0.1 does not respond",
    );
    assert_eq!(plain.requests(), 0);
}

#[tokio::test]
async fn a_long_answer_is_read_no_further_than_needed() {
    for head in ["content-length: 99999999", "transfer-encoding: identity"] {
        let head: &'static str = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").leak();
        let server = MisbehavingServer::start(Behavior::Pours(head)).await;
        let delivery = tried(server.url()).await;
        assert_eq!(
            delivery.state,
            DeliveryState::Delivered,
            "{:?}",
            delivery.attempts
        );
        assert!(delivery.attempts[0].duration_ms < 5000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_receiver_delays_no_other() {
    let silent = MisbehavingServer::start(Behavior::SaysAndWaits("")).await;
    let mut customer = Customer::start().await;
    let good = customer.url.clone();
    let mut jobs = Vec::new();
    for url in [&silent.url(), &good, &good, &good] {
        customer.url.clone_from(url);
        jobs.push(customer.ended().await);
    }
    customer.publish().await;
    let records: Vec<_> = jobs
        .iter()
        .map(|id| json!({"messageId": id, "body": json!({"job_id": id, "not_before": 0}).to_string()}))
        .collect();
    let messages = serde_json::from_value(json!({"Records": records})).expect("messages");
    let deliver = customer.cloud.deliver_callback();
    let others = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        customer.receiver.take().len()
    };
    let (answer, received) = tokio::join!(deliver.handle(&messages), others);
    assert_eq!(json!(answer), json!({"batchItemFailures": []}));
    assert_eq!(received, 6);
    assert_eq!(customer.states(&jobs[0]).await, [DeliveryState::Pending; 2]);
}
