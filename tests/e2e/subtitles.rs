//! Subtitles that are part of the picture: they are not cut, and captions are not written over them.

use tests::{Frame, Job, Talk, frame_at, home};

/// A talk with a line of white text near its lower edge, of this size.
fn subtitled(size: (u32, u32), text: &str) -> Job {
    let (width, height) = size;
    let script = format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: {width}\nPlayResY: {height}\n\n[V4+ Styles]\n\
         Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BorderStyle, Outline, Shadow, Alignment, MarginV\n\
         Style: Default,Poppins,{},&H00FFFFFF,&H00000000,1,3,0,2,{}\n\n[Events]\nFormat: Start, End, Style, Text\n\
         Dialogue: 0:00:00.00,0:01:00.00,Default,{text}\n",
        height / 14,
        height / 20,
    );
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("subtitles.ass");
    std::fs::write(&file, script).expect("a file written");
    let talk = Talk {
        size,
        seconds: 5.0,
        picture: format!(
            "ass=f={}:fontsdir={}",
            file.display(),
            home().join("fonts").display()
        ),
        video: "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -r 25 -g 10".into(),
        ..Talk::default()
    };
    Job::new(&talk, "talk.mp4", 4_000)
}

/// Rows, as parts of the height, that have something else where captions are burned in than where they are not.
fn captioned_rows(job: &Job, look: &str) -> Vec<f64> {
    let with = frame_at(&job.render("with", look), 2.0);
    let without = frame_at(
        &job.render("without", &format!("{look} --captions none")),
        2.0,
    );
    let differs = |y: &usize| {
        let row = (0..with.width).filter(|&x| is_other(&with, &without, x, *y));
        row.count() > with.width / 40
    };
    let rows = (0..with.height).filter(differs);
    rows.map(|y| y as f64 / with.height as f64).collect()
}

fn is_other(a: &Frame, b: &Frame, x: usize, y: usize) -> bool {
    a.at(x, y)
        .iter()
        .zip(b.at(x, y))
        .any(|(a, b)| a.abs_diff(b) > 60)
}

#[test]
fn a_wide_picture_is_shown_whole_and_captions_are_below_it() {
    let job = subtitled((1280, 720), "these words are a part of the picture itself");
    let automatic = frame_at(&job.render("auto", "--captions none"), 2.0);
    let fit = frame_at(&job.render("fit", "--captions none --layout fit"), 2.0);
    assert_eq!(automatic.differing(&fit, 20), 0, "it was cropped");
    let rows = captioned_rows(&job, "--layout auto");
    // the picture ends at 66 % of the height
    assert!(
        !rows.is_empty() && rows.iter().all(|row| *row > 0.66),
        "{rows:?}"
    );
}

#[test]
fn captions_move_above_the_subtitles_of_a_picture_of_the_clips_shape() {
    let job = subtitled((720, 720), "a part of the picture itself");
    let rows = captioned_rows(&job, "--aspect-ratio 1:1");
    assert!(
        !rows.is_empty() && rows.iter().all(|row| *row < 0.86),
        "{rows:?}"
    );
}

#[test]
fn a_person_who_wants_a_crop_gets_it() {
    let job = subtitled((1280, 720), "these words are a part of the picture itself");
    let tracked = frame_at(&job.render("track", "--captions none --layout track"), 2.0);
    let fit = frame_at(&job.render("fit", "--captions none --layout fit"), 2.0);
    assert!(tracked.differing(&fit, 20) > tracked.width * tracked.height / 4);
}
