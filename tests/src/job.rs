//! A source with a plan and a transcript written by hand, so that a test need not wait for speech to be recognised.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Ran, Talk, clipwright, fixture};

/// A folder with a source, `plan.json` and `transcript.json`, for `clipwright render`.
#[derive(Debug)]
pub struct Job {
    folder: TempDir,
    source: String,
}

/// The words of `speech.flac` with their true times, as the words of a `transcript.json`.
///
/// # Panics
/// When the fixture is gone.
pub fn words() -> Vec<Value> {
    let json = fs::read(fixture("speech.json")).expect("the words of the fixture");
    serde_json::from_slice(&json).expect("a list of words")
}

impl Job {
    /// Makes the talk under this name, planned as one clip of its first `end_ms`.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new(talk: &Talk, name: &str, end_ms: u64) -> Self {
        Self::made(name, end_ms, |path| talk.make(path))
    }

    /// The same with a source that `make` makes where it is told.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn made(name: &str, end_ms: u64, make: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        make(&folder.path().join(name));
        let job = Self {
            folder,
            source: name.to_owned(),
        };
        job.plan(&[(0, end_ms)]);
        let words = words();
        let text: Vec<_> = words
            .iter()
            .filter_map(|word| word["text"].as_str())
            .collect();
        let sentence = json!({"start_ms": words[0]["start_ms"], "end_ms": words[words.len() - 1]["end_ms"], "text": text.join(" "), "words": words});
        let transcript =
            json!({"version": 1, "language": "en", "duration_ms": 7000, "segments": [sentence]});
        job.write("transcript.json", &transcript);
        job
    }

    /// Where a file of the job's folder is.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Plans clips of these ranges in milliseconds.
    pub fn plan(&self, ranges: &[(u64, u64)]) {
        let clips: Vec<_> = ranges
            .iter()
            .enumerate()
            .map(|(index, &(start_ms, end_ms))| {
                json!({"clip_index": index, "rank": index + 1, "start_ms": start_ms, "end_ms": end_ms, "title": "Title", "summary": "Summary", "reason": "Reason",
                    "virality_score": 0.5, "score_breakdown": {"hook": 0.5, "flow": 0.5, "value": 0.5, "emotion": 0.5}})
            })
            .collect();
        self.write("plan.json", &json!({"version": 1, "clips": clips}));
    }

    /// Changes one of its files as a person would.
    ///
    /// # Panics
    /// When the file is not there.
    pub fn edit(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let json = fs::read(self.path(name)).expect("the file");
        let mut value = serde_json::from_slice(&json).expect("JSON");
        change(&mut value);
        self.write(name, &value);
    }

    fn write(&self, name: &str, value: &Value) {
        fs::write(self.path(name), value.to_string()).expect("a file written");
    }

    /// Renders into the folder `out` and gives the path of the first clip.
    ///
    /// # Panics
    /// When it does not go well.
    pub fn render(&self, out: &str, look: &str) -> PathBuf {
        let mut command = clipwright(["render"]);
        command
            .args(look.split_ascii_whitespace())
            .args([&format!("--out={out}"), "--", &self.source, "plan.json"])
            .current_dir(&self.folder);
        let _ = Ran::of(&mut command).well();
        self.path(out).join("clips/clip_00.mp4")
    }
}
