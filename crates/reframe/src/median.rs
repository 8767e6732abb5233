//! The median, of face tracks and of camera targets.

/// The median of `values`, the upper one of an even number; `values` must not be empty.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
