//! Which runs of whole sentences could be clips.

use domain::{ClipOptions, Segment, TimeRange};

/// Most that a clip begins before its first word, in milliseconds.
const LEAD_MS: u64 = 350;
/// Most that a clip goes on after its last word, in milliseconds.
const TAIL_MS: u64 = 450;

/// A run of sentences, `first` to `last` (inclusive), and where it would be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its first sentence.
    pub(crate) first: usize,
    /// Its last sentence.
    pub(crate) last: usize,
    /// Where it lies in the source.
    pub(crate) range: TimeRange,
}

/// The sentences that lie whole inside the part of the source to consider, as `from..to`.
pub(crate) fn considered(segments: &[Segment], options: &ClipOptions) -> (usize, usize) {
    let ms = |seconds: f64| (seconds * 1000.0) as u64;
    let from_ms = options.start_seconds.map_or(0, ms);
    let to_ms = options.end_seconds.map_or(u64::MAX, ms);
    let from = segments.partition_point(|segment| segment.start_ms < from_ms);
    let to = segments
        .iter()
        .rposition(|segment| segment.end_ms <= to_ms)
        .map_or(from, |last| last + 1);
    (from, to.max(from))
}

/// Every run of sentences out of `from..to` that is as long as `options` allow.
pub(crate) fn runs(
    segments: &[Segment],
    (from, to): (usize, usize),
    options: &ClipOptions,
    duration_ms: u64,
) -> Vec<Run> {
    let least = u64::from(options.min_clip_seconds) * 1000;
    let most = u64::from(options.max_clip_seconds) * 1000;
    let mut found = Vec::new();
    for first in from..to {
        for last in first..to {
            let Some(range) = cut(segments, first, last, duration_ms) else {
                continue;
            };
            if segments[last]
                .end_ms
                .saturating_sub(segments[first].start_ms)
                > most
            {
                break;
            }
            let length = range.duration_ms();
            if (least..=most).contains(&length) {
                found.push(Run { first, last, range });
            }
        }
    }
    found
}

/// Where the run of sentences `first` to `last` is cut: a little before and after its words, at most half-way to the next ones.
pub fn cut(segments: &[Segment], first: usize, last: usize, duration_ms: u64) -> Option<TimeRange> {
    let start = segments[first].start_ms;
    let end = segments[first..=last]
        .iter()
        .map(|segment| segment.end_ms)
        .max()?;
    let before = segments[..first].iter().map(|segment| segment.end_ms).max();
    let room = before.map_or(start, |before| start.saturating_sub(before) / 2);
    let after = segments
        .get(last + 1)
        .map_or(duration_ms, |next| next.start_ms);
    let gap = after.saturating_sub(end);
    let tail = if last + 1 < segments.len() {
        gap / 2
    } else {
        gap
    };
    TimeRange::new(start - room.min(LEAD_MS), end + tail.min(TAIL_MS)).ok()
}
