//! Interlaced and telecined sources, whatever their files say of it: no frame of a clip is combed.

use std::path::Path;

use tests::{Job, Talk, ffmpeg};

/// Everything moves sideways, a little with each half-picture; a clip of this shape is not scaled, so that combs would stay as they are.
const MOVING: &str = "fps=50,scroll=horizontal=0.008";
const LOOK: &str = "--aspect-ratio 1:1 --captions none";

/// How many frames of a clip are combed, of how many that could be judged.
fn combed(clip: &Path) -> (f64, f64) {
    let output = ffmpeg()
        .args(["-loglevel", "error", "-i"])
        .arg(clip)
        .args([
            "-vf",
            "idet,metadata=mode=print:file=pipe\\\\:1",
            "-f",
            "null",
            "-",
        ])
        .output()
        .expect("ffmpeg starts");
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    let count = |kind: &str| -> f64 {
        let key = format!("lavfi.idet.multiple.{kind}=");
        let mut lines = report.lines().rev();
        lines
            .find_map(|line| line.strip_prefix(&key))
            .and_then(|value| value.parse().ok())
            .expect("a count")
    };
    let combed = count("tff") + count("bff");
    (combed, combed + count("progressive"))
}

fn assert_whole(name: &str, interlacing: &str, coded: &str) {
    let talk = Talk {
        size: (1080, 1080),
        seconds: 3.0,
        picture: format!("{MOVING},{interlacing}"),
        video: format!("{coded} -q:v 3"),
        sound: "-c:a mp2".into(),
        ..Talk::default()
    };
    let job = Job::new(&talk, name, 2_000);
    let (combed, judged) = combed(&job.render("out", LOOK));
    assert!(
        judged > 20.0 && combed <= 1.0,
        "{interlacing} {coded}: {combed} of {judged} frames are combed"
    );
}

#[test]
fn the_order_that_the_file_names_is_right() {
    assert_whole(
        "talk.mpg",
        "tinterlace=interleave_top,setfield=tff",
        "-c:v mpeg2video -flags +ildct+ilme",
    );
}

#[test]
fn the_order_that_the_file_names_is_wrong() {
    assert_whole(
        "talk.mkv",
        "tinterlace=interleave_bottom,setfield=tff",
        "-c:v mpeg2video -flags +ildct+ilme",
    );
}

#[test]
fn the_file_says_that_frames_are_whole() {
    assert_whole(
        "talk.mp4",
        "tinterlace=interleave_top,setfield=prog",
        "-c:v mpeg4",
    );
}

#[test]
fn a_film_that_was_stretched_to_thirty_frames() {
    assert_whole(
        "talk.mkv",
        "fps=24000/1001,telecine,setfield=prog",
        "-c:v mpeg4",
    );
}
