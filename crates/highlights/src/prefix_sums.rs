//! Prefix sums: sums over any run of sentences in constant time.

use std::ops::{Add, Sub};

/// The prefix sums of a list.
#[derive(Debug, Clone)]
pub(crate) struct PrefixSums<T> {
    /// One more than there are values, beginning with the empty prefix.
    prefixes: Vec<T>,
}

impl<T: Copy + Default + Add<Output = T> + Sub<Output = T>> PrefixSums<T> {
    /// Computes the prefix sums of `values`.
    pub(crate) fn of(values: impl IntoIterator<Item = T>) -> Self {
        let mut sum = T::default();
        let mut prefixes = vec![sum];
        prefixes.extend(values.into_iter().map(|value| {
            sum = sum + value;
            sum
        }));
        Self { prefixes }
    }

    /// The sum of the values `first` to `last` (inclusive).
    pub(crate) fn over(&self, first: usize, last: usize) -> T {
        self.prefixes[last + 1] - self.prefixes[first]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_over_ranges_are_correct() {
        let sums = PrefixSums::of([3, 1, 4]);
        assert_eq!(
            [sums.over(0, 2), sums.over(1, 2), sums.over(1, 1)],
            [8, 5, 1]
        );
    }
}
