//! Cuts an audio stream at pauses into chunks that fit Whisper's window, leaving out stretches without speech.

use std::ops::Range;

use crate::pcm::SAMPLE_RATE;
use crate::voice::FRAME;

/// Maximum length of a chunk (29 s): it fits the window with a little silence behind it.
const MAX_LENGTH: usize = frames(29_000);
/// Minimum length before a cut (15 s), except at a long pause.
const MIN_LENGTH: usize = frames(15_000);
/// Length of the window whose energy decides where to cut.
const CUT_WINDOW: usize = frames(200);
/// A pause this long always ends a chunk: Whisper hallucinates text in longer ones.
const LONG_PAUSE: usize = frames(4_000);
/// Silence kept before the first and after the last speech of a chunk.
const MARGIN: usize = frames(300);
/// A break no longer than this is part of the speech around it.
const MAX_BREATH: usize = frames(300);
/// Speech shorter than this is a click or a musical note.
const MIN_SPEECH: usize = frames(250);
/// Probabilities at which speech starts and ends (recommended by the detector's authors).
const ONSET: f32 = 0.5;
const OFFSET: f32 = 0.35;

const fn frames(ms: usize) -> usize {
    ms * SAMPLE_RATE / 1000 / FRAME
}

/// At most 29 s of audio that contains speech.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// Start in the source, in samples.
    pub(crate) start: u64,
    pub(crate) samples: Vec<f32>,
    /// Ranges of speech, in samples of this chunk; at least one.
    pub(crate) speech: Vec<Range<usize>>,
}

/// Features of 32 ms of audio.
#[derive(Debug, Clone, Copy)]
struct Frame {
    voice: f32,
    energy: f32,
}

/// Buffers audio until a chunk is complete.
#[derive(Debug, Default)]
pub(crate) struct Chunker {
    start: u64,
    samples: Vec<f32>,
    frames: Vec<Frame>,
}

impl Chunker {
    /// Appends audio with the speech probability of each of its frames.
    pub(crate) fn push(&mut self, samples: &[f32], voice: &[f32]) {
        for (frame, voice) in samples.chunks(FRAME).zip(voice) {
            let energy = frame.iter().map(|sample| sample * sample).sum();
            self.frames.push(Frame {
                voice: *voice,
                energy,
            });
            self.samples.extend(frame);
        }
        self.samples.resize(self.frames.len() * FRAME, 0.0);
    }

    /// Returns the next complete chunk; with `at_end` also the last, shorter one.
    pub(crate) fn next_chunk(&mut self, at_end: bool) -> Option<Chunk> {
        let speech = speech_runs(&self.frames);
        let Some(first) = speech.first() else {
            let undecided = if at_end { 0 } else { MARGIN + MIN_SPEECH };
            self.discard(self.frames.len().saturating_sub(undecided));
            return None;
        };
        self.discard(first.start.saturating_sub(MARGIN));
        if self.frames.len() <= MAX_LENGTH && !at_end {
            return None;
        }
        let end = chunk_end(&self.frames);
        let chunk = Chunk::new(
            self.start,
            self.samples[..end * FRAME].to_vec(),
            &speech_runs(&self.frames[..end]),
        );
        self.discard(end);
        // speech left over after a cut may be too short to count by itself
        chunk.or_else(|| self.next_chunk(at_end))
    }

    fn discard(&mut self, frames: usize) {
        self.frames.drain(..frames);
        self.samples.drain(..frames * FRAME);
        self.start += (frames * FRAME) as u64;
    }
}

impl Chunk {
    fn new(start: u64, samples: Vec<f32>, runs: &[Range<usize>]) -> Option<Self> {
        let speech: Vec<Range<usize>> = runs
            .iter()
            .map(|run| run.start * FRAME..run.end * FRAME)
            .collect();
        (!speech.is_empty()).then_some(Self {
            start,
            samples,
            speech,
        })
    }

    /// Seconds of speech.
    pub(crate) fn speech_seconds(&self) -> f64 {
        let samples: usize = self.speech.iter().map(Range::len).sum();
        samples as f64 / SAMPLE_RATE as f64
    }

    /// Splits it at the quietest moment near the middle; `None` if one part would contain no speech.
    pub(crate) fn split(&self) -> Option<[Self; 2]> {
        let middle = self.samples.len() / 2 / FRAME;
        let frames: Vec<Frame> = self
            .samples
            .chunks(FRAME)
            .map(|frame| Frame {
                voice: 1.0,
                energy: frame.iter().map(|sample| sample * sample).sum(),
            })
            .collect();
        let cut = quietest(&frames, middle / 2..middle + middle / 2)? * FRAME;
        Some([self.part(0..cut)?, self.part(cut..self.samples.len())?])
    }

    fn part(&self, range: Range<usize>) -> Option<Self> {
        let speech: Vec<Range<usize>> = self
            .speech
            .iter()
            .map(|run| run.start.max(range.start)..run.end.min(range.end))
            .filter(|run| !run.is_empty())
            .map(|run| run.start - range.start..run.end - range.start)
            .collect();
        (!speech.is_empty()).then(|| Self {
            start: self.start + range.start as u64,
            samples: self.samples[range].to_vec(),
            speech,
        })
    }
}

/// The end of the first chunk in `frames`.
fn chunk_end(frames: &[Frame]) -> usize {
    let window = &frames[..frames.len().min(MAX_LENGTH)];
    let speech = speech_runs(window);
    let pause = speech
        .windows(2)
        .find(|pair| pair[1].start - pair[0].end >= LONG_PAUSE)
        .map(|pair| pair[0].end);
    let last = speech.last().map_or(0, |run| run.end);
    if let Some(pause) = pause {
        pause + MARGIN
    } else if frames.len() <= MAX_LENGTH || last + LONG_PAUSE <= window.len() {
        (last + MARGIN).min(window.len())
    } else {
        quietest(window, MIN_LENGTH..MAX_LENGTH).unwrap_or(MAX_LENGTH)
    }
}

