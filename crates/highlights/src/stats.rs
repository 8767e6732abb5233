//! The few statistics that scores are normalised with.

/// Each value as its distance from the mean in standard deviations; all 0 when they are the same.
pub(crate) fn standardized(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    standardize(&mut values);
    values
}

/// As [`standardized`], in place.
pub(crate) fn standardize(values: &mut [f64]) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
    let deviation = variance.sqrt();
    for value in values {
        *value = if deviation < 1e-9 {
            0.0
        } else {
            (*value - mean) / deviation
        };
    }
}

/// Each value's place among all, 0 (least) to 1 (most); equal values share the middle of their places.
pub(crate) fn percentiles(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = values.len().max(1) as f64;
    values
        .iter()
        .map(|value| {
            let below = sorted.partition_point(|other| other < value) as f64;
            let not_above = sorted.partition_point(|other| other <= value) as f64;
            f64::midpoint(below, not_above) / count
        })
        .collect()
}

/// The logistic function.
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standardized_values_have_mean_zero_and_deviation_one() {
        assert_eq!(standardized(&[1.0, 3.0]), [-1.0, 1.0]);
        assert_eq!(standardized(&[2.0, 2.0]), [0.0, 0.0]);
        assert!(standardized(&[]).is_empty());
    }

    #[test]
    fn percentiles_share_places_of_equal_values() {
        assert_eq!(percentiles(&[5.0, 1.0, 5.0, 9.0]), [0.5, 0.125, 0.5, 0.875]);
    }
}
