//! Addresses that lead into private networks: in every notation, by a redirect, by a name that changes its answer.

use std::process::Command;

use domain::ErrorCode::{SourceForbidden, SourceUnsupported};
use tests::fixture;

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

/// `clip` of an address in a network of its own, where `fixtures/internet.py` serves; is refused and never comes to 127.0.0.1.
fn refused_in_a_small_internet(address: &str) {
    let own = ["--user", "--map-root-user", "--net", "--mount"];
    let allowed = Command::new("unshare").args(own).arg("true").status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("left out: this system lets nobody have a network of their own");
        return;
    }
    let trial = Trial::new();
    trial.write("visits", "");
    let tool = trial.command(["clip", "--out", "out", "--", address]);
    let mut command = Command::new("unshare");
    command
        .args(own)
        .arg("python3")
        .arg(fixture("internet.py"))
        .arg("visits")
        .arg(tool.get_program())
        .args(tool.get_args());
    let variables = tool.get_envs();
    command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(tool.get_current_dir().expect("the folder of the trial"));
    let line = trial.refused(&mut command, SourceForbidden);
    assert!(line.contains("is not a public address"), "{line}");
    let visits = std::fs::read_to_string(trial.path("visits")).expect("the file");
    assert_eq!(visits, "");
}

#[test]
fn a_redirect_to_a_private_host() {
    for host in ["127.0.0.1", "169.254.169.254", "[::1]", "localhost"] {
        refused_in_a_small_internet(&format!("http://11.22.33.44/to/{host}/talk.mp4"));
    }
}

#[test]
fn a_name_that_turns_private_when_it_is_asked_for_again() {
    refused_in_a_small_internet("http://turns.example/talk.mp4");
}
