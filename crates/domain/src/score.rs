//! A score from 0 to 1.

use serde::{Deserialize, Serialize};

/// A score from 0 to 1, rounded to three decimals so that output files are reproducible.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Score(#[serde(serialize_with = "crate::number::serialize")] f64);

/// The number is not between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a score must be from 0 to 1, got {0}")]
pub struct InvalidScore(f64);

impl Score {
    /// Clamps any number to a score; not-a-number becomes 0.
    pub fn clamped(value: f64) -> Self {
        let value = if value.is_nan() {
            0.0
        } else {
            value.clamp(0.0, 1.0)
        };
        Self((value * 1000.0).round() / 1000.0)
    }

    /// Returns the score as a number from 0 to 1.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// Reads any number and clamps it to a score, for values that other programs report.
pub(crate) fn clamped<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Score, D::Error> {
    f64::deserialize(reader).map(Score::clamped)
}

impl TryFrom<f64> for Score {
    type Error = InvalidScore;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self::clamped(value))
        } else {
            Err(InvalidScore(value))
        }
    }
}

impl From<Score> for f64 {
    fn from(score: Score) -> Self {
        score.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_is_clamped_and_only_valid_ones_are_parsed() {
        let clamped = [f64::NAN, -1.0, 0.12345, 7.0].map(Score::clamped);
        assert_eq!(serde_json::to_string(&clamped).unwrap(), "[0,0,0.123,1]");
        assert!(serde_json::from_str::<Score>("1.01").is_err());
        assert!(serde_json::from_str::<Score>("1").is_ok());
    }
}
