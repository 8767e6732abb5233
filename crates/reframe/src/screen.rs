//! Distinguishes slides and screen recordings from camera pictures.

use crate::frame::{Frame, luma};

/// Maximum difference of neighbouring points in a drawn area, in grey levels; camera noise is larger.
const FLAT: f32 = 1.5;
/// Minimum difference across an edge of letters and lines, in grey levels over two points.
const STEEP: f32 = 48.0;
/// Minimum shares of flat and of steep points in a slide; a speaker in front of a black stage has far fewer steep ones.
const MIN_FLAT: f32 = 0.7;
const MIN_STEEP: f32 = 0.025;

/// Whether the frame is mostly drawn: large uniform areas with sharp edges between them.
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
    flat >= MIN_FLAT * points && steep >= MIN_STEEP * points && points > 0.0
}
