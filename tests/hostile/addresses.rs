//! Addresses that lead into private networks, in every notation.
//!
//! A redirect to a private address, and a name that turns private at its second look-up, need a first hop that is public; the guard's
//! own tests have them.

use domain::ErrorCode::{SourceForbidden, SourceUnsupported};

use crate::trial::Trial;

/// The guard's own tests have many more; these show that the tool asks it.
const PRIVATE: [&str; 24] = [
    "127.0.0.1",
    "127.1",
    "127.0.0.1.",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "0",
    "%31%32%37.0.0.1",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "localhost",
    "LocalHost",
];

#[test]
fn private_hosts_in_every_notation() {
    let trial = Trial::new();
    for host in PRIVATE {
        let line = trial.refuses(&format!("http://{host}:9/talk.mp4"), SourceForbidden);
        assert!(line.contains("is not a public address"), "{line}");
    }
    // pages of known sites go another way
    trial.refuses("https://127.0.0.1/watch?v=x", SourceForbidden);
}

#[test]
fn addresses_that_are_none() {
    let trial = Trial::new();
    for address in [
        "http://",
        "http://:80/",
        "http://user:word@example.com/talk.mp4",
        "https://exa mple.com/",
        "file:///etc/passwd",
        "gopher://x/",
    ] {
        trial.refuses(address, SourceUnsupported);
    }
}

#[test]
fn every_command_that_takes_a_source_asks_the_guard() {
    let trial = Trial::new();
    let address = "http://127.0.0.1:9/talk.mp4";
    trial.refused(
        &mut trial.command(["transcribe", address, "-o", "t.json"]),
        SourceForbidden,
    );
    trial.write("plan.json", "{}");
    trial.write(
        "transcript.json",
        r#"{"version": 1, "language": "en", "duration_ms": 1000, "segments": []}"#,
    );
    trial.refused(
        &mut trial.command(["render", address, "plan.json", "--out", "out"]),
        SourceForbidden,
    );
}
