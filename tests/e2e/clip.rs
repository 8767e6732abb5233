//! The whole pipeline in one go.

use tests::{Ran, Talk, clipwright, loudness, probe};

#[test]
fn a_short_talk_becomes_a_captioned_upright_clip() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("talk.mp4");
    Talk::default().make(&source);
    let out = folder.path().join("out");
    let args = ["clip", "talk.mp4", "--out", "out", "--json"];
    let outcome = Ran::of(clipwright(args).current_dir(&folder)).well().json();
    assert_eq!(outcome["status"], "succeeded");
    assert_eq!(outcome["output"]["total_clips"], 1);
    let clip = out.join("clips/clip_00.mp4");
    let media = probe(&clip);
    let streams = media["streams"].as_array().expect("streams");
    assert_eq!(streams.len(), 2);
    assert_eq!(
        (&streams[0]["width"], &streams[0]["height"]),
        (&1080.into(), &1920.into())
    );
    let (integrated, peak) = loudness(&clip);
    assert!((integrated + 14.0).abs() < 1.0, "{integrated} LUFS");
    assert!(peak < -1.0, "{peak} dBTP");
}
