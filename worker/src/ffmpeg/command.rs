//! How the ffmpeg programs are called: what every call has in common, and how one is run to its end.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::Stdio,
    time::Duration,
};

use domain::{
    ErrorCode, Failure, Stage,
    limits::{CHILD_MEMORY_BYTES, MAX_PROGRAM_OUTPUT_BYTES, MAX_STDERR_BYTES},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::Command,
};

use super::output::Output;
use crate::children::{Group, Timer};

/// Containers that hold media themselves. Lists such as HLS, DASH or ffconcat are not among them: they make ffmpeg open other files.
const CONTAINERS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,m4v,h264,hevc,ivf,obu,avi,flv,asf,mxf,\
     ogg,wav,w64,aiff,caf,mp3,aac,ac3,eac3,flac,wv,amr";

/// A word for the input of a call with a graph: the graph stays the same where a picture changes its size, or its time would begin anew.
pub(crate) const STEADY: &str = "-reinit_filter:v 0";

/// Arguments of one call.
#[derive(Debug, Default, Clone)]
pub(crate) struct Arguments(Vec<OsString>);

impl Arguments {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds each word of a fixed text.
    pub(crate) fn words(mut self, text: &str) -> Self {
        self.0
            .extend(text.split_ascii_whitespace().map(OsString::from));
        self
    }

    /// Adds one argument as it is.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.0.push(arg.as_ref().to_owned());
        self
    }

    /// Adds a media file to read, held to local files and to containers that name no other files.
    pub(crate) fn input(self, path: &Path, max_pixels: u64) -> Self {
        self.words(&format!(
            "-protocol_whitelist file -format_whitelist {CONTAINERS} -max_pixels {max_pixels} -i"
        ))
        .arg(file_url(path))
    }

    /// Adds a filter graph that is in a file: with many cuts it is longer than an argument may be.
    pub(crate) fn graph_file(self, name: &str) -> Self {
        self.arg("-/filter_complex").arg(name)
    }

    pub(crate) fn as_slice(&self) -> &[OsString] {
        &self.0
    }
}

/// A path that ffmpeg takes for nothing else, whatever characters it begins with or has inside.
pub(crate) fn file_url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

/// A program of ours with a clean environment.
fn program(path: &Path, args: &Arguments) -> Command {
    let mut command = Command::new(path);
    command
        .args(args.as_slice())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8")
        // a static ffmpeg that converts text would load the system's own converters and crash on them
        .env("GCONV_PATH", "/nonexistent")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("{program} cannot be started: {why}")]
    Start {
        program: String,
        why: std::io::Error,
    },
    #[error("{}", reason(.stderr).unwrap_or("it failed without a reason"))]
    Failed { stderr: String },
    #[error("it was not done after {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error("it says more than {MAX_PROGRAM_OUTPUT_BYTES} bytes of the file")]
    TooMuch,
    #[error("cannot read what the program writes: {0}")]
    Pipe(std::io::Error),
}

impl From<std::io::Error> for CallError {
    /// An [`Output`] gives the end of a program that failed as an error of reading.
    fn from(why: std::io::Error) -> Self {
        why.downcast().unwrap_or_else(Self::Pipe)
    }
}

/// What the programs say when they get no more memory.
const OUT_OF_MEMORY: [&str; 3] = ["allocate memory", "malloc of size", "bad_alloc"];

impl CallError {
    /// What the program said, if it ran.
    pub(crate) fn stderr(&self) -> &str {
        if let Self::Failed { stderr } = self {
            stderr
        } else {
            ""
        }
    }

    /// The failure of a program that came to one of its limits, which only a source drives it to.
    pub(crate) fn at_limit(&self, stage: Stage) -> Option<Failure> {
        let is_out_of_memory = |sign| self.stderr().contains(sign);
        if OUT_OF_MEMORY.into_iter().any(is_out_of_memory) {
            let message = "the source takes more memory to decode than there is for it";
            return Some(Failure::input(stage, ErrorCode::SourceTooLarge, message));
        }
        if matches!(self, Self::TooMuch) {
            let message =
                "the source has more to say of itself than is read, such as a title of megabytes";
            return Some(Failure::input(stage, ErrorCode::SourceTooLarge, message));
        }
        let Self::TimedOut(time) = self else {
            return None;
        };
        let message = format!("the source was not decoded within {} s", time.as_secs());
        // a machine under load may have been too slow
        Some(Failure::transient(stage, ErrorCode::TimedOut, message))
    }
}

