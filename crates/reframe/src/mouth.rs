//! Mouth motion between frames, corrected for the motion of the head.

use crate::{face::Face, frame::Frame};

/// Sampling grid of a patch: columns and rows.
const GRID: [usize; 2] = [16, 8];

/// Luma of a part of a face on the grid.
type Patch = [f32; GRID[0] * GRID[1]];

/// The two patches of a face that are compared over time.
pub(crate) struct FacePatches {
    mouth: Patch,
    /// Eyes and nose: moves with the head only.
    upper: Patch,
}

impl FacePatches {
    /// Samples the patches of `face` in `frame`.
    pub(crate) fn of(frame: &Frame<'_>, face: &Face) -> Self {
        let upper = [face.centre_x(), face.eye_line + 0.05 * face.height];
        Self {
            mouth: patch(frame, face, face.mouth),
            upper: patch(frame, face, upper),
        }
    }

    /// Change of the mouth since `before` beyond that of the upper face, in grey levels; never negative.
    pub(crate) fn mouth_motion_since(&self, before: &Self) -> f64 {
        let motion =
            min_change(&self.mouth, &before.mouth) - min_change(&self.upper, &before.upper);
        f64::from(motion.max(0.0))
    }
}

/// A patch of 0.6 of the face's width by 0.35 of its height around `centre`.
fn patch(frame: &Frame<'_>, face: &Face, centre: [f64; 2]) -> Patch {
    std::array::from_fn(|i| {
        let along = |at: usize, of: usize| (at as f64 + 0.5) / of as f64 - 0.5;
        let x = centre[0] + along(i % GRID[0], GRID[0]) * 0.6 * face.width;
        let y = centre[1] + along(i / GRID[0], GRID[1]) * 0.35 * face.height;
        frame.luma_at(x, y)
    })
}

/// Minimum mean difference over shifts of at most one point, so that head motion does not count.
fn min_change(a: &Patch, b: &Patch) -> f32 {
    let shifts = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| [dx, dy]));
    shifts
        .map(|shift| change_at(a, b, shift))
        .fold(f32::INFINITY, f32::min)
}

fn change_at(a: &Patch, b: &Patch, [dx, dy]: [isize; 2]) -> f32 {
    let (mut total, mut points) = (0.0, 0.0);
    for y in 1..GRID[1] - 1 {
        for x in 1..GRID[0] - 1 {
            let to = y.wrapping_add_signed(dy) * GRID[0] + x.wrapping_add_signed(dx);
            total += (a[y * GRID[0] + x] - b[to]).abs();
            points += 1.0;
        }
    }
    total / points
}
