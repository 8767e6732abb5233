//! Composition for known faces: camera motion, cuts, splits and speakers.

use domain::{AspectRatio, Layout, Size, TimeRange};
use proptest::prelude::*;
use reframe::{Analysis, Clip, Face, Sample, Shot, View, compose, position_at};

const SOURCE: Size = Size {
    width: 1920,
    height: 1080,
};

fn face(x: f64, width: f64) -> Face {
    let height = width * 16.0 / 9.0 * 1.3;
    Face {
        left: x - width / 2.0,
        top: 0.3,
        width,
        height,
        eye_line: 0.3 + 0.35 * height,
        mouth: [x, 0.3 + 0.8 * height],
        score: 0.9,
        mouth_motion: 0.0,
    }
}

/// Samples, four per second, of the faces that `at` returns for a time in seconds.
fn analysis_of(seconds: u64, at: impl Fn(f64) -> Vec<Face>) -> Analysis {
    let samples = (0..seconds * 4).map(|i| Sample {
        time_ms: i * 250,
        faces: at(i as f64 / 4.0),
        screen: false,
    });
    Analysis {
        cuts_ms: Vec::new(),
        samples: samples.collect(),
    }
}

fn composed(analysis: &Analysis, seconds: u64, layout: Layout) -> Vec<Shot> {
    let clip = Clip {
        duration_ms: seconds * 1000,
        source: SOURCE,
        target: AspectRatio::Portrait.output_size(),
        layout,
        speech: &[],
    };
    compose(analysis, &clip)
}

/// Left edge of the crop at each 1/30 s, `None` while there is no crop.
fn left_edges(shots: &[Shot], seconds: u64) -> Vec<Option<f64>> {
    let at = |i: u64| {
        let time_ms = i * 1000 / 30;
        let shot = shots.iter().find(|shot| time_ms < shot.end_ms)?;
        let View::Crop { path, .. } = &shot.view else {
            return None;
        };
        position_at(path, time_ms).map(|[x, _]| x)
    };
    (0..seconds * 30).map(at).collect()
}

/// Reproducible detector noise, within -1 to 1.
fn jitter(t: f64) -> f64 {
    ((t * 4.0).round() * 12.9898).sin() * 43_758.545_3 % 1.0
}

#[test]
fn a_still_speaker_is_centred_by_a_still_camera() {
    let analysis = analysis_of(20, |t| vec![face(0.6 + 0.01 * jitter(t), 0.1)]);
    let shots = composed(&analysis, 20, Layout::Auto);
    let [
        Shot {
            view: View::Crop { size, path },
            ..
        },
    ] = &shots[..]
    else {
        panic!("{shots:?}")
    };
    assert_eq!((size.width, size.height), (594, 1056));
    assert_eq!(path.len(), 1);
    assert!((path[0].x + 297.0 - 0.6 * 1920.0).abs() < 20.0, "{path:?}");
}

#[test]
fn a_walking_speaker_stays_in_view_without_shaking() {
    let place = |t: f64| 0.5 + 0.3 * (t * 0.5).sin();
    let analysis = analysis_of(30, |t| {
        let mut faces = vec![face(place(t) + 0.008 * jitter(t), 0.1)];
        // missing for a moment, and false detections elsewhere
        if (t * 4.0) as u64 % 11 == 3 {
            faces.clear();
        }
        if (t * 4.0) as u64 % 17 == 5 {
            faces.push(face(0.05, 0.1));
        }
        faces
    });
    let shots = composed(&analysis, 30, Layout::Auto);
    assert_eq!(shots.len(), 1, "{shots:?}");
    let x: Vec<f64> = left_edges(&shots, 30).into_iter().flatten().collect();
    let inside = x.iter().enumerate().filter(|(i, x)| {
        let centre = place(*i as f64 / 30.0) * 1920.0;
        centre - 96.0 >= **x && centre + 96.0 <= **x + 594.0
    });
    assert!(inside.count() as f64 >= 0.98 * x.len() as f64);
    let speed: Vec<f64> = x.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // the speaker's own top speed is 288 px/s, 9.6 px a frame
    assert!(speed.iter().all(|v| v.abs() < 16.0));
    assert!(speed.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 2.0));
    let moving: Vec<f64> = speed.into_iter().filter(|v| v.abs() > 0.3).collect();
    let turns = moving
        .windows(2)
        .filter(|pair| pair[0] * pair[1] < 0.0)
        .count();
    // the speaker changes direction five times in 30 s
    assert!(turns <= 5, "{turns} changes of direction");
}

#[test]
fn short_false_and_missing_detections_do_not_move_the_camera() {
    let steady = |_: f64| vec![face(0.4, 0.1)];
    let still = composed(&analysis_of(12, steady), 12, Layout::Auto);
    let disturbed = analysis_of(12, |t| match t {
        4.0..=4.25 => vec![face(0.9, 0.1)],
        6.0..=6.9 => vec![],
        8.0 => vec![face(0.4, 0.1), face(0.8, 0.2)],
        _ => steady(t),
    });
    assert_eq!(composed(&disturbed, 12, Layout::Auto), still);
}

