//! Sets the rpath with which this crate's tests and examples find the speech library at run time.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-env-changed=CLIPWRIGHT_HOME");
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    #[expect(
        clippy::disallowed_methods,
        reason = "a build script has no other configuration"
    )]
    let home = env::var_os("CLIPWRIGHT_HOME").map_or_else(
        || workspace.join(".cache/clipwright"),
        |home| workspace.join(home),
    );
    println!(
        "cargo::rustc-link-arg=-Wl,-rpath,{}",
        home.join("lib").display()
    );
}
