//! What is shown: the face inside the crop along a known path, a jump at a cut, the right size in every layout, a clean file.

use std::fs;

use tests::{Frame, Job, Talk, frame_at, probe};

const LOOK: &str = "--captions none --layout track";

fn job(x: &str, seconds: f64) -> Job {
    let talk = Talk {
        x: x.into(),
        seconds,
        ..Talk::default()
    };
    Job::new(&talk, "talk.mp4", (seconds * 1000.0) as u64 - 500)
}

fn is_orange([red, green, blue]: [u8; 3]) -> bool {
    red > 170 && green < 130 && blue < 90
}

/// Where the middle of the orange suit is across the picture, 0 to 1; none if it is not to be seen.
fn suit(frame: &Frame) -> Option<f64> {
    let row = frame.height * 19 / 20;
    let columns: Vec<_> = (0..frame.width)
        .filter(|&x| is_orange(frame.at(x, row)))
        .collect();
    (columns.len() > frame.width / 20)
        .then(|| columns.iter().sum::<usize>() as f64 / columns.len() as f64 / frame.width as f64)
}

#[test]
fn a_walking_face_stays_in_the_crop_and_the_file_is_clean() {
    let job = job("40+50*t", 6.0);
    let clip = job.render("out", LOOK);
    for tenth in (2..54).step_by(4) {
        let place = suit(&frame_at(&clip, f64::from(tenth) / 10.0));
        assert!(
            place.is_some_and(|x| (0.2..0.8).contains(&x)),
            "at {tenth} tenths of a second: {place:?}"
        );
    }
    let tags = probe(&clip)["format"]["tags"].clone();
    let known = ["major_brand", "minor_version", "compatible_brands"];
    assert!(
        tags.as_object()
            .is_none_or(|tags| tags.keys().all(|key| known.contains(&key.as_str()))),
        "{tags}"
    );
    let bytes = fs::read(&clip).expect("the clip");
    let find = |name: &[u8]| bytes.windows(4).position(|at| at == name).expect("a box");
    assert!(find(b"moov") < find(b"mdat"));
}

#[test]
fn the_crop_jumps_with_a_cut() {
    let job = job("if(lt(t,2.4),10,W-w-10)", 5.0);
    let clip = job.render("out", LOOK);
    for frame in [10, 40, 57, 58, 61, 62, 80, 105] {
        let place = suit(&frame_at(&clip, f64::from(frame) / 25.0 + 0.01));
        assert!(
            place.is_some_and(|x| (0.2..0.8).contains(&x)),
            "frame {frame}: {place:?}"
        );
    }
}

/// Two of them side by side, too far apart to share a crop.
#[test]
fn two_people_are_shown_one_above_the_other_at_every_upright_shape() {
    let talk = Talk {
        size: (480, 360),
        picture: "split[one][two];[two]hflip[other];[one][other]hstack".into(),
        seconds: 4.0,
        ..Talk::default()
    };
    let job = Job::new(&talk, "talk.mp4", 3_000);
    for (shape, height) in [("9:16", 1920), ("4:5", 1350), ("1:1", 1080)] {
        let clip = job.render(
            "out",
            &format!("--layout split --aspect-ratio {shape} --captions none"),
        );
        let frame = frame_at(&clip, 1.5);
        assert_eq!((frame.width, frame.height), (1080, height), "{shape}");
        let half = |from: usize| {
            let rows = (from..from + height / 2).step_by(8);
            let row = |y: usize| (0..frame.width).step_by(8).map(move |x| (x, y));
            rows.flat_map(row)
                .filter(|&(x, y)| is_orange(frame.at(x, y)))
                .count()
        };
        // least is seen of the suits in the square one: 200 places, and none where nobody is
        assert!(half(0) > 100 && half(height / 2) > 100, "{shape}");
    }
}

#[test]
fn every_shape_in_every_layout_has_its_size() {
    let job = job("(W-w)/2", 1.5);
    for (shape, size) in [
        ("9:16", [1080, 1920]),
        ("1:1", [1080, 1080]),
        ("4:5", [1080, 1350]),
        ("16:9", [1920, 1080]),
    ] {
        for layout in ["auto", "split", "fit"] {
            let clip = job.render(
                "out",
                &format!("--captions none --layout {layout} --aspect-ratio {shape}"),
            );
            let stream = &probe(&clip)["streams"][0];
            assert_eq!(
                [&stream["width"], &stream["height"]],
                size.map(serde_json::Value::from).each_ref(),
                "{shape} {layout}"
            );
        }
    }
}

/// Slides as screen recorders write them: one frame each, red at 0 s, green at 4 s and blue at 10 s, below sound of 16 s.
fn slides(path: &std::path::Path) {
    tests::make(
        path,
        "-f lavfi -i color=red:s=640x360:r=25:d=4 -f lavfi -i color=lime:s=640x360:r=25:d=6 -f lavfi -i color=blue:s=640x360:r=25:d=1 \
         -f lavfi -i sine=r=48000:d=16 -filter_complex [0][1][2]concat=n=3,select='eq(n,0)+eq(n,100)+eq(n,250)'[v] -map [v] -map 3 \
         -fps_mode vfr -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac",
    );
}

#[test]
fn a_clip_begins_with_the_frame_that_is_on_the_screen() {
    let job = Job::made("slides.mp4", 2_000, slides);
    let shown = |range: (u64, u64), at: f64| {
        job.plan(&[range]);
        let clip = job.render("out", "--captions none --layout fit");
        let frame = tests::frame_at(&clip, at);
        frame.at(frame.width / 2, frame.height / 2)
    };
    let is = |colour: [u8; 3], channel: usize| {
        (0..3).all(|other| (colour[other] > 128) == (other == channel))
    };
    assert!(is(shown((5_000, 8_000), 0.0), 1), "green");
    assert!(
        is(shown((12_000, 15_000), 0.0), 2),
        "blue, after the last frame"
    );
    assert!(is(shown((3_000, 6_000), 0.5), 0), "red");
    assert!(is(shown((3_000, 6_000), 1.5), 1), "then green");
}
