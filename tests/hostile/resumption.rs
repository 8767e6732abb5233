//! Killed without warning and started again; and other work in the same folder.

use std::{collections::BTreeMap, path::Path, time::SystemTime};

use rustix::process::Signal;
use tests::{Ran, Talk};

use crate::trial::{Running, Trial, talk};

/// Two small clips of the talk.
const ARGS: [&str; 12] = [
    "clip", "talk.mp4", "--out", "out", "--aspect-ratio", "1:1", "--clips", "2", "--min-clip-seconds", "5", "--max-clip-seconds", "6",
];

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

fn killed_at(trial: &Trial, step: &str) {
    let running = Running::start(&mut trial.command(ARGS));
    running.wait_for(step);
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None);
    trial.assert_no_process();
}

/// Content and time of each clip's files.
fn clips(trial: &Trial) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let entries = std::fs::read_dir(trial.path("out/clips")).expect("clips").flatten();
    let read = |path: &Path| {
        let modified = path.metadata().and_then(|meta| meta.modified());
        (std::fs::read(path).expect("a file"), modified.expect("a time"))
    };
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), read(&entry.path()))).collect()
}

fn contents(clips: &BTreeMap<String, (Vec<u8>, SystemTime)>) -> BTreeMap<&String, &Vec<u8>> {
    clips.iter().map(|(name, (content, _))| (name, content)).collect()
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
    assert_eq!(wanted.len(), 8, "two clips of four files each");

    let trial = trial();
    for step in ["Fetching", "Transcribing", "Choosing", "Rendering clip 1/2", "Rendering clip 2/2"] {
        killed_at(&trial, step);
    }
    let transcript = std::fs::metadata(trial.path("out/transcript.json")).and_then(|meta| meta.modified()).expect("a transcript");
    let first = clips(&trial);
    let reused = finish(&trial, &[]);
    assert!(reused["transcribe"] && reused["plan"] && !reused["render"], "{reused:?}");
    let last = clips(&trial);
    assert_eq!(contents(&last), contents(&wanted));
    assert!(!first.is_empty() && first.iter().all(|(name, file)| last[name] == *file), "the finished clip is made again");
    let modified = std::fs::metadata(trial.path("out/transcript.json")).and_then(|meta| meta.modified());
    assert_eq!(modified.expect("a transcript"), transcript);

    let reused = finish(&trial, &[]);
    assert!(reused["transcribe"] && reused["plan"] && reused["render"], "{reused:?}");
    assert_eq!(clips(&trial), last);
}

#[test]
fn other_options_or_another_source_get_nothing_old() {
    let trial = trial();
    finish(&trial, &[]);
    let captioned = clips(&trial);
    let reused = finish(&trial, &["--captions", "none"]);
    assert!(reused["transcribe"] && reused["plan"] && !reused["render"], "{reused:?}");
    assert_ne!(clips(&trial)["clip_00.mp4"].0, captioned["clip_00.mp4"].0);

    let shorter = Talk { seconds: 6.0, ..Talk::default() };
    shorter.make(&trial.path("talk.mp4"));
    let reused = finish(&trial, &[]);
    assert!(!reused["transcribe"] && !reused["plan"] && !reused["render"], "{reused:?}");
    let names: Vec<_> = clips(&trial).into_keys().collect();
    assert_eq!(names, ["clip_00.jpg", "clip_00.mp4", "clip_00.srt", "clip_00.vtt"], "the second old clip is gone");
}
