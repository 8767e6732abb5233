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
