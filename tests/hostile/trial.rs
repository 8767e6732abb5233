//! A folder to run the tool in, and what every refusal has in common.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use domain::ErrorCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tests::{Ran, clipwright, make, most_resident_bytes, processes_naming};

/// Longer than any of these runs takes on a busy machine, and short of a hang.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder of its own, with one for temporary files in it.
pub(crate) struct Trial(tempfile::TempDir);

impl Trial {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("tmp")).expect("a folder");
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("a file");
    }

    /// Makes a media file with the words of `arguments` for ffmpeg.
    pub(crate) fn make(&self, name: &str, arguments: &str) {
        make(&self.path(name), arguments);
    }

    /// Writes a plan of one clip from the start to `end_ms`, and a transcript with the words of the talk.
    pub(crate) fn plan(&self, end_ms: u64) {
        let scores = json!({"hook": 0.5, "flow": 0.5, "value": 0.5, "emotion": 0.5});
        let clip = json!({"clip_index": 0, "rank": 1, "start_ms": 0, "end_ms": end_ms, "title": "t", "summary": "s", "reason": "r",
            "virality_score": 0.5, "score_breakdown": scores});
        self.write(
            "plan.json",
            json!({"version": 1, "clips": [clip]}).to_string(),
        );
        self.write_transcript(&[tests::words()]);
    }

    /// Writes a transcript of sentences, each of these words.
    pub(crate) fn write_transcript(&self, sentences: &[Vec<Value>]) {
        let segment = |words: &Vec<Value>| {
            let text: Vec<_> = words
                .iter()
                .filter_map(|word| word["text"].as_str())
                .collect();
            json!({"start_ms": words[0]["start_ms"], "end_ms": words[words.len() - 1]["end_ms"], "text": text.join(" "), "words": words})
        };
        let segments: Vec<Value> = sentences.iter().map(segment).collect();
        let end_ms = segments.last().map(|last| last["end_ms"].clone());
        let transcript =
            json!({"version": 1, "language": "en", "duration_ms": end_ms, "segments": segments});
        self.write("transcript.json", transcript.to_string());
    }

    /// A call of the tool in this folder.
    pub(crate) fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = clipwright(args);
        command.current_dir(&self.0).env("TMPDIR", self.path("tmp"));
        command
    }

    /// `clip` with the default options is refused; gives the line that says why.
    pub(crate) fn refuses(&self, source: &str, code: ErrorCode) -> String {
        let mut command = self.command(["clip", "--out", "out", "--", source]);
        self.refused(&mut command, code)
    }

    /// A run that must end with one clear line and leave nothing behind; gives that line.
    pub(crate) fn refused(&self, command: &mut Command, code: ErrorCode) -> String {
        let before = self.files();
        self.refused_but(command, code, |left| assert_eq!(*left, before))
    }

    /// A run that must end with one clear line, and with what `check` makes of the files that are there then.
    pub(crate) fn refused_but(
        &self,
        command: &mut Command,
        code: ErrorCode,
        check: impl FnOnce(&BTreeSet<PathBuf>),
    ) -> String {
        let ran = Running::start(command).end();
        assert_eq!(ran.code, Some(exit_code(code)), "{ran:?}");
        assert_eq!(ran.stdout, "", "{ran:?}");
        let line = only_complaint(&ran);
        assert!(line.ends_with(&format!(" ({code})")), "{ran:?}");
        check(&self.files());
        self.assert_no_process();
        line
    }

    /// Every file and folder below, by its name from here.
    pub(crate) fn files(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path.clone());
                }
                let name = path.strip_prefix(self.0.path()).expect("it is below");
                found.insert(name.to_owned());
            }
        }
        found
    }

    /// No process that works on a file of this folder is left; a killed one may need a moment to go.
    pub(crate) fn assert_no_process(&self) {
        let gone = within(Duration::from_secs(3), || {
            processes_naming(self.0.path()).is_empty()
        });
        assert!(gone, "{:?}", processes_naming(self.0.path()));
    }

    /// Waits until a child process works on a file of this folder.
    pub(crate) fn wait_for_process(&self) {
        let come = within(PATIENCE, || !processes_naming(self.0.path()).is_empty());
        assert!(come, "no process began");
    }
}

/// A run under way; it is killed if it takes too long or the test fails.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Mutex<Vec<String>>,
    begun: Instant,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let stderr = child.stderr.take().expect("it is piped");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // nobody listens any more after a failed test
                let _ = sender.send(line);
            }
        });
        Self {
            child,
            lines,
            seen: Mutex::default(),
            begun: Instant::now(),
        }
    }

    /// Waits for a line of standard error with this text.
    pub(crate) fn wait_for(&self, text: &str) {
        let mut seen = self.seen.lock().expect("it is not poisoned");
        while !seen.last().is_some_and(|line| line.contains(text)) {
            let left = PATIENCE.saturating_sub(self.begun.elapsed());
            let Ok(next) = self.lines.recv_timeout(left) else {
                panic!("no \"{text}\" in {seen:?}");
            };
            seen.push(next);
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = Pid::from_child(&self.child);
        kill_process(id, signal).expect("it is at work");
    }

    /// Waits for the end; gives also the most memory in bytes that a program of the tool had which worked on a file of the folder.
    pub(crate) fn end_with_peak(self, trial: &Trial) -> (Ran, u64) {
        let mut peak = 0;
        let ran = self.end_seeing(|| peak = peak.max(most_resident_bytes(trial.0.path())));
        (ran, peak)
    }

    /// Waits for the end.
    pub(crate) fn end(self) -> Ran {
        self.end_seeing(|| {})
    }

    fn end_seeing(mut self, mut see: impl FnMut()) -> Ran {
        let ended = within(PATIENCE, || {
            see();
            self.child
                .try_wait()
                .expect("it can be waited for")
                .is_some()
        });
        assert!(ended, "it does not end: {:?}", self.seen);
        let status = self.child.wait().expect("it has ended");
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("it is piped");
        pipe.read_to_string(&mut stdout).expect("text");
        let mut seen = std::mem::take(&mut *self.seen.lock().expect("it is not poisoned"));
        seen.extend(self.lines.iter());
        Ran {
            code: status.code(),
            stdout,
            stderr: seen.join("\n"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // it has mostly ended by itself
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The one line that is no progress.
pub(crate) fn only_complaint(ran: &Ran) -> String {
    let others: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| !is_progress(line))
        .collect();
    assert!(
        others.len() == 1 && others[0].starts_with("error: ") && ran.complaint() == others[0],
        "not one clear line: {ran:?}"
    );
    others[0].to_owned()
}

/// ` 12% Downloading video...`
fn is_progress(line: &str) -> bool {
    let percent = line.trim_start().split_once("% ").map(|(number, _)| number);
    percent.is_some_and(|number| number.parse::<u8>().is_ok())
}

fn exit_code(code: ErrorCode) -> i32 {
    if code.is_source_fault() { 3 } else { 1 }
}

/// Whether something comes true within a time.
pub(crate) fn within(time: Duration, mut come_true: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + time;
    while !come_true() {
        if Instant::now() > until {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}

/// A talk of 11 s that several tests read, made once.
pub(crate) fn talk() -> &'static Path {
    static TALK: std::sync::LazyLock<PathBuf> = std::sync::LazyLock::new(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile-talk.mp4");
        tests::Talk::default().make(&path);
        path
    });
    &TALK
}
