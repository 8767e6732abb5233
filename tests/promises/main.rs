//! Every promise has a test, and so has every limit: `README.md` beside this file and `domain::limits` name tests that exist.

mod limits;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The test functions of the repository, as `path/of/file.rs::name_of_function`.
fn tests() -> BTreeSet<String> {
    let root = root();
    let mut tests = BTreeSet::new();
    for folder in ["crates", "functions", "infra", "tests", "worker"] {
        for file in files_below(&root.join(folder)) {
            let text = fs::read_to_string(&file).expect("source files are text");
            let path = file.strip_prefix(&root).expect("it lies below the root");
            let found = match file.extension().and_then(|extension| extension.to_str()) {
                Some("rs") => names(&text, "fn ", is_rust_test),
                _ => names(&text, "def test_", |_| true),
            };
            tests.extend(
                found
                    .into_iter()
                    .map(|name| format!("{}::{name}", path.display())),
            );
        }
    }
    tests
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the repository is there")
}

/// The Rust and Python sources below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of the repository");
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(files_below(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "rs" || extension == "py")
        {
            files.push(path);
        }
    }
    files
}

/// Names of functions that begin with `keyword` and fulfil a condition on the lines before them.
fn names(text: &str, keyword: &str, is_test: impl Fn(&[&str]) -> bool) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut names = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Some(rest) = line
            .strip_prefix("async ")
            .unwrap_or(line)
            .strip_prefix(keyword)
        else {
            continue;
        };
        if !is_test(&lines[..number]) {
            continue;
        }
        let prefix = keyword.rsplit(' ').next().unwrap_or_default();
        let name = rest.split('(').next().unwrap_or_default();
        names.push(format!("{prefix}{name}"));
    }
    names
}

/// Whether the attributes right before a function make it a test.
fn is_rust_test(before: &[&str]) -> bool {
    before
        .iter()
        .rev()
        .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
        .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

/// The rows of the table: what is promised, and the tests that are named for it.
fn promises() -> Vec<(String, Vec<String>)> {
    let text = include_str!("README.md");
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .filter(|row| {
            !row.starts_with("promise |") && !row.starts_with("trap |") && !row.starts_with("---")
        });
    rows.map(|row| {
        let (promise, shown_by) = row.rsplit_once(" | ").unwrap_or((row, ""));
        let named = shown_by
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        (promise.to_owned(), named)
    })
    .collect()
}

#[test]
fn every_promise_names_tests_that_exist() {
    let tests = tests();
    let promises = promises();
    assert!(
        promises.len() > 90,
        "the table was read: {}",
        promises.len()
    );
    for (promise, named) in promises {
        assert!(!named.is_empty(), "no test shows this: {promise}");
        for test in named {
            assert!(tests.contains(&test), "{test} does not exist: {promise}");
        }
    }
}
