//! Encodes the input of `YuNet` and decodes its output, as `OpenCV`'s `FaceDetectorYN` does.

use domain::Size;

use crate::{
    face::Face,
    frame::{Frame, FrameError},
};

/// Strides of the model's three grids, in pixels.
pub(crate) const STRIDES: [usize; 3] = [8, 16, 32];

/// Minimum score of a face; measured on portraits, crowds, textures and slides.
const MIN_SCORE: f64 = 0.7;

/// Maximum overlap of two faces (intersection over union); above it the less confident one is a duplicate.
const MAX_IOU: f64 = 0.3;

/// The model's output on one grid, row by row.
pub(crate) struct Level<'a> {
    pub(crate) stride: usize,
    /// Per cell: class score.
    pub(crate) class: &'a [f32],
    /// Per cell: objectness.
    pub(crate) object: &'a [f32],
    /// Per cell, four numbers: centre relative to the cell's corner in strides, logarithm of width and height in strides.
    pub(crate) bounds: &'a [f32],
    /// Per cell, five points: eyes, nose, corners of the mouth, relative to the cell's corner in strides.
    pub(crate) landmarks: &'a [f32],
}

/// Encodes a frame: planes of blue, green, red, 0 to 255, padded with black to multiples of the largest stride.
pub(crate) fn input(frame: &Frame<'_>) -> Result<([usize; 4], Vec<f32>), FrameError> {
    let (width, height) = (frame.size.width as usize, frame.size.height as usize);
    frame.check()?;
    let largest = STRIDES[STRIDES.len() - 1];
    let (across, down) = (
        width.next_multiple_of(largest),
        height.next_multiple_of(largest),
    );
    let mut planes = vec![0.0; 3 * across * down];
    for (channel, plane) in planes.chunks_exact_mut(across * down).enumerate() {
        for (to, from) in plane
            .chunks_exact_mut(across)
            .zip(frame.rgb.chunks_exact(width * 3))
        {
            for (pixel, rgb) in to.iter_mut().zip(from.chunks_exact(3)) {
                *pixel = f32::from(rgb[2 - channel]);
            }
        }
    }
    Ok(([1, 3, down, across], planes))
}

/// Decodes the faces of all grids and removes duplicates (non-maximum suppression), the most confident first; `across` is the width of
/// the input in pixels.
pub(crate) fn faces<'a>(
    levels: impl Iterator<Item = Level<'a>>,
    across: usize,
    size: Size,
) -> Vec<Face> {
    let mut found: Vec<Face> = levels
        .flat_map(|level| level_faces(&level, across / level.stride, size))
        .collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Face> = Vec::new();
    for face in found {
        if kept.iter().all(|other| other.iou(&face) <= MAX_IOU) {
            kept.push(face);
        }
    }
    kept
}

fn level_faces(level: &Level<'_>, columns: usize, size: Size) -> Vec<Face> {
    (0..level.class.len())
        .filter_map(|cell| {
            let likely = |value: f32| f64::from(value.clamp(0.0, 1.0));
            let score = (likely(level.class[cell]) * likely(level.object[cell])).sqrt();
            (score >= MIN_SCORE).then(|| cell_face(level, cell, columns, size, score))
        })
        .collect()
}

fn cell_face(level: &Level<'_>, cell: usize, columns: usize, size: Size, score: f64) -> Face {
    let (column, row) = ((cell % columns) as f64, (cell / columns) as f64);
    let across = level.stride as f64 / f64::from(size.width);
    let down = level.stride as f64 / f64::from(size.height);
    let bounds = |i: usize| f64::from(level.bounds[cell * 4 + i]);
    let x = |i: usize| (column + f64::from(level.landmarks[cell * 10 + 2 * i])) * across;
    let y = |i: usize| (row + f64::from(level.landmarks[cell * 10 + 2 * i + 1])) * down;
    let (width, height) = (bounds(2).exp() * across, bounds(3).exp() * down);
    Face {
        left: (column + bounds(0)) * across - width / 2.0,
        top: (row + bounds(1)) * down - height / 2.0,
        width,
        height,
        eye_line: f64::midpoint(y(0), y(1)),
        mouth: [f64::midpoint(x(3), x(4)), f64::midpoint(y(3), y(4))],
        score,
        mouth_motion: 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 64,
        height: 32,
    };

    fn one_cell(class: f32) -> Vec<Face> {
        let mut scores = vec![0.0; 2];
        scores[1] = class;
        let level = Level {
            stride: 32,
            class: &scores,
            object: &[1.0; 2],
            bounds: &[0.5, 0.5, 0.0, 0.0].repeat(2),
            landmarks: &[0.5; 20],
        };
        faces(std::iter::once(level), 64, SIZE)
    }

    #[test]
    fn a_cell_becomes_a_face_in_fractions_of_the_picture() {
        let found = one_cell(0.81);
        assert_eq!(found.len(), 1);
        let face = found[0];
        assert!((face.score - 0.9).abs() < 1e-6);
        assert!((face.left - 0.5).abs() < 1e-6 && (face.width - 0.5).abs() < 1e-6);
        assert!((face.mouth[0] - 0.75).abs() < 1e-6 && (face.eye_line - 0.5).abs() < 1e-6);
    }

    #[test]
    fn a_cell_with_a_low_score_is_not_a_face() {
        assert!(one_cell(0.3).is_empty());
    }

    #[test]
    fn the_input_is_padded_and_in_blue_green_red() {
        let rgb = [10, 20, 30].repeat(40 * 2);
        let size = Size {
            width: 40,
            height: 2,
        };
        let frame = Frame {
            time_ms: 0,
            size,
            rgb: &rgb,
        };
        let (shape, planes) = input(&frame).unwrap();
        assert_eq!(shape, [1, 3, 32, 64]);
        let at = [planes[0], planes[39], planes[40], planes[64 * 32]];
        assert!(
            at.iter()
                .zip([30.0, 30.0, 0.0, 20.0])
                .all(|(a, b)| (a - b).abs() < 1e-6)
        );
        assert!(
            input(&Frame {
                rgb: &rgb[1..],
                ..frame
            })
            .is_err()
        );
    }
}
