//! Documented limits: the table in `docs/limits.md` and the numbers in `README.md` match the code.

use std::{collections::BTreeSet, env, fs};

use domain::limits::{self, Limit, MAX_CLIP_SECONDS, MAX_CLIPS, MIN_CLIP_SECONDS, MIN_CLIPS};

use crate::{root, tests};

/// If this variable is set, the table is rewritten instead of compared.
const REWRITE: &str = "CLIPWRIGHT_REWRITE";

const HEAD: &str = "# Limits

Every limit on outside input, with its unit, the reason for it, and the test at the limit. Generated from
`crates/domain/src/limits.rs`: after a change there, `CLIPWRIGHT_REWRITE=1 cargo test -p tests --test promises` rewrites it. The limits of
a deployment (active jobs, size of an upload, credits) are parameters of `template.yaml`.

| limit | value | unit | reason | test |
| --- | ---: | --- | --- | --- |
";

/// Renders the expected document.
fn table() -> String {
    let row = |limit: &Limit| {
        let Limit {
            what,
            unit,
            reason,
            test,
            ..
        } = limit;
        format!(
            "| {what} | {} | {unit} | {reason} | `{test}` |\n",
            grouped(limit.value)
        )
    };
    HEAD.to_owned() + &limits::ALL.iter().map(row).collect::<String>()
}

/// Formats a number with thousands separators.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits"))
        .collect();
    groups.join(",")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of this test only")]
fn the_table_of_limits_matches_the_code() {
    assert_eq!(
        [7, 1_000, 12_345_678].map(grouped),
        ["7", "1,000", "12,345,678"]
    );
    let file = root().join("docs/limits.md");
    if env::var_os(REWRITE).is_some() {
        fs::write(&file, table()).expect("docs/limits.md is writable");
    }
    let existing = fs::read_to_string(&file).expect("docs/limits.md exists");
    assert!(
        existing == table(),
        "docs/limits.md is out of date: {REWRITE}=1 rewrites it"
    );
}

#[test]
fn the_numbers_in_the_readme_match_the_code() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md exists");
    for text in [
        format!("| `--clips N` | how many clips, {MIN_CLIPS} to {MAX_CLIPS} |"),
        format!("their length, {MIN_CLIP_SECONDS} to {MAX_CLIP_SECONDS} |"),
        "(docs/limits.md)".to_owned(),
    ] {
        assert!(readme.contains(&text), "README.md does not contain: {text}");
    }
}

#[test]
fn limits_are_unique_and_name_existing_tests() {
    let tests = tests();
    let names: BTreeSet<&str> = tests
        .iter()
        .filter_map(|test| test.rsplit("::").next())
        .collect();
    let mut known = BTreeSet::new();
    for limit in limits::ALL {
        let Limit { name, test, .. } = limit;
        assert!(names.contains(test), "{name}: {test} does not exist");
        assert!(
            known.insert(limit.what),
            "{name} has the description of another limit"
        );
    }
}
