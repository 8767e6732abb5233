//! Where callbacks go outside of one machine: only to public addresses over TLS, however an address is written or a name resolves.

use std::process::Command;

use domain::Delivery;
use functions::{callbacks::Addresses, submit_job::SubmitJob};
use serde_json::json;

use crate::{
    customer::{Customer, JOBS, post},
    requests::call,
    samples,
};

const PRIVATE_HOSTS: &str = include_str!("../../../crates/egress/tests/private_hosts.txt");
/// Set where this test runs itself in a network of its own.
const INSIDE: &str = "CLIPWRIGHT_TEST_SMALL_INTERNET";

/// A customer with a pending delivery, whose address can be chosen.
struct Owed {
    customer: Customer,
    delivery: Delivery,
}

impl Owed {
    async fn new() -> Self {
        let customer = Customer::start().await;
        let id = customer.ended().await;
        customer.publish().await;
        let delivery = customer.owed(&id).await.remove(0);
        Self { customer, delivery }
    }

    /// The error of an attempt at an address.
    async fn refusal(&mut self, url: &str) -> String {
        url.clone_into(&mut self.delivery.url);
        let deliveries = self.customer.cloud.deliveries();
        let seen = self.customer.owed(&self.delivery.job_id).await.remove(0);
        self.delivery.due_ms = 0;
        let saved = deliveries.save(&self.delivery, seen.due_ms).await;
        assert!(saved.expect("an answer"));
        let id = &self.delivery.job_id;
        let message = json!({"job_id": id, "not_before": 0}).to_string();
        let messages = json!({"Records": [{"messageId": "m", "body": message}]});
        let messages = serde_json::from_value(messages).expect("messages");
        let deliver = self.customer.cloud.deliver_callback_to(false);
        deliver.handle(&messages).await;
        let owed = self.customer.owed(id).await.remove(0);
        let last = owed.attempts.last().expect("a try");
        assert_eq!(last.status, None, "{url}");
        last.error.clone().expect("an error")
    }
}

#[tokio::test]
async fn a_private_address_is_never_called_in_any_notation() {
    let mut owed = Owed::new().await;
    let port = owed
        .customer
        .url
        .rsplit(':')
        .next()
        .expect("a port")
        .to_owned();
    for host in PRIVATE_HOSTS.lines() {
        let error = owed.refusal(&format!("https://{host}:{port}")).await;
        assert!(error.contains("is not a public address"), "{host}: {error}");
    }
    let error = owed.refusal("http://hooks.invalid/hook").await;
    assert!(error.contains("must be an https"), "{error}");
    assert!(owed.customer.receiver.take().is_empty());
}

#[tokio::test]
async fn a_submission_with_a_private_callback_address_is_rejected() {
    let customer = Customer::start().await;
    let submit = SubmitJob {
        addresses: Addresses::new(false),
        ..customer.cloud.submit_job()
    };
    let private = PRIVATE_HOSTS
        .lines()
        .map(|host| format!("https://{host}/hook"));
    let others = [
        "http://example.com/",
        "ftp://example.com/",
        "https://a:b@example.com/",
        "example.com",
        "",
        "https://",
    ];
    for url in private.chain(others.map(str::to_owned)) {
        let mut body = samples::submission();
        body["callbackUrl"] = json!(url);
        let answer = call!(submit, post(JOBS).json(&body));
        assert_eq!(
            (answer.status, answer.field()),
            (422, "callbackUrl"),
            "{url}"
        );
    }
    assert!(customer.cloud.records().is_empty());
}

/// Runs this test in a network of its own, with proxies in its environment that must not be used.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how this test tells which half of it runs"
)]
fn names_that_resolve_to_private_addresses_and_proxies_are_not_used() {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        return runtime.block_on(in_a_small_internet());
    }
    let own = ["--user", "--map-root-user", "--net", "--mount"];
    let allowed = Command::new("unshare").args(own).arg("true").status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("left out: this system lets nobody have a network of their own");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let visits = folder.path().join("visits");
    std::fs::write(&visits, "").expect("a file");
    let this = "outward::names_that_resolve_to_private_addresses_and_proxies_are_not_used";
    let proxies = [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ];
    let output = Command::new("unshare")
        .args(own)
        .arg("python3")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/fixtures/internet.py"
        ))
        .arg(&visits)
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", this, "--nocapture"])
        .envs(proxies.map(|name| (name, "http://127.0.0.1:80")))
        // the fake services can be reached
        .env("NO_PROXY", "127.0.0.1")
        .env(INSIDE, "1")
        .output()
        .expect("unshare starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(std::fs::read_to_string(&visits).expect("the file"), "");
}

async fn in_a_small_internet() {
    let mut owed = Owed::new().await;
    let mixed = owed.refusal("https://mixed.example/hook").await;
    assert!(
        mixed.contains("mixed.example is not a public address"),
        "{mixed}"
    );
    // it resolves at first, but nothing listens
    let first = owed.refusal("https://turns.example/hook").await;
    assert!(first.contains("turns.example cannot be reached"), "{first}");
    let then = owed.refusal("https://turns.example/hook").await;
    assert!(
        then.contains("turns.example is not a public address"),
        "{then}"
    );
    let literal = owed.refusal("https://11.22.33.44/hook").await;
    assert!(
        literal.contains("11.22.33.44 cannot be reached"),
        "{literal}"
    );
}
