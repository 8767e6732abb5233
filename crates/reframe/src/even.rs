//! Even sizes, which video with subsampled colour needs.

/// A side scaled and rounded to an even number, at least 2.
pub(crate) fn scaled_even(side: u32, scale: f64) -> u32 {
    ((f64::from(side) * scale / 2.0).round() as u32 * 2).max(2)
}
