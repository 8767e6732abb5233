//! Sparse vectors over the content words of a talk.

/// A sparse vector with its norm.
pub(crate) struct SparseVector {
    /// Dimensions with their values, ascending.
    values: Vec<(usize, f64)>,
    norm: f64,
}

impl SparseVector {
    /// A vector of these dimensions and values; dimensions must be ascending and unique.
    pub(crate) fn new(values: impl IntoIterator<Item = (usize, f64)>) -> Self {
        let values: Vec<(usize, f64)> = values.into_iter().collect();
        let norm = values.iter().map(|(_, v)| v * v).sum::<f64>().sqrt();
        Self { values, norm }
    }

    /// Cosine with another vector; 0 if one is empty.
    pub(crate) fn cosine(&self, other: &Self) -> f64 {
        let mut others = other.values.iter().peekable();
        let mut dot = 0.0;
        for &(dimension, value) in &self.values {
            while others.next_if(|(at, _)| *at < dimension).is_some() {}
            if let Some((_, other)) = others.next_if(|(at, _)| *at == dimension) {
                dot += value * other;
            }
        }
        dot / (self.norm * other.norm).max(f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_counts_shared_dimensions_only() {
        let a = SparseVector::new([(1, 3.0), (5, 4.0)]);
        let b = SparseVector::new([(0, 3.0), (5, 4.0)]);
        assert!((a.cosine(&b) - 16.0 / 25.0).abs() < 1e-9);
        assert!(a.cosine(&SparseVector::new([])).abs() < 1e-9);
    }
}