#[test]
fn the_camera_jumps_only_at_cuts() {
    let mut analysis = analysis_of(12, |t| {
        vec![face(
            if (t as u64 / 3).is_multiple_of(2) {
                0.25
            } else {
                0.75
            },
            0.1,
        )]
    });
    analysis.cuts_ms = vec![3000, 6000, 9000];
    let shots = composed(&analysis, 12, Layout::Auto);
    assert_eq!(
        shots.iter().map(|shot| shot.start_ms).collect::<Vec<_>>(),
        [0, 3000, 6000, 9000]
    );
    let x: Vec<f64> = left_edges(&shots, 12).into_iter().flatten().collect();
    let jumps: Vec<usize> = (1..x.len())
        .filter(|&i| (x[i] - x[i - 1]).abs() > 1.0)
        .collect();
    assert_eq!(jumps, [90, 180, 270]);
}

#[test]
fn a_shot_under_400_ms_is_merged_with_its_neighbour() {
    let mut analysis = analysis_of(8, |_| vec![face(0.5, 0.1)]);
    analysis.cuts_ms = vec![200, 4000, 4300, 7800];
    let starts: Vec<u64> = composed(&analysis, 8, Layout::Track)
        .iter()
        .map(|s| s.start_ms)
        .collect();
    assert!(
        starts.iter().all(|start| [0, 4000, 4300].contains(start)),
        "{starts:?}"
    );
}

#[test]
fn two_people_far_apart_are_split_with_the_left_one_on_top() {
    let analysis = analysis_of(10, |t| {
        vec![face(0.8, 0.1), face(0.2 + 0.005 * jitter(t), 0.1)]
    });
    let shots = composed(&analysis, 10, Layout::Auto);
    let [
        Shot {
            view: View::Split { top, bottom },
            ..
        },
    ] = &shots[..]
    else {
        panic!("{shots:?}")
    };
    assert_eq!(top.size, bottom.size);
    assert_eq!(top.size.width * 960, top.size.height * 1080);
    assert!(top.x < 384 && top.x + top.size.width > 384 && top.x + top.size.width < bottom.x);
}

#[test]
fn neither_half_of_a_split_shows_the_other_face() {
    for (one, other, width) in [(0.2, 0.5, 0.16), (0.12, 0.45, 0.1), (0.6, 0.85, 0.1)] {
        let analysis = analysis_of(10, |_| vec![face(one, width), face(other, width)]);
        for shot in composed(&analysis, 10, Layout::Split) {
            let View::Split { top, bottom } = shot.view else {
                continue;
            };
            let (ends, begins) = (f64::from(top.x + top.size.width), f64::from(bottom.x));
            assert!(
                ends <= (other - width / 2.0) * 1920.0,
                "{one} {other} {top:?}"
            );
            assert!(
                begins >= (one + width / 2.0) * 1920.0,
                "{one} {other} {bottom:?}"
            );
        }
    }
}

#[test]
fn two_people_side_by_side_share_a_crop() {
    let analysis = analysis_of(10, |_| vec![face(0.45, 0.06), face(0.55, 0.06)]);
    let shots = composed(&analysis, 10, Layout::Auto);
    let x = left_edges(&shots, 10);
    assert!(
        x.iter()
            .all(|x| x.is_some_and(|x| x < 0.42 * 1920.0 && x + 594.0 > 0.58 * 1920.0))
    );
}

fn talk(t: f64) -> Vec<Face> {
    let speaks_left = (t as u64 / 5).is_multiple_of(2);
    let motion = |speaks: bool| {
        if speaks {
            5.0 + 3.0 * jitter(t)
        } else {
            0.4 + 0.3 * jitter(t + 7.0)
        }
    };
    let mut faces = vec![face(0.2, 0.1), face(0.8, 0.1)];
    faces[0].mouth_motion = motion(speaks_left);
    faces[1].mouth_motion = motion(!speaks_left);
    faces
}

#[test]
fn the_camera_cuts_to_the_active_speaker() {
    let shots = composed(&analysis_of(20, talk), 20, Layout::Track);
    let x = left_edges(&shots, 20);
    let right = |x: &Option<f64>| x.unwrap() + 297.0 > 960.0;
    let wrong = x
        .iter()
        .enumerate()
        .filter(|(i, x)| right(x) != ((i / 150) % 2 == 1))
        .count();
    assert!(wrong < 60, "{wrong} of 600 frames on the listener");
    assert_eq!(shots.len(), 4);
    assert!(shots.iter().all(|shot| shot.end_ms - shot.start_ms >= 1500));
}

