//! Killed without warning and started again; and other work in the same folder.

use std::{collections::BTreeMap, path::Path, time::SystemTime};

use rustix::process::Signal;
use tests::{Ran, Talk};

use crate::trial::{Running, Trial, talk};

/// One small clip of the talk.
const ARGS: [&str; 6] = ["clip", "talk.mp4", "--out", "out", "--aspect-ratio", "1:1"];

/// What each stage took from an earlier run.
fn reused(outcome: &serde_json::Value) -> BTreeMap<String, bool> {
    let stages = outcome["stages"].as_array().expect("stages");
    let reused = stages.iter().map(|stage| {
        let name = stage["stage"].as_str().expect("a name").to_owned();
        (name, stage["reused"].as_bool().expect("a flag"))
    });
    reused.collect()
}

fn finish(trial: &Trial, more: &[&str]) -> BTreeMap<String, bool> {
    let args = ARGS.iter().chain(more).chain(&["--json"]);
    reused(&Ran::of(&mut trial.command(args)).well().json())
}

fn killed_at(trial: &Trial, args: &[&str], step: &str) {
    let running = Running::start(&mut trial.command(args));
    running.wait_for(step);
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None);
    trial.assert_no_process();
}

/// Content and time of each clip's files.
fn clips(trial: &Trial) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let entries = std::fs::read_dir(trial.path("out/clips"))
        .expect("clips")
        .flatten();
    let read = |path: &Path| {
        let modified = path.metadata().and_then(|meta| meta.modified());
        (
            std::fs::read(path).expect("a file"),
            modified.expect("a time"),
        )
    };
    entries
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                read(&entry.path()),
            )
        })
        .collect()
}

fn contents(clips: &BTreeMap<String, (Vec<u8>, SystemTime)>) -> BTreeMap<&String, &Vec<u8>> {
    clips
        .iter()
        .map(|(name, (content, _))| (name, content))
        .collect()
}

fn trial() -> Trial {
    let trial = Trial::new();
    std::fs::copy(talk(), trial.path("talk.mp4")).expect("a talk");
    trial
}

#[test]
fn killed_in_every_stage_it_goes_on_and_ends_the_same() {
    let undisturbed = trial();
    finish(&undisturbed, &[]);
    let wanted = clips(&undisturbed);

    let trial = trial();
    for step in ["Fetching", "Transcribing", "Choosing", "Rendering clip 1/1"] {
        killed_at(&trial, &ARGS, step);
    }
    let transcript = modified(&trial, "out/transcript.json");
    let reused = finish(&trial, &[]);
    assert!(
        reused["transcribe"] && reused["plan"] && !reused["render"],
        "{reused:?}"
    );
    assert_eq!(modified(&trial, "out/transcript.json"), transcript);
    let last = clips(&trial);
    assert_eq!(contents(&last), contents(&wanted));

    let reused = finish(&trial, &[]);
    assert!(
        reused["transcribe"] && reused["plan"] && reused["render"],
        "{reused:?}"
    );
    assert_eq!(clips(&trial), last);
}

#[test]
fn a_clip_that_was_finished_before_the_kill_is_not_made_again() {
    let trial = trial();
    let row = |index: u32| {
        serde_json::json!({"clip_index": index, "rank": index + 1, "start_ms": index * 5000, "end_ms": index * 5000 + 5000, "title": "t", "summary": "s",
            "reason": "r", "virality_score": 0.5, "score_breakdown": {"hook": 0.5, "flow": 0.5, "value": 0.5, "emotion": 0.5}})
    };
    trial.write(
        "plan.json",
        serde_json::json!({"version": 1, "clips": [row(0), row(1)]}).to_string(),
    );
    trial.write(
        "transcript.json",
        r#"{"version": 1, "language": "en", "duration_ms": 11000, "segments": []}"#,
    );
    let args = [
        "render",
        "talk.mp4",
        "plan.json",
        "--out",
        "out",
        "--aspect-ratio",
        "1:1",
    ];
    killed_at(&trial, &args, "Rendering clip 2/2");
    let first = clips(&trial);
    assert_eq!(first.len(), 4, "one clip of four files: {:?}", first.keys());
    let _ = Ran::of(&mut trial.command(args)).well();
    let last = clips(&trial);
    assert_eq!(last.len(), 8);
    assert!(
        first.iter().all(|(name, file)| last[name] == *file),
        "the finished clip is made again"
    );
}

fn modified(trial: &Trial, name: &str) -> SystemTime {
    let modified = trial.path(name).metadata().and_then(|meta| meta.modified());
    modified.expect("a time")
}

#[test]
fn other_options_or_another_source_get_nothing_old() {
    let trial = trial();
    finish(&trial, &[]);
    let captioned = clips(&trial);
    let reused = finish(&trial, &["--captions", "none"]);
    assert!(
        reused["transcribe"] && reused["plan"] && !reused["render"],
        "{reused:?}"
    );
    assert_ne!(clips(&trial)["clip_00.mp4"].0, captioned["clip_00.mp4"].0);

    let shorter = Talk {
        seconds: 6.0,
        ..Talk::default()
    };
    shorter.make(&trial.path("talk.mp4"));
    let reused = finish(&trial, &[]);
    assert!(
        !reused["transcribe"] && !reused["plan"] && !reused["render"],
        "{reused:?}"
    );
    assert_ne!(clips(&trial)["clip_00.mp4"].0, captioned["clip_00.mp4"].0);
}
