//! Files that are no video, or only a part of one.

use domain::ErrorCode::{SourceTooLarge, SourceUnavailable, SourceUnsupported};

use crate::trial::{Trial, talk};

#[test]
fn a_file_that_is_not_there() {
    let trial = Trial::new();
    let line = trial.refuses("nothing.mp4", SourceUnavailable);
    assert!(line.contains("nothing.mp4: no such file"), "{line}");
    trial.refuses("no/such/folder/talk.mp4", SourceUnavailable);
    trial.refuses("ftp://example.com/talk.mp4", SourceUnsupported);
}

#[test]
fn an_empty_file_and_a_folder() {
    let trial = Trial::new();
    trial.write("empty.mp4", "");
    let line = trial.refuses("empty.mp4", SourceUnsupported);
    assert!(line.contains("empty"), "{line}");
    let line = trial.refuses("tmp", SourceUnsupported);
    assert!(line.contains("not a file"), "{line}");
}

#[test]
fn text_and_noise_by_the_name_of_a_video() {
    let trial = Trial::new();
    trial.write("text.mp4", "This is not a video.\n".repeat(500));
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    trial.write("noise.mp4", noise);
    for name in ["text.mp4", "noise.mp4"] {
        let line = trial.refuses(name, SourceUnsupported);
        assert!(line.contains("not a video in a supported format"), "{line}");
    }
}

#[test]
fn a_file_without_its_end_where_its_index_is() {
    let trial = Trial::new();
    let whole = std::fs::read(talk()).expect("a talk");
    trial.write("talk.mp4", &whole[..whole.len() / 2]);
    let line = trial.refuses("talk.mp4", SourceUnsupported);
    assert!(line.contains("truncated"), "{line}");
}

#[test]
fn a_file_whose_index_promises_more_than_there_is() {
    let trial = Trial::new();
    let source = talk().display();
    trial.make(
        "whole.mp4",
        &format!("-i {source} -c copy -movflags +faststart"),
    );
    let whole = std::fs::read(trial.path("whole.mp4")).expect("a talk");
    trial.write("talk.mp4", &whole[..whole.len() / 2]);
    let line = trial.refuses("talk.mp4", SourceUnsupported);
    assert!(
        line.contains("truncated") && line.contains("breaks off"),
        "{line}"
    );
}

#[test]
fn a_file_larger_than_the_limit() {
    let trial = Trial::new();
    trial.write("talk.mp4", vec![0; 2000]);
    let args = ["clip", "talk.mp4", "--out", "out", "--max-bytes", "1999"];
    trial.refused(&mut trial.command(args), SourceTooLarge);
}
