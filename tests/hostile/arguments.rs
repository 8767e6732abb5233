//! Wrong usage, and files of a person's own hand that do not fit.

use domain::ErrorCode::{Internal, NoClips, SourceUnavailable, SourceUnsupported};
use tests::Ran;

use crate::trial::{Trial, talk};

/// A transcript of one sentence from second 1 to 3.
const TRANSCRIPT: &str = r#"{"version": 1, "language": "en", "duration_ms": 11000, "segments": [{"start_ms": 1000, "end_ms": 3000, "text": "Hello there.",
    "words": [{"text": "Hello", "start_ms": 1000, "end_ms": 2000, "confidence": 0.9}, {"text": "there.", "start_ms": 2000, "end_ms": 3000, "confidence": 0.9}]}]}"#;

fn plan(start_ms: u64, end_ms: u64) -> String {
    format!(
        r#"{{"version": 1, "clips": [{{"clip_index": 0, "rank": 1, "start_ms": {start_ms}, "end_ms": {end_ms}, "title": "t", "summary": "s", "reason": "r",
        "virality_score": 0.5, "score_breakdown": {{"hook": 0.5, "flow": 0.5, "value": 0.5, "emotion": 0.5}}}}]}}"#
    )
}

#[test]
fn options_outside_their_limits() {
    let trial = Trial::new();
    let before = trial.files();
    let wrong = [
        "--clips 0",
        "--clips 31",
        "--clips many",
        "--min-clip-seconds 4",
        "--max-clip-seconds 181",
        "--min-clip-seconds 30 --max-clip-seconds 20",
        "--aspect-ratio 2:1",
        "--layout spiral",
        "--captions sparkle",
        "--start-seconds=-1",
        "--start-seconds NaN",
        "--end-seconds inf",
        "--start-seconds 9 --end-seconds 9",
        "--max-bytes -1",
        "--planner-url http://127.0.0.1:1",
        "--no-such-option",
    ];
    for options in wrong {
        let args = ["clip", "talk.mp4", "--out", "out"]
            .into_iter()
            .chain(options.split(' '));
        let ran = Ran::of(&mut trial.command(args));
        assert_eq!(ran.code, Some(2), "{options}: {ran:?}");
        assert!(ran.stderr.starts_with("error: "), "{options}: {ran:?}");
    }
    for args in [
        vec![],
        vec!["clip", "talk.mp4"],
        vec!["clip", "--out", "out"],
        vec!["swim"],
    ] {
        assert_eq!(Ran::of(&mut trial.command(&args)).code, Some(2), "{args:?}");
    }
    assert_eq!(trial.files(), before);
}

#[test]
fn a_part_that_begins_after_the_end() {
    let trial = Trial::new();
    let source = talk().to_str().expect("a plain path");
    let args = ["clip", source, "--out", "out", "--start-seconds", "100"];
    let line = trial.refused(&mut trial.command(args), NoClips);
    assert!(line.contains("ends at 11"), "{line}");
}

#[test]
fn transcripts_that_do_not_fit() {
    let trial = Trial::new();
    let line = trial.refused(
        &mut trial.command(["plan", "none.json", "-o", "plan.json"]),
        SourceUnavailable,
    );
    assert!(line.contains("none.json: no such file"), "{line}");
    let broken = [
        "",
        "{",
        "[]",
        "{\"version\": 1}",
        "\u{0}\u{1}",
        &TRANSCRIPT.replace("\"version\": 1", "\"version\": 9"),
        &TRANSCRIPT.replace("\"end_ms\": 3000, \"text\"", "\"end_ms\": 500, \"text\""),
        &TRANSCRIPT.replace("0.9", "\"high\""),
    ];
    for text in broken {
        trial.write("transcript.json", text);
        let line = trial.refused(
            &mut trial.command(["plan", "transcript.json", "-o", "plan.json"]),
            SourceUnsupported,
        );
        assert!(line.contains("transcript.json"), "{line}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_told_before_the_work() {
    let trial = Trial::new();
    trial.write("transcript.json", TRANSCRIPT);
    let source = talk().to_str().expect("a plain path");
    for args in [
        ["transcribe", source, "-o", "none/out.json"],
        ["plan", "transcript.json", "-o", "none/out.json"],
    ] {
        let line = trial.refused(&mut trial.command(args), Internal);
        assert!(line.contains("none/out.json: "), "{line}");
    }
}

#[test]
fn plans_that_do_not_fit() {
    let trial = Trial::new();
    let source = talk().to_str().expect("a plain path");
    let args = ["render", source, "plan.json", "--out", "out"];
    trial.write("plan.json", plan(1000, 6000));
    let line = trial.refused(&mut trial.command(args), SourceUnavailable);
    assert!(line.contains("transcript.json: no such file"), "{line}");
    trial.write("transcript.json", TRANSCRIPT);
    let broken = [
        String::new(),
        "{\"version\": 1, \"clips\":".into(),
        plan(6000, 1000),
        plan(1000, 1000),
        plan(1000, 1001),
        "{\"version\": 1, \"clips\": []}".into(),
        plan(8000, 20_000),
        plan(20_000, 30_000),
        plan(0, u64::MAX),
        plan(1000, 6000).replace("0.5", "7"),
        plan(1000, 6000).replace("\"version\": 1", "\"version\": 2"),
    ];
    for text in broken {
        trial.write("plan.json", &text);
        let line = trial.refused(&mut trial.command(args), SourceUnsupported);
        assert!(line.contains("plan.json"), "{text}: {line}");
    }
}
