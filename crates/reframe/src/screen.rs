//! Tells slides and screen recordings from camera pictures.

use crate::picture::{Frame, luma};

/// Neighbouring points of a drawn area differ by at most this many grey levels; a camera's noise differs by more.
const FLAT: f32 = 1.5;
/// Edges of letters and lines are at least this steep, in grey levels from one point to the next but one.
const STEEP: f32 = 48.0;
/// Shares of flat and of steep points that make a slide; a speaker before a black stage has far fewer steep ones.
const LEAST_FLAT: f32 = 0.7;
const LEAST_STEEP: f32 = 0.025;

/// Whether the frame is mostly drawn: large even areas with sharp edges between them.
pub(crate) fn is_screen(frame: &Frame<'_>) -> bool {
    let row_bytes = frame.size.width as usize * 3;
    let (mut flat, mut steep, mut points) = (0.0, 0.0, 0.0_f32);
    for row in frame.rgb.chunks_exact(row_bytes.max(1)).step_by(4) {
        for (a, b) in row.chunks_exact(3).zip(row.chunks_exact(3).skip(2)) {
            let difference = (luma(a) - luma(b)).abs();
            flat += f32::from(u8::from(difference <= FLAT));
            steep += f32::from(u8::from(difference >= STEEP));
            points += 1.0;
        }
    }
    flat >= LEAST_FLAT * points && steep >= LEAST_STEEP * points && points > 0.0
}
