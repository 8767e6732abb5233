//! Stopped by hand, and two at once.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use domain::ErrorCode::Internal;
use rustix::process::Signal;

use crate::{
    servers::silent,
    trial::{Running, Trial, only_complaint, talk, within},
};

/// Two seconds, and what a machine at work on other tests adds.
const STOPPED_WITHIN: Duration = Duration::from_secs(6);

/// Starts the tool, stops it once it has said `step` and ffmpeg is at work, and gives the trial to look at.
fn stopped(args: &[&str], step: &str, signal: Signal) -> Trial {
    let trial = Trial::new();
    // a path below the trial's folder, by which the processes are told from those of other tests
    std::fs::copy(talk(), trial.path("talk.mp4")).expect("a talk");
    let running = Running::start(&mut trial.command(args));
    running.wait_for(step);
    trial.wait_for_process();
    running.signal(signal);
    let ran = running.end();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(only_complaint(&ran).ends_with("(canceled)"), "{ran:?}");
    trial.assert_no_process();
    trial
}

fn visible(trial: &Trial) -> Vec<String> {
    let names = trial
        .files()
        .into_iter()
        .map(|path| path.display().to_string());
    names.filter(|name| !name.contains("made_from")).collect()
}

#[test]
fn stopped_while_listening_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM] {
        let trial = stopped(
            &["clip", "talk.mp4", "--out", "out"],
            "Transcribing",
            signal,
        );
        assert_eq!(visible(&trial), ["talk.mp4", "tmp"]);
        let trial = stopped(
            &["transcribe", "talk.mp4", "-o", "t.json"],
            "Transcribing",
            signal,
        );
        assert_eq!(visible(&trial), ["talk.mp4", "tmp"]);
    }
}

#[test]
fn stopped_while_rendering_leaves_what_was_finished() {
    for signal in [Signal::INT, Signal::TERM] {
        let trial = stopped(
            &["clip", "talk.mp4", "--out", "out"],
            "Rendering clip",
            signal,
        );
        let expected = [
            "out",
            "out/.clipwright",
            "out/.clipwright/lock",
            "out/.clipwright/scratch",
            "out/plan.json",
            "out/transcript.json",
            "talk.mp4",
            "tmp",
        ];
        assert_eq!(visible(&trial), expected);
    }
}

/// A pipe that nobody writes to holds whoever reads it, as work that never waits for anything does.
#[test]
fn stopped_while_a_stage_does_not_listen_ends_all_the_same() {
    let trial = Trial::new();
    let pipe = Command::new("mkfifo")
        .arg(trial.path("words.json"))
        .status();
    assert!(pipe.expect("mkfifo").success());
    trial.plan(6000);
    std::fs::copy(talk(), trial.path("talk.mp4")).expect("a talk");
    let calls = [
        ["plan", "words.json", "-o", "new.json"],
        ["render", "talk.mp4", "words.json", "--out=out"],
    ];
    for (call, signal) in calls.iter().zip([Signal::INT, Signal::TERM]) {
        let before = trial.files();
        let running = Running::start(&mut trial.command(call));
        std::thread::sleep(Duration::from_secs(2));
        let asked = Instant::now();
        running.signal(signal);
        let ran = running.end();
        assert!(asked.elapsed() < STOPPED_WITHIN, "{:?}", asked.elapsed());
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(only_complaint(&ran).ends_with("(canceled)"), "{ran:?}");
        assert_eq!(trial.files(), before);
    }
}

#[test]
fn a_second_process_in_the_same_folder_is_refused() {
    let trial = Trial::new();
    let address = format!("http://{}/talk.mp4", silent());
    let args = ["clip", &address, "--out", "out", "--allow-private-networks"];
    let first = Running::start(&mut trial.command(args));
    let begun = || {
        trial
            .files()
            .iter()
            .any(|path| path.ends_with("source.mp4.part"))
    };
    assert!(within(Duration::from_secs(30), begun), "no download began");
    let line = trial.refused(
        &mut trial.command(["clip", "talk.mp4", "--out", "out"]),
        Internal,
    );
    assert!(
        line.contains("another clipwright is at work in this folder"),
        "{line}"
    );
    first.signal(Signal::INT);
    assert_eq!(first.end().code, Some(1));
}