/// The last line that says why; ffmpeg ends with one that only says that it failed.
fn reason(stderr: &str) -> Option<&str> {
    stderr
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty() && *line != "Conversion failed!")
}

/// Starts a program that has `time` to come to its end, and reads its standard error beside it.
pub(crate) fn start(
    path: &Path,
    args: &Arguments,
    folder: Option<&Path>,
    time: Duration,
) -> Result<Output, CallError> {
    let mut command = program(path, args);
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    tracing::debug!(program = %path.display(), args = ?args.as_slice(), "start");
    let started = Group::start(&mut command, CHILD_MEMORY_BYTES);
    let mut child = started.map_err(|why| CallError::Start {
        program: path.display().to_string(),
        why,
    })?;
    let no_output = || std::io::Error::other("the program has no output");
    let stdout = child.stdout.take().ok_or_else(no_output)?;
    let stderr = child.stderr.take().map(|pipe| tokio::spawn(tail(pipe)));
    let timer = child.end_after(time);
    let running = Running {
        child,
        stderr,
        timer,
    };
    Ok(Output::new(stdout, running))
}

/// A program at work; dropping it kills it.
#[derive(Debug)]
pub(super) struct Running {
    child: Group,
    stderr: Option<tokio::task::JoinHandle<String>>,
    timer: Timer,
}

impl Running {
    /// Waits for the end and gives what it said on standard error.
    pub(super) async fn finish(mut self) -> Result<String, CallError> {
        let status = self.child.wait().await?;
        let stderr = match self.stderr.take() {
            Some(task) => task.await.unwrap_or_default(),
            None => String::new(),
        };
        if status.success() {
            Ok(stderr)
        } else if self.timer.has_passed() {
            Err(CallError::TimedOut(self.timer.time))
        } else {
            // a program that crashed says nothing; how it ended is all there is
            let stderr = if reason(&stderr).is_some() {
                stderr
            } else {
                status.to_string()
            };
            Err(CallError::Failed { stderr })
        }
    }
}

/// Runs a program to its end and gives its whole standard output, up to [`MAX_PROGRAM_OUTPUT_BYTES`], and standard error.
pub(crate) async fn run(
    path: &Path,
    args: &Arguments,
    time: Duration,
) -> Result<(Vec<u8>, String), CallError> {
    run_up_to(path, args, time, MAX_PROGRAM_OUTPUT_BYTES).await
}

/// The same with another limit on its output, in bytes.
pub(crate) async fn run_up_to(
    path: &Path,
    args: &Arguments,
    time: Duration,
    most_bytes: usize,
) -> Result<(Vec<u8>, String), CallError> {
    let mut output = start(path, args, None, time)?;
    let mut written = Vec::new();
    let most = most_bytes as u64 + 1;
    (&mut output).take(most).read_to_end(&mut written).await?;
    if written.len() > most_bytes {
        return Err(CallError::TooMuch);
    }
    Ok((written, output.finish().await?))
}

/// How much ffmpeg has written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) bytes: u64,
    /// Milliseconds of output.
    pub(crate) ms: u64,
}

/// Runs ffmpeg with `-progress pipe:1` in `args` and tells how much it has written.
pub(crate) async fn run_with_progress(
    path: &Path,
    args: &Arguments,
    folder: &Path,
    time: Duration,
    mut done: impl FnMut(Written),
) -> Result<String, CallError> {
    let mut output = start(path, args, Some(folder), time)?;
    let mut lines = BufReader::new(&mut output).lines();
    let mut written = Written::default();
    while let Some(line) = lines.next_line().await? {
        written.read(&line);
        if line.starts_with("progress=") {
            done(written);
        }
    }
    output.finish().await
}

impl Written {
    /// Takes in a line such as `out_time_us=1500000`; a report has several, and ends with `progress=`.
    fn read(&mut self, line: &str) {
        let number = |name| line.strip_prefix(name)?.trim().parse::<u64>().ok();
        if let Some(us) = number("out_time_us=") {
            self.ms = us / 1000;
        } else if let Some(bytes) = number("total_size=") {
            self.bytes = bytes;
        }
    }
}

