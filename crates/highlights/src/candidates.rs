//! Candidates: the runs of whole sentences that could be clips.

use domain::{
    Clarity, ClipOptions, Segment, TimeRange,
    limits::{MAX_CLIP_SECONDS, MAX_WORDS_PER_MINUTE},
};

use crate::prefix_sums::PrefixSums;

/// Maximum lead-in before the first word, in milliseconds.
const LEAD_MS: u64 = 350;
/// Maximum tail after the last word, in milliseconds.
const TAIL_MS: u64 = 450;

/// A run of sentences, `first` to `last` (inclusive), and its range in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its first sentence.
    pub(crate) first: usize,
    /// Its last sentence.
    pub(crate) last: usize,
    /// Its range in the source, with lead-in and tail.
    pub(crate) range: TimeRange,
    /// Whether it consists of whole sentences.
    pub(crate) whole: bool,
}

/// Maximum number of sentences in a run: three minutes of one-word sentences at the highest speech rate.
const MAX_RUN_SENTENCES: usize = MAX_CLIP_SECONDS as usize * MAX_WORDS_PER_MINUTE as usize / 60;
/// Limits on the ends tried per first sentence and on the runs in all; above them, ends are sampled evenly. In a clip of three minutes
/// that is one end every 1.4 seconds, so that all ends of ordinary sentences are tried.
const MAX_ENDS: usize = 128;
const MIN_ENDS: usize = 8;
const MAX_RUNS: usize = 20_000 * MAX_ENDS;

/// Lists the runs of whole sentences of the length that `options` allow, inside the requested part of the source, and parts of sentences
/// that are too long. If none is long enough, returns the longest run. Unclear passages are left out.
pub(crate) fn candidates(
    segments: &[Segment],
    options: &ClipOptions,
    duration_ms: u64,
) -> Vec<Run> {
    let limits = LengthLimits {
        least: u64::from(options.min_clip_seconds) * 1000,
        most: u64::from(options.max_clip_seconds) * 1000,
    };
    let ranges = ClipRanges::new(segments, duration_ms);
    let usable: Vec<usize> = sentences_in_window(segments, options).collect();
    let (mut found, longest) = options
        .window(duration_ms)
        .map(|window| runs(&ranges, &usable, window, &limits))
        .unwrap_or_default();
    let sentence_parts = sentence_parts(&ranges, &usable, limits.most);
    let long_enough = |run: &&Run| run.range.duration_ms() >= limits.least;
    found.extend(sentence_parts.iter().filter(long_enough));
    if found.is_empty() {
        found.extend(
            longest
                .into_iter()
                .chain(sentence_parts)
                .max_by_key(Run::length),
        );
    }
    found.retain(|run| !ranges.is_unclear(run));
    found
}

/// How long a clip may be, in milliseconds.
struct LengthLimits {
    least: u64,
    most: u64,
}

impl Run {
    /// Sort key: a longer run is greater; among equal ones, an earlier one.
    fn length(&self) -> (u64, std::cmp::Reverse<usize>) {
        (self.range.duration_ms(), std::cmp::Reverse(self.first))
    }
}

/// The sentences that lie completely inside the requested part of the source.
fn sentences_in_window<'a>(
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

/// The runs of usable sentences within the length limits, in order of first and last sentence; and the longest run that is not too
/// long.
fn runs(
    ranges: &ClipRanges<'_>,
    usable: &[usize],
    window: TimeRange,
    lengths: &LengthLimits,
) -> (Vec<Run>, Option<Run>) {
    let ends = (MAX_RUNS / usable.len().max(1)).clamp(MIN_ENDS, MAX_ENDS);
    let mut found = Vec::new();
    let mut longest: Option<Run> = None;
    let mut fitting: Vec<Run> = Vec::new();
    for (nth, &first) in usable.iter().enumerate() {
        fitting.clear();
        let start_ms = ranges.segments[first].start_ms;
        let mut until_ms = 0;
        let mut inside = first;
        for &last in usable[nth..].iter().take(MAX_RUN_SENTENCES) {
            if ranges.segments[last].end_ms.saturating_sub(start_ms) > lengths.most {
                break;
            }
            // including unusable sentences in between
            for segment in &ranges.segments[inside..=last] {
                until_ms = until_ms.max(segment.end_ms);
            }
            inside = last + 1;
            let range = ranges.padded(first, last, until_ms);
            let range = range.and_then(|range| range.intersect(window));
            let Some(range) = range.filter(|range| range.duration_ms() <= lengths.most) else {
                continue;
            };
            let run = Run {
                first,
                last,
                range,
                whole: true,
            };
            if run.range.duration_ms() >= lengths.least {
                fitting.push(run);
            }
            if longest.is_none_or(|longest| run.length() >= longest.length()) {
                longest = Some(run);
            }
        }
        let taken = fitting.len().min(ends);
        found.extend((1..=taken).map(|nth| fitting[nth * fitting.len() / taken - 1]));
    }
    (found, longest)
}

