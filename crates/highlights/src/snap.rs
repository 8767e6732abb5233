//! Moves any stretch of time to whole sentences.

use domain::{TimeRange, Transcript};

/// The first and last sentence (inclusive) whose run comes closest to `range`; none when no sentence touches it.
///
/// A sentence belongs to the run when at least half of it lies inside; when none does, the one that shares most with `range` is the run.
pub fn snap_to_sentences(transcript: &Transcript, range: TimeRange) -> Option<(usize, usize)> {
    let shared = |at: usize| {
        let segment = &transcript.segments[at];
        TimeRange::new(segment.start_ms, segment.end_ms).map_or(0, |own| own.overlap_ms(range))
    };
    let half_inside = |at: &usize| {
        let segment = &transcript.segments[*at];
        shared(*at) > 0 && 2 * shared(*at) >= segment.end_ms - segment.start_ms
    };
    let sentences = 0..transcript.segments.len();
    let first = sentences.clone().find(half_inside);
    let last = sentences.clone().rfind(half_inside);
    if let (Some(first), Some(last)) = (first, last) {
        return Some((first, last));
    }
    let most = sentences.max_by_key(|&at| (shared(at), std::cmp::Reverse(at)))?;
    (shared(most) > 0).then_some((most, most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::transcript;

    fn snapped(start_ms: u64, end_ms: u64) -> Option<(usize, usize)> {
        // three sentences of one second each, a second apart
        let transcript = transcript(&[
            (0, "One.", 1000),
            (2000, "Two.", 1000),
            (4000, "Three.", 1000),
        ]);
        snap_to_sentences(&transcript, TimeRange::new(start_ms, end_ms).unwrap())
    }

    #[test]
    fn a_stretch_takes_the_sentences_that_lie_mostly_inside() {
        assert_eq!(snapped(0, 3000), Some((0, 1)));
        assert_eq!(snapped(400, 4400), Some((0, 1)));
        assert_eq!(snapped(600, 4600), Some((1, 2)));
    }

    #[test]
    fn a_sliver_takes_the_sentence_that_it_shares_most_with() {
        assert_eq!(snapped(2100, 2200), Some((1, 1)));
        assert_eq!(snapped(1200, 1800), None);
    }
}
