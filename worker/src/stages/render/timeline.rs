//! A clip's own time: the kept parts of the source, on the grid of its frames.

use domain::{TimeRange, Word};

use crate::ffmpeg::media::FrameRate;

/// Frames `from..to`, counted from the clip's start in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frames {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Frames {
    /// How many frames there are.
    pub(crate) fn count(self) -> u64 {
        self.to - self.from
    }
}

/// What of the source is shown in a clip, and when.
///
/// Picture and sound are cut at the same frame borders, so that they do not drift apart over many cuts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Timeline {
    rate: FrameRate,
    start_ms: u64,
    kept: Vec<Frames>,
}

impl Timeline {
    /// Lays `kept` (parts of the source, in order) onto the frames of a clip that begins at `start_ms`.
    pub(crate) fn new(start_ms: u64, kept: &[TimeRange], rate: FrameRate) -> Self {
        let frame =
            |ms: u64| (ms.saturating_sub(start_ms) as f64 / 1000.0 * rate.get()).round() as u64;
        let mut frames: Vec<Frames> = Vec::with_capacity(kept.len());
        for range in kept {
            let from = frame(range.start_ms()).max(frames.last().map_or(0, |last| last.to));
            let to = frame(range.end_ms());
            match frames.last_mut() {
                _ if to <= from => {}
                Some(last) if last.to == from => last.to = to,
                _ => frames.push(Frames { from, to }),
            }
        }
        if frames.is_empty() {
            frames.push(Frames { from: 0, to: 1 });
        }
        Self {
            rate,
            start_ms,
            kept: frames,
        }
    }

    /// The kept frames, in order, with gaps between them.
    pub(crate) fn kept(&self) -> &[Frames] {
        &self.kept
    }

    /// Frames per second.
    pub(crate) fn rate(&self) -> FrameRate {
        self.rate
    }

    /// The frames of the clip that show what is between two moments, both in milliseconds from the clip's start in the
    /// source; empty where all of it is cut away.
    pub(crate) fn clip_frames(&self, start_ms: u64, end_ms: u64) -> Frames {
        let frame =
            |ms: u64| self.clip_frame((ms as f64 / 1000.0 * self.rate.get()).round() as u64);
        Frames {
            from: frame(start_ms),
            to: frame(end_ms),
        }
    }

    /// How many frames of the clip come before a frame of the source.
    fn clip_frame(&self, source_frame: u64) -> u64 {
        let before = |part: &Frames| source_frame.clamp(part.from, part.to) - part.from;
        self.kept.iter().map(before).sum()
    }

    /// Which frame of the source, counted from the clip's start in it, is shown at a frame of the clip.
    pub(crate) fn source_frame(&self, clip_frame: u64) -> u64 {
        let mut left = clip_frame;
        for part in &self.kept {
            if left < part.count() {
                return part.from + left;
            }
            left -= part.count();
        }
        self.kept.last().map_or(0, |part| part.to)
    }

    /// Seconds of this many frames.
    pub(crate) fn seconds(&self, frames: u64) -> f64 {
        frames as f64 / self.rate.get()
    }

    /// How many frames the clip has.
    pub(crate) fn frame_count(&self) -> u64 {
        self.kept.iter().map(|frames| frames.count()).sum()
    }

    /// Length of the clip in milliseconds.
    pub(crate) fn duration_ms(&self) -> u64 {
        (self.seconds(self.frame_count()) * 1000.0).round() as u64
    }

    /// Seconds of the source from the clip's start to the end of its last kept frame.
    pub(crate) fn span_seconds(&self) -> f64 {
        self.seconds(self.kept.last().map_or(0, |frames| frames.to))
    }

