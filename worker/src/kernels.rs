//! Which matrix kernels the speech library computes with.

use std::{io, os::unix::process::CommandExt, process::Command};

/// The speech library reads this while it is loaded, before `main`.
const CHOICE: &str = "CT2_USE_MKL";

/// Has the speech library use oneDNN on every processor, unless the environment chooses otherwise.
///
/// On Intel it would take MKL, whose 8-bit product divides by zero on virtual processors that hide some of their
/// instructions (seen under Firecracker, which Fargate runs on, on an Emerald Rapids without AMX). Since the library has
/// been loaded by now, the program is replaced by itself in an environment with the choice; where that fails it goes on as it is.
pub(crate) fn avoid_mkl() {
    #[expect(
        clippy::disallowed_methods,
        reason = "decided before anything else is read"
    )]
    if std::env::var_os(CHOICE).is_some() {
        return;
    }
    let Err(why) = run_again();
    tracing::debug!(%why, "the program cannot be started again; the speech library chooses its kernels");
}

/// Replaces the running program by itself, with the same arguments; comes back only if that fails.
fn run_again() -> Result<std::convert::Infallible, io::Error> {
    let mut arguments = std::env::args_os();
    let mut program = Command::new(std::env::current_exe()?);
    if let Some(name) = arguments.next() {
        program.arg0(name);
    }
    Err(program.args(arguments).env(CHOICE, "0").exec())
}
