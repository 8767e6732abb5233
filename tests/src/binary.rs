//! The real `clipwright`, built once and run as a user would.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

static BINARY: LazyLock<PathBuf> = LazyLock::new(|| built_already().unwrap_or_else(build));

/// The one that `make test` has built.
#[expect(
    clippy::disallowed_methods,
    reason = "how `make test` says where it is"
)]
fn built_already() -> Option<PathBuf> {
    std::env::var_os("CLIPWRIGHT_WORKER").map(PathBuf::from)
}

fn build() -> PathBuf {
    let built = escargot::CargoBuild::new()
        .package("worker")
        .bin("clipwright")
        .run();
    built.expect("clipwright builds").path().to_owned()
}

/// The folder of `make setup`.
///
/// # Panics
/// When nothing is set up.
pub fn home() -> PathBuf {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/clipwright");
    home.canonicalize().expect("run `make setup` first")
}

/// A call of the tool.
///
/// # Panics
/// When it cannot be built, or nothing is set up.
pub fn clipwright(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(&*BINARY);
    command.args(args).env("CLIPWRIGHT_HOME", home());
    command
}

/// How a call ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote on standard output.
    pub stdout: String,
    /// What it wrote on standard error.
    pub stderr: String,
}

impl Ran {
    /// Runs a command to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn of(command: &mut Command) -> Self {
        command.output().expect("the command starts").into()
    }

    /// The last line of standard error, where the tool says what went wrong.
    pub fn complaint(&self) -> &str {
        self.stderr.lines().last().unwrap_or("")
    }

    /// Standard output as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|why| panic!("no JSON ({why}): {self:?}"))
    }

    /// Checks that it went well and gives itself back.
    ///
    /// # Panics
    /// When it did not.
    #[must_use]
    pub fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}