    /// The words of the kept parts, in clip time. A word that is wholly cut away is left out; one without length, as recognisers put out
    /// some, stays.
    pub(crate) fn words<'a>(&self, words: impl Iterator<Item = &'a Word>) -> Vec<Word> {
        words.filter_map(|word| self.word(word)).collect()
    }

    fn word(&self, word: &Word) -> Option<Word> {
        let (start_ms, end_ms) = (self.clip_ms(word.start_ms), self.clip_ms(word.end_ms));
        let is_moment = word.start_ms == word.end_ms && self.is_kept(word.start_ms);
        (start_ms < end_ms || is_moment).then(|| Word {
            start_ms,
            end_ms,
            ..word.clone()
        })
    }

    fn is_kept(&self, source_ms: u64) -> bool {
        let at = source_ms.saturating_sub(self.start_ms) as f64 / 1000.0 * self.rate.get();
        let holds = |part: &Frames| (part.from as f64..=part.to as f64).contains(&at);
        source_ms >= self.start_ms && self.kept.iter().any(holds)
    }

    /// Where a moment of the source is in the clip; one that is cut away, where the cut is.
    pub(crate) fn clip_ms(&self, source_ms: u64) -> u64 {
        let at = source_ms.saturating_sub(self.start_ms) as f64 / 1000.0 * self.rate.get();
        let shown: f64 = self
            .kept
            .iter()
            .map(|frames| (at.min(frames.to as f64) - frames.from as f64).max(0.0))
            .sum();
        (shown / self.rate.get() * 1000.0).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: FrameRate = FrameRate {
        frames: 25,
        seconds: 1,
    };

    fn range(start_ms: u64, end_ms: u64) -> TimeRange {
        TimeRange::new(start_ms, end_ms).unwrap()
    }

    #[test]
    fn a_moment_after_a_cut_moves_forward_by_the_cut() {
        let timeline = Timeline::new(
            10_000,
            &[range(10_000, 11_000), range(12_000, 13_000)],
            RATE,
        );
        assert_eq!(timeline.duration_ms(), 2_000);
        assert_eq!(
            [10_500, 11_500, 12_500].map(|ms| timeline.clip_ms(ms)),
            [500, 1_000, 1_500]
        );
    }

    #[test]
    fn words_inside_a_cut_are_gone() {
        let word = |start_ms, end_ms| Word {
            text: "x".into(),
            start_ms,
            end_ms,
            confidence: 1.0,
        };
        let timeline = Timeline::new(0, &[range(0, 1_000), range(2_000, 3_000)], RATE);
        let heard = timeline.words([word(0, 400), word(1_200, 1_800), word(900, 2_200)].iter());
        assert_eq!(
            heard
                .iter()
                .map(|w| (w.start_ms, w.end_ms))
                .collect::<Vec<_>>(),
            [(0, 400), (900, 1_200)]
        );
        let moments = [word(500, 500), word(1_500, 1_500), word(2_000, 2_000)];
        let kept = timeline.words(moments.iter());
        let times: Vec<_> = kept.iter().map(|w| (w.start_ms, w.end_ms)).collect();
        assert_eq!(times, [(500, 500), (1_000, 1_000)], "words without length");
    }

    proptest! {
        #[test]
        fn clip_time_never_runs_backwards_and_ends_with_the_clip(cuts in prop::collection::vec((0_u64..20_000, 1_u64..3_000), 0..8)) {
            let cuts: Vec<_> = cuts.into_iter().map(|(start, length)| range(start, start + length)).collect();
            let timeline = Timeline::new(0, &range(0, 20_000).without(&cuts), RATE);
            let times: Vec<_> = (0..=20_000).step_by(37).map(|ms| timeline.clip_ms(ms)).collect();
            prop_assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert!(timeline.clip_ms(20_000).abs_diff(timeline.duration_ms()) <= 1);
            prop_assert!(timeline.kept().windows(2).all(|pair| pair[0].to < pair[1].from));
            for frame in 0..timeline.frame_count() {
                prop_assert_eq!(timeline.clip_frame(timeline.source_frame(frame)), frame);
            }
        }
    }
}