/// The beginning of each sentence longer than `most`, up to its longest pause in the second half of the part that fits.
fn sentence_parts(ranges: &ClipRanges<'_>, usable: &[usize], most: u64) -> Vec<Run> {
    usable
        .iter()
        .filter_map(|&at| {
            let words = &ranges.segments[at].words;
            let whole = ranges.padded(at, at, ranges.segments[at].end_ms)?;
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

/// Computes the ranges of runs in constant time.
struct ClipRanges<'a> {
    segments: &'a [Segment],
    duration_ms: u64,
    /// For each sentence, the latest end of the sentences before it; 0 for the first.
    before_ms: Vec<u64>,
    clarity: PrefixSums<Clarity>,
}

impl<'a> ClipRanges<'a> {
    fn new(segments: &'a [Segment], duration_ms: u64) -> Self {
        let ends = segments.iter().scan(0, |latest_ms, segment| {
            let before_ms = *latest_ms;
            *latest_ms = before_ms.max(segment.end_ms);
            Some(before_ms)
        });
        Self {
            before_ms: ends.collect(),
            clarity: PrefixSums::of(segments.iter().map(Segment::clarity)),
            segments,
            duration_ms,
        }
    }

    fn is_unclear(&self, run: &Run) -> bool {
        self.clarity.over(run.first, run.last).is_unclear()
    }

    /// The padded range of a run whose last word ends at `until_ms`.
    fn padded(&self, first: usize, last: usize, until_ms: u64) -> Option<TimeRange> {
        let next = self.segments.get(last + 1);
        let before_ms = (first > 0).then(|| self.before_ms[first]);
        padded(
            self.segments[first].start_ms,
            until_ms,
            before_ms,
            next.map(|next| next.start_ms),
            self.duration_ms,
        )
    }
}

/// The range of the clip with sentences `first` to `last` (inclusive): its words with a lead-in and a tail, each at most half of the silence
/// to the neighbouring words.
pub fn clip_range(
    segments: &[Segment],
    first: usize,
    last: usize,
    duration_ms: u64,
) -> Option<TimeRange> {
    let latest = |segments: &[Segment]| segments.iter().map(|segment| segment.end_ms).max();
    padded(
        segments[first].start_ms,
        latest(&segments[first..=last])?,
        latest(&segments[..first]),
        segments.get(last + 1).map(|next| next.start_ms),
        duration_ms,
    )
}

/// Pads a range by a lead-in and a tail, each at most half of the silence to the speech before and after.
fn padded(
    start: u64,
    end: u64,
    before: Option<u64>,
    after: Option<u64>,
    duration_ms: u64,
) -> Option<TimeRange> {
    let room = before.map_or(start, |before| start.saturating_sub(before) / 2);
    let tail = match after {
        Some(after) => after.saturating_sub(end) / 2,
        None => duration_ms.saturating_sub(end),
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
    fn lead_in_and_tail_take_at_most_half_of_the_silence() {
        let segments = [
            segment(1000, "One.", 1000),
            segment(2200, "Two.", 1000),
            segment(9000, "Three.", 1000),
        ];
        let range = |first, last| clip_range(&segments, first, last, 10_200).map(<[u64; 2]>::from);
        assert_eq!(range(0, 0), Some([650, 2100]));
        assert_eq!(range(1, 1), Some([2100, 3650]));
        assert_eq!(range(2, 2), Some([8650, 10_200]));
        assert_eq!(range(0, 2), Some([650, 10_200]));
    }

    #[test]
    fn only_runs_within_the_length_limits_and_the_requested_part_are_candidates() {
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
    fn all_ends_of_ordinary_sentences_are_tried_and_those_of_very_short_ones_are_sampled() {
        let options = options(5, 180);
        let ends = |length_ms: u64| {
            let segments: Vec<Segment> = (0..2000)
                .map(|n| segment(n * length_ms, "Word.", length_ms))
                .collect();
            let runs = candidates(&segments, &options, 2000 * length_ms);
            runs.iter()
                .filter(|run| run.first == 0)
                .map(|run| run.last)
                .collect::<Vec<_>>()
        };
        assert_eq!(ends(2000), (2..90).collect::<Vec<_>>());
        let thinned = ends(500);
        assert_eq!((thinned.len(), thinned.last()), (MAX_ENDS, Some(&359)));
        let gaps: Vec<usize> = thinned.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (2..=3).contains(gap)), "{gaps:?}");
    }

    #[test]
    fn unclear_passages_are_not_candidates() {
        let mut segments: Vec<Segment> =
            (0..10).map(|n| segment(n * 4000, "Word.", 4000)).collect();
        for unclear in &mut segments[4..7] {
            unclear.words[0].confidence = 0.3;
        }
        let runs = candidates(&segments, &options(10, 15), 40_000);
        // a run of three sentences may contain one of them
        let firsts: Vec<usize> = runs.iter().map(|run| run.first).collect();
        assert_eq!(firsts, [0, 1, 2, 6, 7]);
    }

    #[test]
    fn a_source_shorter_than_a_clip_gives_one_run_of_all_its_speech() {
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
