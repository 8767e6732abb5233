//! Sums over runs of sentences, each in constant time, however long the run is.

use std::ops::{Add, Sub};

/// The sums of all beginnings of a list.
#[derive(Debug, Clone)]
pub(crate) struct Sums<T> {
    /// One more than there are values, from nothing to all.
    beginnings: Vec<T>,
}

impl<T: Copy + Default + Add<Output = T> + Sub<Output = T>> Sums<T> {
    /// Of `values`.
    pub(crate) fn of(values: impl IntoIterator<Item = T>) -> Self {
        let mut sum = T::default();
        let mut beginnings = vec![sum];
        beginnings.extend(values.into_iter().map(|value| {
            sum = sum + value;
            sum
        }));
        Self { beginnings }
    }

    /// The sum of the values `first` to `last` (inclusive).
    pub(crate) fn over(&self, first: usize, last: usize) -> T {
        self.beginnings[last + 1] - self.beginnings[first]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_that_of_the_values() {
        let sums = Sums::of([3, 1, 4]);
        assert_eq!(
            [sums.over(0, 2), sums.over(1, 2), sums.over(1, 1)],
            [8, 5, 1]
        );
    }
}