#[test]
fn mouth_motion_without_speech_is_ignored() {
    let speech = [TimeRange::new(0, 5000).unwrap()];
    let clip = Clip {
        duration_ms: 20_000,
        source: SOURCE,
        target: AspectRatio::Portrait.output_size(),
        layout: Layout::Track,
        speech: &speech,
    };
    assert_eq!(compose(&analysis_of(20, talk), &clip).len(), 1);
}

#[test]
fn without_a_face_the_whole_picture_is_shown() {
    assert!(matches!(
        composed(&analysis_of(5, |_| vec![]), 5, Layout::Auto)[..],
        [Shot {
            view: View::Fit,
            ..
        }]
    ));
    let gap = analysis_of(15, |t| {
        if (5.0..9.0).contains(&t) {
            vec![]
        } else {
            vec![face(0.5, 0.1)]
        }
    });
    let views: Vec<bool> = composed(&gap, 15, Layout::Auto)
        .iter()
        .map(|s| s.view == View::Fit)
        .collect();
    assert_eq!(views, [false, true, false]);
    assert!(
        composed(&gap, 15, Layout::Track)
            .iter()
            .all(|s| matches!(s.view, View::Crop { .. }))
    );
}

#[test]
fn a_slide_with_an_inset_is_shown_whole() {
    let mut analysis = analysis_of(6, |_| vec![face(0.9, 0.05)]);
    for sample in &mut analysis.samples {
        sample.screen = true;
    }
    assert!(matches!(
        composed(&analysis, 6, Layout::Auto)[..],
        [Shot {
            view: View::Fit,
            ..
        }]
    ));
}

fn any_analysis() -> impl Strategy<Value = Analysis> {
    let face = (-0.1..1.1_f64, 0.01..0.5_f64, -0.2..1.0_f64, 0.0..20.0_f64).prop_map(
        |(x, width, top, motion)| Face {
            top,
            eye_line: top + width / 2.0,
            mouth_motion: motion,
            ..face(x, width)
        },
    );
    let sample = (prop::collection::vec(face, 0..4), any::<bool>());
    let samples = prop::collection::vec(sample, 0..60);
    let cuts = prop::collection::btree_set(1_u64..20_000, 0..6);
    (samples, cuts).prop_map(|(samples, cuts)| Analysis {
        cuts_ms: cuts.into_iter().collect(),
        samples: (0..)
            .zip(samples)
            .map(|(i, (faces, screen))| Sample {
                time_ms: i * 250,
                faces,
                screen,
            })
            .collect(),
    })
}

fn any_size() -> impl Strategy<Value = Size> {
    (16_u32..4000, 16_u32..4000).prop_map(|(width, height)| Size { width, height })
}

proptest! {
    #[test]
    fn shots_follow_each_other_and_windows_stay_inside(
        analysis in any_analysis(),
        source in any_size(),
        duration_ms in 1_u64..20_000,
        aspect in prop::sample::select(&AspectRatio::ALL),
        layout in prop::sample::select(&Layout::ALL),
    ) {
        let clip = Clip { duration_ms, source, target: aspect.output_size(), layout, speech: &[] };
        let shots = compose(&analysis, &clip);
        prop_assert_eq!(shots[0].start_ms, 0);
        prop_assert_eq!(shots[shots.len() - 1].end_ms, duration_ms);
        prop_assert!(shots.windows(2).all(|pair| pair[0].end_ms == pair[1].start_ms));
        for shot in &shots {
            prop_assert!(shot.start_ms < shot.end_ms);
            let inside = |x: f64, y: f64, size: Size| {
                x >= 0.0 && y >= 0.0
                    && x + f64::from(size.width) <= f64::from(source.width)
                    && y + f64::from(size.height) <= f64::from(source.height)
                    && size.width.is_multiple_of(2) && size.height.is_multiple_of(2) && size.width > 0 && size.height > 0
            };
            match &shot.view {
                View::Fit => {}
                View::Split { top, bottom } => for rect in [top, bottom] {
                    prop_assert!(inside(f64::from(rect.x), f64::from(rect.y), rect.size));
                    prop_assert!(rect.x.is_multiple_of(2) && rect.y.is_multiple_of(2));
                },
                View::Crop { size, path } => {
                    prop_assert!(!path.is_empty());
                    prop_assert!(path.iter().all(|key| inside(key.x, key.y, *size)));
                    prop_assert!(path.windows(2).all(|pair| pair[0].time_ms < pair[1].time_ms));
                    // the fastest pan crosses the whole room within the smoothing window of 1.2 s
                    let limit = |room: u32, ms: u64| f64::from(room) * ms as f64 / 590.0 + 0.5;
                    for pair in path.windows(2) {
                        let ms = pair[1].time_ms - pair[0].time_ms;
                        prop_assert!((pair[1].x - pair[0].x).abs() <= limit(source.width - size.width, ms));
                        prop_assert!((pair[1].y - pair[0].y).abs() <= limit(source.height - size.height, ms));
                    }
                }
            }
        }
    }
}