/// Reads to the end and keeps the last [`MAX_STDERR_BYTES`] bytes.
pub(crate) async fn tail(mut pipe: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..read]);
        let excess = kept.len().saturating_sub(MAX_STDERR_BYTES);
        kept.drain(..excess);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(30);

    #[test]
    fn progress_lines_are_read_and_others_are_not() {
        let mut written = Written::default();
        for line in [
            "frame=12",
            "total_size=4096",
            "out_time_us=1500999",
            "total_size=N/A",
            "out_time_us=N/A",
        ] {
            written.read(line);
        }
        let (bytes, ms) = (4096, 1500);
        assert_eq!(written, Written { bytes, ms });
    }

    #[test]
    fn an_input_is_held_to_local_files_whatever_its_name() {
        let args = Arguments::new().input(Path::new("-a 'b\".mp4"), 9);
        let args: Vec<_> = args
            .as_slice()
            .iter()
            .map(|arg| arg.to_str().unwrap())
            .collect();
        assert_eq!(args[..2], ["-protocol_whitelist", "file"]);
        assert_eq!(args[args.len() - 2..], ["-i", "file:-a 'b\".mp4"]);
    }

    #[tokio::test]
    async fn only_the_end_of_a_long_standard_error_is_kept() {
        let said = tail(&vec![b'x'; 100_000][..]).await;
        assert_eq!(said.len(), MAX_STDERR_BYTES);
    }

    #[tokio::test]
    async fn what_a_program_says_stands_at_its_limit() {
        let says = |bytes: usize| {
            let script = format!("head -c {bytes} /dev/zero");
            let args = Arguments::new().arg("-c").arg(script);
            async move { run(Path::new("/bin/sh"), &args, TIME).await }
        };
        let (said, _) = says(MAX_PROGRAM_OUTPUT_BYTES).await.unwrap();
        assert_eq!(said.len(), MAX_PROGRAM_OUTPUT_BYTES);
        let why = says(MAX_PROGRAM_OUTPUT_BYTES + 1).await.unwrap_err();
        let failure = why.at_limit(Stage::Download).unwrap();
        assert_eq!(failure.code, ErrorCode::SourceTooLarge);
    }

    #[tokio::test]
    async fn a_failing_program_gives_its_last_line() {
        let args = Arguments::new()
            .arg("-c")
            .arg("echo one >&2; echo two >&2; exit 3");
        let why = run(Path::new("/bin/sh"), &args, TIME).await.unwrap_err();
        assert_eq!(why.to_string(), "two");
    }

    #[tokio::test]
    async fn a_program_at_a_limit_is_the_fault_of_its_source_or_of_the_time() {
        let shell = |script: &str| Arguments::new().arg("-c").arg(script);
        let little = Duration::from_millis(50);
        let hung = run(Path::new("/bin/sh"), &shell("sleep 60"), little).await;
        let hung = hung.unwrap_err().at_limit(Stage::Plan).unwrap();
        assert_eq!(
            (hung.code, hung.kind),
            (ErrorCode::TimedOut, domain::FailureKind::Transient)
        );
        let greedy = shell("echo '[h264] Cannot allocate memory' >&2; exit 1");
        let greedy = run(Path::new("/bin/sh"), &greedy, TIME).await.unwrap_err();
        let greedy = greedy.at_limit(Stage::Plan).unwrap();
        assert_eq!(
            (greedy.code, greedy.kind),
            (ErrorCode::SourceTooLarge, domain::FailureKind::Input)
        );
        let other = run(Path::new("/bin/sh"), &shell("exit 1"), TIME).await;
        assert_eq!(other.unwrap_err().at_limit(Stage::Plan), None);
    }

    #[tokio::test]
    async fn a_crash_is_named_by_its_signal() {
        let args = Arguments::new()
            .arg("-c")
            .arg("echo Conversion failed! >&2; kill -SEGV $$");
        let why = run(Path::new("/bin/sh"), &args, TIME).await.unwrap_err();
        assert!(why.to_string().contains("SIGSEGV"), "{why}");
    }
}
