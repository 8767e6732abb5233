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
    /// Whether all of its sentences is in it.
    pub(crate) whole: bool,
}

/// Every run of whole sentences as long as `options` allow inside the part of the source to consider, and parts of sentences that are
/// too long to be one. Where nothing is long enough, the longest run there is.
pub(crate) fn candidates(
    segments: &[Segment],
    options: &ClipOptions,
    duration_ms: u64,
) -> Vec<Run> {
    let least = u64::from(options.min_clip_seconds) * 1000;
    let most = u64::from(options.max_clip_seconds) * 1000;
    let mut found = runs(segments, options, most, duration_ms);
    found.extend(parts(segments, options, most, duration_ms));
    if found.iter().any(|run| run.range.duration_ms() >= least) {
        found.retain(|run| run.range.duration_ms() >= least);
    } else if let Some(&longest) = found
        .iter()
        .max_by_key(|run| (run.range.duration_ms(), std::cmp::Reverse(run.first)))
    {
        found = vec![longest];
    }
    found
}

/// The sentences that lie whole inside the part of the source to consider.
fn considered<'a>(
    segments: &'a [Segment],
    options: &ClipOptions,
) -> impl Iterator<Item = usize> + use<'a> {
    let window = options.window(u64::MAX);
    (0..segments.len()).filter(move |&at| {
        let segment = &segments[at];
        let inside = |window: TimeRange| {
            segment.start_ms >= window.start_ms() && segment.end_ms <= window.end_ms()
        };
        window.is_some_and(inside) && !segment.text.trim().is_empty()
    })
}

/// Every run of the sentences considered that is at most `most` milliseconds long.
fn runs(segments: &[Segment], options: &ClipOptions, most: u64, duration_ms: u64) -> Vec<Run> {
    let usable: Vec<usize> = considered(segments, options).collect();
    let window = options.window(duration_ms);
    let mut found = Vec::new();
    for (nth, &first) in usable.iter().enumerate() {
        for &last in &usable[nth..] {
            if segments[last]
                .end_ms
                .saturating_sub(segments[first].start_ms)
                > most
            {
                break;
            }
            let range = cut(segments, first, last, duration_ms);
            found.extend(
                range
                    .and_then(|range| range.intersect(window?))
                    .filter(|range| range.duration_ms() <= most)
                    .map(|range| Run {
                        first,
                        last,
                        range,
                        whole: true,
                    }),
            );
        }
    }
    found
}

/// The beginning of each sentence that is longer than `most`, up to its longest pause in the second half of what fits.
fn parts(segments: &[Segment], options: &ClipOptions, most: u64, duration_ms: u64) -> Vec<Run> {
    considered(segments, options)
        .filter_map(|at| {
            let words = &segments[at].words;
            let whole = cut(segments, at, at, duration_ms)?;
            let start_ms = whole.start_ms();
            if whole.duration_ms() <= most {
                return None;
            }
            let fits = words.partition_point(|word| word.end_ms <= start_ms + most);
            let pause = |last: &usize| {
                words
                    .get(last + 1)
                    .map_or(0, |next| next.start_ms.saturating_sub(words[*last].end_ms))
            };
            let last = (fits / 2..fits).max_by_key(|last| (pause(last), *last))?;
            let range = TimeRange::new(start_ms, words[last].end_ms).ok()?;
            Some(Run {
                first: at,
                last: at,
                range,
                whole: false,
            })
        })
        .collect()
}

/// Where the run of sentences `first` to `last` (inclusive) is cut: a little before and after its words, at most half-way to the next ones.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::segment;

    fn options(least: u32, most: u32) -> ClipOptions {
        ClipOptions {
            min_clip_seconds: least,
            max_clip_seconds: most,
            ..ClipOptions::default()
        }
    }

    #[test]
    fn a_cut_takes_at_most_half_of_the_silence_around_it() {
        let segments = [
            segment(1000, "One.", 1000),
            segment(2200, "Two.", 1000),
            segment(9000, "Three.", 1000),
        ];
        let range = |first, last| cut(&segments, first, last, 10_200).map(<[u64; 2]>::from);
        assert_eq!(range(0, 0), Some([650, 2100]));
        assert_eq!(range(1, 1), Some([2100, 3650]));
        assert_eq!(range(2, 2), Some([8650, 10_200]));
        assert_eq!(range(0, 2), Some([650, 10_200]));
    }

    #[test]
    fn only_runs_within_the_lengths_and_the_part_considered_are_candidates() {
        let segments: Vec<Segment> = (0..10).map(|n| segment(n * 4000, "Word.", 4000)).collect();
        let runs = candidates(&segments, &options(10, 15), 40_000);
        assert!(runs.iter().all(|run| run.last - run.first == 2));
        assert_eq!(runs.len(), 8);
        let mut part = options(10, 15);
        (part.start_seconds, part.end_seconds) = (Some(3.0), Some(24.5));
        let runs = candidates(&segments, &part, 40_000);
        assert_eq!(
            runs.iter().map(|run| run.first).collect::<Vec<_>>(),
            [1, 2, 3]
        );
    }

    #[test]
    fn a_source_shorter_than_one_clip_gives_all_of_its_speech() {
        let segments = [segment(0, "One.", 3000), segment(3000, "Two.", 3000)];
        let runs = candidates(&segments, &options(15, 60), 6000);
        assert_eq!(
            runs.iter()
                .map(|run| (run.first, run.last))
                .collect::<Vec<_>>(),
            [(0, 1)]
        );
        assert!(candidates(&[], &options(15, 60), 6000).is_empty());
    }

    #[test]
    fn an_overlong_sentence_is_cut_at_its_longest_pause() {
        let mut long = segment(0, &"word ".repeat(100), 100_000);
        long.words[50].end_ms -= 500;
        let end_ms = long.words[50].end_ms;
        let runs = candidates(&[long], &options(15, 60), 100_000);
        assert_eq!(runs.len(), 1);
        assert!(!runs[0].whole);
        assert_eq!(runs[0].range.end_ms(), end_ms);
    }
}
