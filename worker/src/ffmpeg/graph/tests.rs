//! The literal filter graphs.

use domain::TimeRange;
use reframe::{Keyframe, Rect};

use super::{sound::levelled, *};
use crate::ffmpeg::media::{Colours, FieldOrder, Sound};

const RATE: FrameRate = FrameRate {
    frames: 25,
    seconds: 1,
};

fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

fn video() -> Video {
    Video {
        index: 0,
        stored: size(1920, 1080),
        shown: size(1920, 1080),
        sideways: false,
        area: None,
        subtitles: None,
        frame_rate: RATE,
        hdr: false,
        colours: Colours::Bt709,
        interlaced: None,
    }
}

fn crop(path: &[(u64, f64)]) -> View {
    let key = |&(time_ms, x)| Keyframe {
        time_ms,
        x,
        y: 12.0,
    };
    View::Crop {
        size: size(594, 1056),
        path: path.iter().map(key).collect(),
    }
}

fn piece(from: u64, to: u64, view: View) -> Piece {
    Piece {
        frames: Frames { from, to },
        view,
    }
}

/// One filter a line, for a clip of those parts of the source, in milliseconds.
fn graph(video: &Video, kept: &[(u64, u64)], pieces: &[Piece], captions: Option<&str>) -> String {
    let made_from = Picture {
        video,
        timeline: &timeline(kept),
        target: size(1080, 1920),
        pieces,
        captions,
        thumbnail_frame: 30,
    };
    let graph = format!("{}\n\n{}", picture(&made_from), thumbnail(&made_from));
    graph.replace("];", "];\n")
}

fn track(index: usize) -> Sound {
    Sound {
        index,
        ..Sound::default()
    }
}

const SPLIT: View = View::Split {
    top: half(200),
    bottom: half(1200),
};

const fn half(x: u32) -> Rect {
    Rect {
        x,
        y: 100,
        size: Size {
            width: 540,
            height: 480,
        },
    }
}

#[test]
fn a_still_crop_with_captions() {
    let pieces = [piece(0, 100, crop(&[(0, 663.0)]))];
    let graph = graph(&video(), &[(0, 4_000)], &pieces, Some("ass=f=captions.ass"));
    insta::assert_snapshot!(graph);
}

#[test]
fn a_moving_crop_is_an_expression_of_time() {
    let moving = piece(0, 5, crop(&[(40, 100.0), (120, 110.0)]));
    insta::assert_snapshot!(graph(&video(), &[(0, 200)], &[moving], None));
}

#[test]
fn a_camera_goes_on_behind_a_cut() {
    // frames 0 and 1 of the clip are 0 and 1 of the source, 2 and 3 are 10 and 11
    let moving = piece(0, 4, crop(&[(0, 0.0), (1_000, 25.0)]));
    let graph = graph(&video(), &[(0, 80), (400, 480)], &[moving], None);
    let expected =
        "'st(0,round(t*25/1));if(lt(ld(0),2),if(lt(ld(0),1),0,1),if(lt(ld(0),3),10,11))'";
    assert!(graph.contains(expected), "{graph}");
}

#[test]
fn pieces_that_look_alike_share_one_chain() {
    let pieces = [
        piece(0, 30, SPLIT),
        piece(30, 60, View::Fit),
        piece(60, 90, crop(&[(0, 1.0), (4_000, 50.0)])),
        piece(90, 100, crop(&[(0, 70.0)])),
        piece(100, 120, View::Fit),
    ];
    let kept = [(400, 2_800), (3_600, 6_000)];
    insta::assert_snapshot!(graph(&video(), &kept, &pieces, None));
}

#[test]
fn an_interlaced_anamorphic_hdr_source_is_made_ordinary() {
    let video = Video {
        stored: size(1440, 1080),
        hdr: true,
        interlaced: Some(FieldOrder::BottomFirst),
        ..video()
    };
    let pieces = [piece(0, 50, View::Fit)];
    insta::assert_snapshot!(graph(&video, &[(0, 2_000)], &pieces, None));
}

fn timeline(kept: &[(u64, u64)]) -> Timeline {
    let kept: Vec<_> = kept
        .iter()
        .map(|&(start, end)| TimeRange::new(start, end).unwrap())
        .collect();
    Timeline::new(0, &kept, RATE)
}

#[test]
fn sound_in_one_part_and_in_three_with_fades_at_the_cuts() {
    let loudness = |integrated, true_peak| {
        Some(Loudness {
            integrated,
            true_peak,
        })
    };
    let whole = sound(&track(1), &timeline(&[(0, 4_000)]), loudness(-20.0, -12.0));
    insta::assert_snapshot!("sound_whole", whole.replace(';', ";\n"));
    let kept = timeline(&[(0, 1_000), (1_400, 2_000), (3_000, 3_040)]);
    let cut = sound(&track(2), &kept, loudness(-26.0, -3.0));
    insta::assert_snapshot!("sound_cut", cut.replace(';', ";\n"));
}

#[test]
fn sound_that_cannot_be_heard_is_left_as_it_is() {
    let silent = sound(&track(1), &timeline(&[(0, 4_000)]), None);
    assert!(!silent.contains("volume") && silent.ends_with("[sound]"));
}

#[test]
fn whispers_are_lifted_by_no_more_than_the_limit() {
    let gain = levelled(Loudness {
        integrated: -60.0,
        true_peak: -50.0,
    });
    assert_eq!(gain, ",volume=40.00dB");
}
