//! Statistics for normalising scores.

/// The z-score of each value: its distance from the mean in standard deviations; all 0 if the values are equal.
pub(crate) fn z_scores(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    normalize(&mut values);
    values
}

/// Replaces values by their z-scores.
pub(crate) fn normalize(values: &mut [f64]) {
    let (mean, deviation) = mean_and_deviation(values);
    for value in values {
        *value = if deviation < 1e-9 {
            0.0
        } else {
            (*value - mean) / deviation
        };
    }
}

/// Mean and standard deviation; 0 for no values.
pub(crate) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

/// The percentile rank of each value, 0 (lowest) to 1 (highest); equal values share their mean rank.
pub(crate) fn percentile_ranks(values: &[f64]) -> Vec<f64> {
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
    fn z_scores_have_mean_zero_and_deviation_one() {
        assert_eq!(z_scores(&[1.0, 3.0]), [-1.0, 1.0]);
        assert_eq!(z_scores(&[2.0, 2.0]), [0.0, 0.0]);
        assert!(z_scores(&[]).is_empty());
    }

    #[test]
    fn equal_values_share_their_percentile_rank() {
        assert_eq!(
            percentile_ranks(&[5.0, 1.0, 5.0, 9.0]),
            [0.5, 0.125, 0.5, 0.875]
        );
    }
}
