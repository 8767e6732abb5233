//! Runs `yt-dlp`: its command line, its clean environment, and its end.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Stdio,
};

use domain::{
    Failure,
    limits::{MAX_SITE_METADATA_BYTES, SITE_CHILD_MEMORY_BYTES},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::Command,
};

use super::STAGE;
use crate::{children::Group, ffmpeg::command::tail};

/// Begins the lines that tell how far a download is.
const PROGRESS_MARK: &str = "clipwright-progress";

/// What every run needs.
#[derive(Debug)]
pub(super) struct YtDlp {
    /// The program.
    pub(super) program: PathBuf,
    /// The JavaScript runtime for sites that hide their addresses behind scripts.
    pub(super) deno: PathBuf,
    /// The guarded proxy, with its credential.
    pub(super) proxy: String,
    /// Where it may keep what it likes; removed afterwards.
    pub(super) home: PathBuf,
    /// A copy of the user's cookies: the program writes to that file.
    pub(super) cookies: Option<PathBuf>,
    /// Largest file in bytes.
    pub(super) max_bytes: u64,
}

/// How a run ended: what it wrote, as an error if it failed.
pub(super) type Ended = Result<Said, Said>;

/// What a run wrote.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

impl YtDlp {
    /// The options of every run: nothing of the user's settings, no code from elsewhere, one video, no ffmpeg (which
    /// would connect by itself), every connection through the proxy.
    fn arguments(&self) -> Vec<OsString> {
        let fixed = "--ignore-config --no-plugin-dirs --no-remote-components --no-exec --no-cache-dir --no-update \
                     --no-playlist --playlist-items 1 --no-mtime --restrict-filenames --fixup never --newline \
                     --no-js-runtimes --socket-timeout 20 --retries 5 --fragment-retries 5 --color never \
                     --ffmpeg-location /nonexistent";
        let mut all: Vec<OsString> = fixed.split_ascii_whitespace().map(OsString::from).collect();
        let mut add = |name: &str, value: &OsStr| all.extend([name.into(), value.to_owned()]);
        let mut deno = OsString::from("deno:");
        deno.push(&self.deno);
        add("--js-runtimes", &deno);
        add("--proxy", OsStr::new(&self.proxy));
        add("--max-filesize", OsStr::new(&self.max_bytes.to_string()));
        if let Some(cookies) = &self.cookies {
            add("--cookies", cookies.as_os_str());
        }
        all
    }

    /// Describes the page as JSON on standard output.
    pub(super) async fn describe(&self, url: &str) -> Result<Ended, Failure> {
        self.run(&["--dump-single-json", "--", url].map(OsStr::new), |_| {})
            .await
    }

    /// Downloads what `selection` picks of a page that was described in the file `info`.
    pub(super) async fn download(
        &self,
        info: &Path,
        selection: &[&str],
        output: &Path,
        progress: impl FnMut(f64),
    ) -> Result<Ended, Failure> {
        let template = format!(
            "download:{PROGRESS_MARK} %(progress.downloaded_bytes)s %(progress.total_bytes,progress.total_bytes_estimate)s"
        );
        let mut arguments = vec![
            OsStr::new("--load-info-json"),
            info.as_os_str(),
            OsStr::new("--output"),
            output.as_os_str(),
        ];
        arguments.extend(["--progress", "--progress-template", &template].map(OsStr::new));
        arguments.extend(selection.iter().map(OsStr::new));
        self.run(&arguments, progress).await
    }

    async fn run(
        &self,
        arguments: &[&OsStr],
        mut progress: impl FnMut(f64),
    ) -> Result<Ended, Failure> {
        let mut child = self.start(arguments)?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Failure::internal(STAGE, "yt-dlp has no output"));
        };
        let (stdout, stderr) = tokio::join!(read_output(stdout, &mut progress), tail(stderr));
        let status = child
            .wait()
            .await
            .map_err(|why| Failure::internal(STAGE, why))?;
        tracing::debug!(%status, stderr, "yt-dlp ended");
        let said = Said { stdout, stderr };
        Ok(if status.success() {
            Ok(said)
        } else {
            Err(said)
        })
    }

    fn start(&self, arguments: &[&OsStr]) -> Result<Group, Failure> {
        tracing::debug!(?arguments, "start yt-dlp");
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments())
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", &self.home)
            .env("TMPDIR", &self.home)
            .env("DENO_DIR", &self.home)
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Group::start(&mut command, SITE_CHILD_MEMORY_BYTES).map_err(|why| {
            Failure::setup(
                STAGE,
                format!("{} cannot be started: {why}", self.program.display()),
            )
        })
    }
}

/// Reads all lines, of which those with progress are told and the others kept, up to [`MAX_SITE_METADATA_BYTES`].
async fn read_output(stdout: impl AsyncRead + Unpin, progress: &mut impl FnMut(f64)) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut reader = BufReader::new(stdout.take(MAX_SITE_METADATA_BYTES));
    let mut line = Vec::new();
    while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
        match str::from_utf8(&line).ok().and_then(fraction) {
            Some(fraction) => progress(fraction),
            None => kept.extend_from_slice(&line),
        }
        line.clear();
    }
    kept
}

/// `clipwright-progress 50 200` is 0.25.
fn fraction(line: &str) -> Option<f64> {
    let mut numbers = line
        .trim()
        .strip_prefix(PROGRESS_MARK)?
        .split_ascii_whitespace();
    let mut next = || numbers.next().and_then(|number| number.parse::<f64>().ok());
    let (done, total) = (next(), next());
    Some(
        done.zip(total)
            .map_or(0.0, |(done, total)| (done / total.max(1.0)).min(1.0)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_lines_are_read_and_others_are_not() {
        assert_eq!(fraction("clipwright-progress 50 200\n"), Some(0.25));
        assert_eq!(fraction("clipwright-progress 50 NA"), Some(0.0));
        assert_eq!(fraction("clipwright-progress 9 3"), Some(1.0));
        assert_eq!(fraction("{\"title\": 1}"), None);
    }

    #[tokio::test]
    async fn a_description_stands_at_its_limit() {
        let endless = tokio::io::repeat(b'x').take(MAX_SITE_METADATA_BYTES + 1);
        let read = read_output(endless, &mut |_| {}).await;
        assert_eq!(read.len() as u64, MAX_SITE_METADATA_BYTES);
    }

    #[test]
    fn the_command_line_holds_it_to_the_proxy_and_to_nothing_of_the_user() {
        let ytdlp = YtDlp {
            program: "yt-dlp".into(),
            deno: "/home/bin/deno".into(),
            proxy: "http://u:p@127.0.0.1:9".into(),
            home: "/tmp".into(),
            cookies: Some("/tmp/cookies.txt".into()),
            max_bytes: 7,
        };
        let line = ytdlp
            .arguments()
            .join(OsStr::new(" "))
            .into_string()
            .unwrap();
        insta::assert_snapshot!(line, @"--ignore-config --no-plugin-dirs --no-remote-components --no-exec --no-cache-dir --no-update --no-playlist --playlist-items 1 --no-mtime --restrict-filenames --fixup never --newline --no-js-runtimes --socket-timeout 20 --retries 5 --fragment-retries 5 --color never --ffmpeg-location /nonexistent --js-runtimes deno:/home/bin/deno --proxy http://u:p@127.0.0.1:9 --max-filesize 7 --cookies /tmp/cookies.txt");
    }
}
