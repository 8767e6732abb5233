//! Lets the binary find the speech library: beside an installed binary, or in the cache of `make setup`.

use std::path::Path;

fn main() {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/clipwright/lib");
    println!(
        "cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib:{}",
        cache.display()
    );
    println!("cargo::rerun-if-changed=build.rs");
}
