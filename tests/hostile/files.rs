//! Files that are no talk.

use tests::{Ran, clipwright, processes_naming};

#[test]
fn a_file_that_is_not_there_is_said_to_be_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = Ran::of(clipwright(["clip", "nothing.mp4", "--out", "out"]).current_dir(&folder));
    assert_eq!(ran.code, Some(3));
    assert!(
        ran.complaint().contains("no such file")
            && ran.complaint().ends_with("(source_unavailable)"),
        "{ran:?}"
    );
    assert!(!folder.path().join("out").exists());
    assert_eq!(processes_naming(folder.path()), Vec::<String>::new());
}
