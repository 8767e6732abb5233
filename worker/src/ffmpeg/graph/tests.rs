//! The literal filter graphs.

use domain::TimeRange;
use reframe::{Keyframe, Rect};

use super::*;

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
        anamorphic: false,
        frame_rate: RATE,
        hdr: false,
        interlaced: false,
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

/// One filter a line.
fn graph(video: &Video, pieces: &[Piece], captions: Option<&str>) -> String {
    let graph = picture(&Picture {
        video,
        rate: RATE,
        target: size(1080, 1920),
        pieces,
        captions,
        thumbnail_frame: 30,
    });
    graph.replace(';', ";\n")
}

#[test]
fn a_still_crop_with_captions() {
    let pieces = [piece(0, 100, crop(&[(0, 663.0)]))];
    insta::assert_snapshot!(graph(&video(), &pieces, Some("ass=f=captions.ass")));
    assert_eq!(crop_commands(&pieces[0], RATE, 0), "");
}

#[test]
fn a_moving_crop_reads_its_commands_from_a_file() {
    let moving = piece(0, 5, crop(&[(40, 100.0), (120, 110.0)]));
    insta::assert_snapshot!("moving_crop_commands", crop_commands(&moving, RATE, 0));
    insta::assert_snapshot!("moving_crop", graph(&video(), &[moving], None));
}

#[test]
fn several_pieces_with_a_split_and_the_whole_picture() {
    let half = |x| Rect {
        x,
        y: 100,
        size: size(540, 480),
    };
    let split = View::Split {
        top: half(200),
        bottom: half(1200),
    };
    let pieces = [
        piece(10, 40, split),
        piece(40, 70, View::Fit),
        piece(90, 120, crop(&[(0, 1.0), (4_000, 50.0)])),
    ];
    insta::assert_snapshot!(graph(&video(), &pieces, None));
}

#[test]
fn an_interlaced_anamorphic_hdr_source_is_made_ordinary() {
    let video = Video {
        stored: size(1440, 1080),
        anamorphic: true,
        hdr: true,
        interlaced: true,
        ..video()
    };
    insta::assert_snapshot!(graph(&video, &[piece(0, 50, View::Fit)], None));
}

#[test]
fn commands_count_from_the_start_of_their_piece() {
    let late = piece(50, 53, crop(&[(2_000, 0.0), (2_080, 20.0)]));
    let first = crop_commands(&late, RATE, 3);
    assert!(first.starts_with("0.00000 crop@3 x 0,"), "{first}");
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
    let whole = sound(1, &timeline(&[(0, 4_000)]), loudness(-20.0, -12.0));
    insta::assert_snapshot!("sound_whole", whole.replace(';', ";\n"));
    let kept = timeline(&[(0, 1_000), (1_400, 2_000), (3_000, 3_040)]);
    let cut = sound(2, &kept, loudness(-26.0, -3.0));
    insta::assert_snapshot!("sound_cut", cut.replace(';', ";\n"));
}

#[test]
fn sound_that_cannot_be_heard_is_left_as_it_is() {
    let silent = sound(1, &timeline(&[(0, 4_000)]), None);
    assert!(!silent.contains("volume") && silent.ends_with("[sound]"));
}

#[test]
fn whispers_are_lifted_by_no_more_than_the_limit() {
    let gain = levelled(Loudness {
        integrated: -60.0,
        true_peak: -50.0,
    });
    assert_eq!(gain, ",volume=30.00dB");
}
