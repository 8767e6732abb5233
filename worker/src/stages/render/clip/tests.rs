//! The literal line of ffmpeg, and the rates of clips.

use domain::{Size, TimeRange};

use super::*;

fn video(frames: u32, seconds: u32, hdr: bool) -> Video {
    let size = Size {
        width: 1920,
        height: 1080,
    };
    Video {
        index: 0,
        stored: size,
        shown: size,
        sideways: false,
        area: None,
        subtitles: None,
        frame_rate: FrameRate { frames, seconds },
        hdr,
        colours: Colours::Bt709,
        interlaced: None,
    }
}

fn line(hdr: bool, sound: bool) -> String {
    let kept = [TimeRange::new(12_340, 15_340).unwrap()];
    let timeline = Timeline::new(12_340, &kept, whole(25));
    let args = arguments(
        (Path::new("/talks/-a 'b\".mp4"), &video(25, 1, hdr)),
        100,
        12_340,
        &timeline,
        sound,
    );
    let args: Vec<_> = args
        .as_slice()
        .iter()
        .map(|arg| arg.to_str().unwrap())
        .collect();
    args.join(" ").replace(" -", "\n-")
}

#[test]
fn one_decode_one_encode_and_a_thumbnail() {
    insta::assert_snapshot!("line", line(false, true));
}

#[test]
fn high_dynamic_range_is_labelled_as_what_it_became_and_silence_has_no_stream() {
    let line = line(true, false);
    assert!(
        line.contains("-color_trc bt709") && !line.contains("[sound]"),
        "{line}"
    );
}

#[test]
fn regular_rates_stay_high_ones_are_halved_and_irregular_ones_become_usual() {
    let cases = [
        ((25, 1), (25, 1)),
        ((30_000, 1001), (30_000, 1001)),
        ((60_000, 1001), (60_000, 2002)),
        ((60, 1), (60, 2)),
        ((50, 1), (50, 2)),
        ((15, 1), (15, 1)),
        ((25, 2), (25, 2)),
        ((713_000, 23_911), (30, 1)),
        ((2_500, 101), (25, 1)),
        ((1, 5), (24, 1)),
    ];
    for ((frames, seconds), wanted) in cases {
        let rate = frame_rate(&video(frames, seconds, false));
        assert_eq!((rate.frames, rate.seconds), wanted, "{frames}/{seconds}");
    }
}