/// The middle of the quietest 200 ms in a range of frames; energy is weighted by the speech probability.
fn quietest(frames: &[Frame], range: Range<usize>) -> Option<usize> {
    let loudness = |window: &[Frame]| -> f32 {
        window
            .iter()
            .map(|frame| frame.energy * (0.1 + frame.voice))
            .sum()
    };
    frames[range.clone()]
        .windows(CUT_WINDOW)
        .enumerate()
        .min_by(|(_, a), (_, b)| loudness(a).total_cmp(&loudness(b)))
        .map(|(at, _)| range.start + at + CUT_WINDOW / 2)
}

/// The runs of frames that contain speech.
fn speech_runs(frames: &[Frame]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut speaking = false;
    for (at, frame) in frames.iter().enumerate() {
        speaking = frame.voice >= if speaking { OFFSET } else { ONSET };
        if !speaking {
            continue;
        }
        match runs.last_mut() {
            Some(run) if at - run.end <= MAX_BREATH => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs.retain(|run| run.len() >= MIN_SPEECH);
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pushes stretches of `(milliseconds, speech probability, amplitude)` and returns all chunks.
    fn cut(stretches: &[(usize, f32, f32)]) -> Vec<Chunk> {
        let mut chunker = Chunker::default();
        let mut chunks = Vec::new();
        for (ms, voice, loudness) in stretches {
            for _ in 0..frames(*ms) {
                chunker.push(&[*loudness; FRAME], &[*voice]);
                chunks.extend(chunker.next_chunk(false));
            }
        }
        chunks.extend(std::iter::from_fn(|| chunker.next_chunk(true)));
        chunks
    }

    fn seconds(samples: usize) -> f64 {
        samples as f64 / SAMPLE_RATE as f64
    }

    #[test]
    fn silence_and_clicks_produce_no_chunk() {
        assert!(cut(&[]).is_empty());
        assert!(cut(&[(60_000, 0.1, 0.5)]).is_empty());
        assert!(cut(&[(20_000, 0.0, 0.0), (150, 0.9, 0.9), (20_000, 0.0, 0.0)]).is_empty());
    }

    #[test]
    fn a_chunk_is_cut_in_a_pause() {
        let chunks = cut(&[(20_000, 0.9, 0.5), (300, 0.1, 0.01), (20_000, 0.9, 0.5)]);
        assert_eq!(chunks.len(), 2);
        let cut_s = seconds(chunks[0].samples.len());
        assert!((20.0 - 0.1..20.3).contains(&cut_s), "{cut_s}");
        assert_eq!(chunks[1].start, chunks[0].samples.len() as u64);
    }

    #[test]
    fn silence_before_after_and_between_speech_is_left_out() {
        let chunks = cut(&[
            (40_000, 0.0, 0.3),
            (3_000, 0.9, 0.5),
            (6_000, 0.0, 0.3),
            (3_000, 0.9, 0.5),
            (50_000, 0.0, 0.3),
        ]);
        let starts: Vec<u64> = chunks.iter().map(|chunk| chunk.start / 16_000).collect();
        assert_eq!(starts, [39, 48]);
        assert!(
            chunks
                .iter()
                .all(|chunk| seconds(chunk.samples.len()) < 4.0)
        );
        assert!(
            chunks
                .iter()
                .all(|chunk| (2.8..3.1).contains(&chunk.speech_seconds()))
        );
    }

    #[test]
    fn a_split_is_at_the_quietest_moment_and_keeps_all_samples() {
        let [chunk] = &cut(&[(6_000, 0.9, 0.5), (250, 0.9, 0.01), (5_000, 0.9, 0.5)])[..] else {
            panic!("one chunk");
        };
        let [left, right] = chunk.split().unwrap();
        assert!((6.0 - 0.1..6.3).contains(&seconds(left.samples.len())));
        assert_eq!([left.samples, right.samples].concat(), chunk.samples);
        assert_eq!(
            right.start,
            left.start + 6_000 / 1000 * 16_000 + (right.start - left.start) % 16_000
        );
    }

    proptest! {
        #[test]
        fn all_speech_is_in_exactly_one_chunk_of_at_most_29_s(stretches in prop::collection::vec((400_usize..30_000, prop::bool::ANY), 1..8)) {
            let stretches: Vec<(usize, f32, f32)> = stretches.into_iter()
                .map(|(ms, spoken)| if spoken { (ms, 0.9, 0.4) } else { (ms, 0.05, 0.02) }).collect();
            let chunks = cut(&stretches);
            prop_assert!(chunks.iter().all(|chunk| chunk.samples.len() <= 29 * SAMPLE_RATE));
            prop_assert!(chunks.windows(2).all(|pair| pair[0].start + pair[0].samples.len() as u64 <= pair[1].start));
            let inside = |sample: u64| chunks.iter().any(|c| (c.start..c.start + c.samples.len() as u64).contains(&sample));
            let mut at = 0;
            for (ms, voice, _) in stretches {
                let length = (frames(ms) * FRAME) as u64;
                if voice > 0.5 {
                    let lost = (at..at + length).step_by(FRAME).filter(|sample| !inside(*sample)).count();
                    prop_assert!(lost < MIN_SPEECH, "{} frames", lost);
                }
                at += length;
            }
        }
    }
}
