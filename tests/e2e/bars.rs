//! Bars around a picture are cut away: the clip is the one that the picture without them gives.

use tests::{Frame, Job, Talk, frame_at};

const LOOK: &str = "--captions none";

fn clip_frame(picture: &str, size: (u32, u32)) -> Frame {
    let talk = Talk {
        size,
        seconds: 4.0,
        picture: picture.into(),
        ..Talk::default()
    };
    let job = Job::new(&talk, "talk.mp4", 3_000);
    frame_at(&job.render("out", LOOK), 1.5)
}

/// The part of the pixels that differ clearly.
fn difference(a: &Frame, b: &Frame) -> f64 {
    a.differing(b, 48) as f64 / (a.width * a.height) as f64
}

#[test]
fn a_letterboxed_picture_gives_the_clip_of_the_picture_alone() {
    let bare = clip_frame("null", (640, 360));
    let boxed = clip_frame("pad=640:480:0:60", (640, 360));
    let part = difference(&bare, &boxed);
    assert!(part < 0.12, "{part}");
}

#[test]
fn an_upright_picture_on_a_black_or_blurred_ground_gives_the_clip_of_the_picture_alone() {
    let bare = clip_frame("null", (404, 720));
    let blurred = "split[a][b];[a]scale=1280:2282,crop=1280:720,boxblur=20,setsar=1[c];[c][b]overlay=(W-w)/2:0";
    for ground in ["pad=1280:720:438:0", blurred] {
        let part = difference(&bare, &clip_frame(ground, (404, 720)));
        assert!(part < 0.05, "{ground}: {part}");
    }
}

#[test]
fn a_dark_stage_is_no_frame_of_bars() {
    // a lit circle on a dark ground that is never cut
    let lit = "geq=lum='if(lt(hypot(X-W/2,Y-H/2),H/3),lum(X,Y),18)':cb=128:cr=128";
    let frame = clip_frame(lit, (640, 360));
    let [red, green, blue] = frame.at(frame.width / 2, 8);
    assert!(
        red < 60 && green < 60 && blue < 60,
        "the top is the dark of the stage"
    );
}
