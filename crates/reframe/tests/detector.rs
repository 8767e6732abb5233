//! The face detector on a real portrait at known positions in a texture.

use std::path::Path;

use domain::Size;
use reframe::{Analyser, Detector, Face, Frame, THUMBNAIL};

const SIZE: Size = Size {
    width: 384,
    height: 216,
};
/// Side of the portrait in `fixtures/astronaut.ppm`.
const PORTRAIT: usize = 180;
/// Left, top, right, bottom of the face (brow to chin) in fractions of the portrait, measured by eye.
const FACE: [f64; 4] = [0.33, 0.22, 0.64, 0.63];

fn detector() -> Detector {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/clipwright");
    Detector::load(&home.join("models/faces")).expect("the face model is missing: run `make setup`")
}

fn portrait() -> &'static [u8] {
    let ppm = include_bytes!("fixtures/astronaut.ppm");
    &ppm[ppm.len() - PORTRAIT * PORTRAIT * 3..]
}

/// A brick-like texture with reproducible noise.
fn texture() -> Vec<u8> {
    let mut noise = 1_u32;
    let pixels = (0..SIZE.width * SIZE.height).flat_map(|i| {
        let (x, y) = (i % SIZE.width, i / SIZE.width);
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let line = (y % 18 < 2) || ((x + 20 * (y / 18 % 2)) % 40 < 2);
        let grey = if line { 60 } else { 130 } + (noise >> 28) as u8;
        [grey, grey - 10, grey - 30]
    });
    pixels.collect()
}

/// The texture with the portrait at `(left, top)`, `side` pixels large.
fn scene(left: usize, top: usize, side: usize) -> Vec<u8> {
    let mut rgb = texture();
    for y in 0..side {
        for x in 0..side {
            let from = (y * PORTRAIT / side * PORTRAIT + x * PORTRAIT / side) * 3;
            let to = ((top + y) * SIZE.width as usize + left + x) * 3;
            rgb[to..to + 3].copy_from_slice(&portrait()[from..from + 3]);
        }
    }
    rgb
}

fn faces(rgb: &[u8]) -> Vec<Face> {
    let frame = Frame {
        time_ms: 0,
        size: SIZE,
        rgb,
    };
    detector().detect(&frame).expect("the model runs")
}

#[test]
fn large_and_small_faces_are_found_at_their_position() {
    for (left, top, side) in [(10, 20, 180), (190, 30, 180), (250, 100, 100), (40, 60, 64)] {
        let found = faces(&scene(left, top, side));
        assert_eq!(found.len(), 1, "portrait of {side} pixels");
        let x = |of: f64| (left as f64 + of * side as f64) / f64::from(SIZE.width);
        let y = |of: f64| (top as f64 + of * side as f64) / f64::from(SIZE.height);
        let face = found[0];
        let near = |a: f64, b: f64, reach: f64| assert!((a - b).abs() < reach, "{a} is not {b}");
        near(face.centre_x(), x(f64::midpoint(FACE[0], FACE[2])), 0.02);
        near(face.centre_y(), y(f64::midpoint(FACE[1], FACE[3])), 0.05);
        assert!(face.eye_line > face.top && face.eye_line < face.mouth[1]);
    }
}

#[test]
fn a_texture_has_no_face() {
    assert_eq!(faces(&texture()), []);
}

#[test]
fn two_faces_are_detected_separately() {
    let mut rgb = scene(10, 60, 120);
    let right = scene(240, 60, 120);
    let row = SIZE.width as usize * 3;
    for (to, from) in rgb.chunks_exact_mut(row).zip(right.chunks_exact(row)) {
        to[row / 2..].copy_from_slice(&from[row / 2..]);
    }
    assert_eq!(faces(&rgb).len(), 2);
}

#[test]
fn the_analyser_samples_three_times_per_second_and_measures_mouth_motion() {
    let detector = detector();
    let motion = |speaks: bool| {
        let mut analyser = Analyser::new(&detector);
        for i in 0..12 {
            let mut rgb = scene(100, 20, 180);
            if speaks && i % 2 == 1 {
                darken_mouth(&mut rgb);
            }
            let frame = Frame {
                time_ms: i * 1000 / 12,
                size: SIZE,
                rgb: &rgb,
            };
            analyser.push_frame(&frame).unwrap();
        }
        let analysis = analyser.finish();
        assert_eq!(
            analysis
                .samples
                .iter()
                .map(|s| s.time_ms)
                .collect::<Vec<_>>(),
            [0, 333, 666]
        );
        analysis.samples[1].faces[0].mouth_motion
    };
    assert!(motion(true) > 4.0 && motion(false) < 0.1);
}

/// An open mouth: a dark patch where the portrait's mouth is.
fn darken_mouth(rgb: &mut [u8]) {
    for y in 88..100 {
        for x in 176..202 {
            let at = ((20 + y) * SIZE.width as usize + x) * 3;
            rgb[at..at + 3].fill(30);
        }
    }
}

#[test]
fn frames_with_the_wrong_number_of_pixels_are_rejected() {
    let frame = Frame {
        time_ms: 0,
        size: SIZE,
        rgb: &[0; 3],
    };
    assert!(detector().detect(&frame).is_err());
    let detector = detector();
    let mut analyser = Analyser::new(&detector);
    let pixels = (THUMBNAIL.width * THUMBNAIL.height) as usize;
    assert!(analyser.push_thumbnail(0, &vec![0; pixels - 1]).is_err());
    assert!(Detector::load(Path::new("no such folder")).is_err());
}
