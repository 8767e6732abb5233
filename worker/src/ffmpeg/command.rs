//! How the ffmpeg programs are called: what every call has in common, and how one is run to its end.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::Stdio,
};

use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, Command},
};

/// Containers that hold media themselves. Lists such as HLS, DASH or ffconcat are not among them: they make ffmpeg open other files.
const CONTAINERS: &str =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,asf,ogg,wav,mp3,aac,flac,mxf";

/// For sound, which has none, and for clips that we made; the limit is for pictures that are not known yet.
pub(crate) const NO_PIXEL_LIMIT: u64 = (u32::MAX >> 1) as u64;

/// How much of what a program says on standard error is kept, in bytes.
const STDERR_KEPT: u64 = 16 * 1024;

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

/// A program of ours with a clean environment, in its own process group, that dies with its handle.
pub(crate) fn program(path: &Path, args: &Arguments) -> Command {
    let mut command = Command::new(path);
    command
        .args(args.as_slice())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8")
        // a static ffmpeg that converts text would load the system's own converters and crash on them
        .env("GCONV_PATH", "/nonexistent")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    end_with_us(&mut command);
    command
}

/// Makes a program end when this one is killed, which leaves it no time to end anything itself.
///
/// The system looks at the thread that starts the program; those of the runtime last as long as it does.
#[expect(
    unsafe_code,
    reason = "what runs between fork and exec must not touch memory that other threads may hold locks on"
)]
pub(crate) fn end_with_us(command: &mut Command) {
    let ask = || Ok(set_parent_process_death_signal(Some(Signal::KILL))?);
    // SAFETY: a single system call, which allocates nothing and takes no lock
    unsafe { command.pre_exec(ask) };
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
    #[error("cannot read what the program writes: {0}")]
    Pipe(#[from] std::io::Error),
}

impl CallError {
    /// What the program said, if it ran.
    pub(crate) fn stderr(&self) -> &str {
        if let Self::Failed { stderr } = self {
            stderr
        } else {
            ""
        }
    }
}

/// The last line that says why; ffmpeg ends with one that only says that it failed.
fn reason(stderr: &str) -> Option<&str> {
    stderr
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty() && *line != "Conversion failed!")
}

/// Starts a program and reads its standard error beside it.
pub(crate) fn start(
    path: &Path,
    args: &Arguments,
    stdout: Stdio,
    folder: Option<&Path>,
) -> Result<Running, CallError> {
    let mut command = program(path, args);
    command.stdout(stdout);
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    tracing::debug!(program = %path.display(), args = ?args.as_slice(), "start");
    let mut child = command.spawn().map_err(|why| CallError::Start {
        program: path.display().to_string(),
        why,
    })?;
    let stderr = child.stderr.take().map(|pipe| tokio::spawn(tail(pipe)));
    Ok(Running { child, stderr })
}

/// A program at work; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    stderr: Option<tokio::task::JoinHandle<String>>,
}

impl Running {
    /// Waits for the end and gives what it said on standard error.
    pub(crate) async fn finish(mut self) -> Result<String, CallError> {
        let status = self.child.wait().await?;
        let stderr = match self.stderr.take() {
            Some(task) => task.await.unwrap_or_default(),
            None => String::new(),
        };
        if status.success() {
            Ok(stderr)
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

/// Runs a program to its end and gives its whole standard output and standard error.
pub(crate) async fn run(path: &Path, args: &Arguments) -> Result<(Vec<u8>, String), CallError> {
    let mut running = start(path, args, Stdio::piped(), None)?;
    let mut output = Vec::new();
    if let Some(mut stdout) = running.child.stdout.take() {
        stdout.read_to_end(&mut output).await?;
    }
    Ok((output, running.finish().await?))
}

/// Runs ffmpeg with `-progress pipe:1` in `args` and tells how much it has written, in milliseconds of output.
pub(crate) async fn run_with_progress(
    path: &Path,
    args: &Arguments,
    folder: &Path,
    mut done_ms: impl FnMut(u64),
) -> Result<String, CallError> {
    let mut running = start(path, args, Stdio::piped(), Some(folder))?;
    if let Some(stdout) = running.child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(ms) = progress_ms(&line) {
                done_ms(ms);
            }
        }
    }
    running.finish().await
}

/// `out_time_us=1500000` says that 1,500 ms are written.
fn progress_ms(line: &str) -> Option<u64> {
    line.strip_prefix("out_time_us=")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|us| us / 1000)
}

/// Reads to the end and keeps the last [`STDERR_KEPT`] bytes.
async fn tail(mut pipe: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..read]);
        let excess = kept.len().saturating_sub(STDERR_KEPT as usize);
        kept.drain(..excess);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_lines_are_read_and_others_are_not() {
        assert_eq!(progress_ms("out_time_us=1500999"), Some(1500));
        assert_eq!(progress_ms("out_time_us=N/A"), None);
        assert_eq!(progress_ms("frame=12"), None);
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
        assert_eq!(said.len(), STDERR_KEPT as usize);
    }

    #[tokio::test]
    async fn a_failing_program_gives_its_last_line() {
        let args = Arguments::new()
            .arg("-c")
            .arg("echo one >&2; echo two >&2; exit 3");
        let why = run(Path::new("/bin/sh"), &args).await.unwrap_err();
        assert_eq!(why.to_string(), "two");
    }

    #[tokio::test]
    async fn a_crash_is_named_by_its_signal() {
        let args = Arguments::new()
            .arg("-c")
            .arg("echo Conversion failed! >&2; kill -SEGV $$");
        let why = run(Path::new("/bin/sh"), &args).await.unwrap_err();
        assert!(why.to_string().contains("SIGSEGV"), "{why}");
    }
}
