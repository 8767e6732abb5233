//! A non-empty range of media time.

use serde::{Deserialize, Serialize};

use crate::number::whole;

/// A range of a source in milliseconds, `start_ms < end_ms`; serialised as `[start_ms, end_ms]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "[Ms; 2]", into = "[u64; 2]")]
pub struct TimeRange {
    start_ms: u64,
    end_ms: u64,
}

/// The end of a range is not after its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time range must end after it starts, got {start_ms} to {end_ms} ms")]
pub struct InvalidTimeRange {
    start_ms: u64,
    end_ms: u64,
}

impl TimeRange {
    /// Creates a range from `start_ms` to `end_ms`.
    ///
    /// # Errors
    /// When the range is empty or reversed.
    pub fn new(start_ms: u64, end_ms: u64) -> Result<Self, InvalidTimeRange> {
        if start_ms < end_ms {
            Ok(Self { start_ms, end_ms })
        } else {
            Err(InvalidTimeRange { start_ms, end_ms })
        }
    }

    /// Returns the start in milliseconds.
    pub fn start_ms(self) -> u64 {
        self.start_ms
    }

    /// Returns the end (exclusive) in milliseconds.
    pub fn end_ms(self) -> u64 {
        self.end_ms
    }

    /// Returns the length in milliseconds, at least 1.
    pub fn duration_ms(self) -> u64 {
        self.end_ms - self.start_ms
    }

    /// Returns the length of the overlap of two ranges.
    pub fn overlap_ms(self, other: Self) -> u64 {
        self.end_ms
            .min(other.end_ms)
            .saturating_sub(self.start_ms.max(other.start_ms))
    }

    /// Returns the overlap of two ranges, if there is one.
    pub fn intersect(self, other: Self) -> Option<Self> {
        Self::new(
            self.start_ms.max(other.start_ms),
            self.end_ms.min(other.end_ms),
        )
        .ok()
    }

    /// Returns the parts of this range outside of `holes`, in order.
    ///
    /// `holes` may overlap, be unsorted or extend beyond the range.
    pub fn without(self, holes: &[Self]) -> Vec<Self> {
        let mut holes: Vec<Self> = holes
            .iter()
            .filter_map(|hole| self.intersect(*hole))
            .collect();
        holes.sort_unstable();
        let mut parts = Vec::with_capacity(holes.len() + 1);
        let mut from_ms = self.start_ms;
        for hole in holes {
            parts.extend(Self::new(from_ms, hole.start_ms));
            from_ms = from_ms.max(hole.end_ms);
        }
        parts.extend(Self::new(from_ms, self.end_ms));
        parts
    }
}

/// Milliseconds in either JSON notation: 3000 or 3000.0.
#[derive(Deserialize)]
struct Ms(#[serde(deserialize_with = "whole")] u64);

impl TryFrom<[Ms; 2]> for TimeRange {
    type Error = InvalidTimeRange;

    fn try_from([Ms(start_ms), Ms(end_ms)]: [Ms; 2]) -> Result<Self, Self::Error> {
        Self::new(start_ms, end_ms)
    }
}

impl From<TimeRange> for [u64; 2] {
    fn from(range: TimeRange) -> Self {
        [range.start_ms, range.end_ms]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_range() -> impl Strategy<Value = TimeRange> {
        (0_u64..500, 1_u64..200)
            .prop_map(|(start, length)| TimeRange::new(start, start + length).unwrap())
    }

    #[test]
    fn an_empty_or_reversed_range_is_rejected() {
        assert!(TimeRange::new(5, 5).is_err());
        assert!(TimeRange::new(6, 5).is_err());
        assert!(serde_json::from_str::<TimeRange>("[9,3]").is_err());
        assert_eq!(
            serde_json::from_str("[3000.0,9e3]").ok(),
            TimeRange::new(3000, 9000).ok()
        );
        assert!(serde_json::from_str::<TimeRange>("[3000.5,9000]").is_err());
    }

    proptest! {
        #[test]
        fn without_keeps_exactly_the_milliseconds_outside_the_holes(range in any_range(), holes in prop::collection::vec(any_range(), 0..6)) {
            let kept = range.without(&holes);
            let inside = |ranges: &[TimeRange], ms: u64| ranges.iter().any(|r| r.start_ms() <= ms && ms < r.end_ms());
            for ms in 0..700 {
                prop_assert_eq!(inside(&kept, ms), inside(&[range], ms) && !inside(&holes, ms));
            }
            prop_assert!(kept.windows(2).all(|pair| pair[0].end_ms() < pair[1].start_ms()));
        }
    }
}
