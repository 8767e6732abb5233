//! The limits as documents show them: the table of `docs/limits.md` and the numbers of `README.md` are those of the code.

use std::{collections::BTreeSet, env, fs};

use domain::limits::{self, Limit, MAX_CLIP_SECONDS, MAX_CLIPS, MIN_CLIP_SECONDS, MIN_CLIPS};

use crate::{root, tests};

/// Set, the table is written anew instead of compared.
const REWRITE: &str = "CLIPWRIGHT_REWRITE";

const HEAD: &str = "# Limits

Every bound on what comes from outside, what it is counted in, why it is that, and the test that stands at it. Made from
`crates/domain/src/limits.rs`: after a change there, `CLIPWRIGHT_REWRITE=1 cargo test -p tests --test promises` writes it anew. What an operator
sets for a deployment (jobs under way, size of an upload, credits) is in the parameters of `template.yaml`.

| what | at most or at least | in | because | shown by |
| --- | ---: | --- | --- | --- |
";

/// The document as it has to be.
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

/// A number with a comma between each three of its digits.
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
#[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
fn the_table_of_limits_is_that_of_the_code() {
    assert_eq!(
        [7, 1_000, 12_345_678].map(grouped),
        ["7", "1,000", "12,345,678"]
    );
    let file = root().join("docs/limits.md");
    if env::var_os(REWRITE).is_some() {
        fs::write(&file, table()).expect("it is written");
    }
    let there = fs::read_to_string(&file).expect("the table is there");
    assert!(
        there == table(),
        "docs/limits.md is not of this code: {REWRITE}=1 writes it anew"
    );
}

#[test]
fn the_numbers_of_the_readme_are_those_of_the_code() {
    let readme = fs::read_to_string(root().join("README.md")).expect("it is there");
    for said in [
        format!("| `--clips N` | how many clips, {MIN_CLIPS} to {MAX_CLIPS} |"),
        format!("their length, {MIN_CLIP_SECONDS} to {MAX_CLIP_SECONDS} |"),
        "(docs/limits.md)".to_owned(),
    ] {
        assert!(readme.contains(&said), "README does not say: {said}");
    }
}

#[test]
fn no_limit_is_there_twice_and_each_names_a_test_that_exists() {
    let tests = tests();
    let names: BTreeSet<&str> = tests
        .iter()
        .filter_map(|test| test.rsplit("::").next())
        .collect();
    let mut known = BTreeSet::new();
    for limit in limits::ALL {
        let Limit { name, test, .. } = limit;
        assert!(names.contains(test), "{name}: {test} does not exist");
        assert!(known.insert(limit.what), "{name} says what another says");
    }
}
