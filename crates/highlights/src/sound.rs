//! How a talk sounds: loudness and pitch per short frame, measured in one pass over its samples.

use std::{
    io::{self, Read},
    ops::{Add, Range, Sub},
};

use domain::Segment;

use crate::{
    pitch::pitch_hz,
    stats::{mean_and_deviation, z_scores},
};

/// Sample rate of the input.
pub const SAMPLE_RATE: u32 = 16_000;
/// Length of a frame in milliseconds.
const FRAME_MS: u64 = 100;
const FRAME_BYTES: u64 = SAMPLE_RATE as u64 / 10 * 2;
/// Frames this far below the loudest tenth are silent, in decibels.
const SILENCE_DB: f64 = 30.0;

/// One frame of audio.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Frame {
    /// Root mean square in decibels of full scale.
    loudness_db: f64,
    /// Fundamental frequency in hertz, if the frame is voiced.
    pitch_hz: Option<f64>,
}

/// Loudness and pitch of a whole source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SoundProfile {
    frames: Vec<Frame>,
}

/// How a sentence sounds compared with the other sentences of the talk, in standard deviations.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct SentenceSound {
    /// Its loudness.
    pub(crate) loudness: f64,
    /// Variation of its pitch.
    pub(crate) pitch_variation: f64,
    /// Speech rate.
    pub(crate) rate: f64,
    /// Seconds of non-speech sound right after it: laughter or applause.
    pub(crate) reaction_s: f64,
}

impl Add for SentenceSound {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            loudness: self.loudness + other.loudness,
            pitch_variation: self.pitch_variation + other.pitch_variation,
            rate: self.rate + other.rate,
            reaction_s: self.reaction_s + other.reaction_s,
        }
    }
}

impl Sub for SentenceSound {
    type Output = Self;

    fn sub(self, part: Self) -> Self {
        Self {
            loudness: self.loudness - part.loudness,
            pitch_variation: self.pitch_variation - part.pitch_variation,
            rate: self.rate - part.rate,
            reaction_s: self.reaction_s - part.reaction_s,
        }
    }
}

impl SoundProfile {
    /// Measures a stream of mono samples, signed 16-bit little endian at 16 kHz.
    ///
    /// # Errors
    /// When `pcm` cannot be read.
    pub fn from_pcm(mut pcm: impl Read) -> io::Result<Self> {
        let mut frames = Vec::new();
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            pcm.by_ref().take(FRAME_BYTES).read_to_end(&mut bytes)?;
            let samples: Vec<f32> = bytes
                .chunks_exact(2)
                .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32768.0)
                .collect();
            if !samples.is_empty() {
                frames.push(Frame::of(&samples));
            }
            if (bytes.len() as u64) < FRAME_BYTES {
                return Ok(Self { frames });
            }
        }
    }

    /// How each sentence sounds, normalised over the talk.
    pub(crate) fn sentences(&self, segments: &[Segment]) -> Vec<SentenceSound> {
        let power: Vec<f64> = self
            .frames
            .iter()
            .map(|frame| 10_f64.powf(frame.loudness_db / 10.0))
            .collect();
        let floor_db = self.full_voice_db() - SILENCE_DB / 2.0;
        let loudness: Vec<f64> = segments
            .iter()
            .map(|segment| loudness(&power[self.span(segment.start_ms, segment.end_ms)]))
            .collect();
        let pitch_variation: Vec<f64> = segments
            .iter()
            .map(|segment| self.pitch_variation(segment.start_ms, segment.end_ms))
            .collect();
        let rate: Vec<f64> = segments.iter().map(words_per_second).collect();
        let (loudness, pitch_variation, rate) = (
            z_scores(&loudness),
            z_scores(&pitch_variation),
            z_scores(&rate),
        );
        (0..segments.len())
            .map(|at| SentenceSound {
                loudness: loudness[at],
                pitch_variation: pitch_variation[at],
                rate: rate[at],
                reaction_s: self.reaction_s(segments, at, floor_db),
            })
            .collect()
    }

    /// Indices of the frames in a time range.
    fn span(&self, start_ms: u64, end_ms: u64) -> Range<usize> {
        let to = (end_ms.div_ceil(FRAME_MS) as usize).min(self.frames.len());
        let from = ((start_ms / FRAME_MS) as usize).min(to);
        from..to
    }

    /// The 90th percentile of the loudness of frames, in decibels.
    fn full_voice_db(&self) -> f64 {
        let mut all: Vec<f64> = self.frames.iter().map(|frame| frame.loudness_db).collect();
        all.sort_unstable_by(f64::total_cmp);
        all.get(all.len() * 9 / 10)
            .copied()
            .unwrap_or(f64::NEG_INFINITY)
    }

    /// Standard deviation of the pitch in semitones.
    fn pitch_variation(&self, start_ms: u64, end_ms: u64) -> f64 {
        let semitones: Vec<f64> = self.frames[self.span(start_ms, end_ms)]
            .iter()
            .filter_map(|frame| frame.pitch_hz)
            .map(|hz| 12.0 * hz.log2())
            .collect();
        mean_and_deviation(&semitones).1
    }

    /// Seconds of sound above `floor_db` between a sentence and the next; 0 if less than half a second.
    fn reaction_s(&self, segments: &[Segment], at: usize, floor_db: f64) -> f64 {
        let end_ms = segments[at].end_ms;
        let until_ms = segments.get(at + 1).map_or(u64::MAX, |next| next.start_ms);
        if until_ms <= end_ms + 2 * FRAME_MS {
            return 0.0;
        }
        // the frames at either end may still contain a word
        let gap = self.span(end_ms + FRAME_MS, until_ms.saturating_sub(FRAME_MS));
        let loud = self.frames[gap]
            .iter()
            .take(50)
            .filter(|frame| frame.loudness_db > floor_db)
            .count();
        let seconds = loud as f64 * FRAME_MS as f64 / 1000.0;
        if seconds < 0.5 { 0.0 } else { seconds }
    }
}

impl Frame {
    fn of(samples: &[f32]) -> Self {
        let power = samples.iter().map(|s| f64::from(s * s)).sum::<f64>() / samples.len() as f64;
        Self {
            loudness_db: 10.0 * power.max(1e-9).log10(),
            pitch_hz: pitch_hz(samples, SAMPLE_RATE),
        }
    }
}

/// The mean power of frames, in decibels.
fn loudness(power: &[f64]) -> f64 {
    let mean = power.iter().sum::<f64>() / power.len().max(1) as f64;
    10.0 * mean.max(1e-9).log10()
}

fn words_per_second(segment: &Segment) -> f64 {
    let spoken_ms: u64 = segment
        .words
        .iter()
        .map(|word| word.end_ms - word.start_ms)
        .sum();
    segment.words.len() as f64 * 1000.0 / spoken_ms.max(200) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::segment;

    /// `seconds` of a tone that varies around 150 Hz by `swing` Hz, as bytes.
    fn voice(seconds: f64, amplitude: f64, swing: f64) -> Vec<u8> {
        let mut phase = 0.0;
        (0..(seconds * 16_000.0) as u32)
            .flat_map(|n| {
                let hz = 150.0 + swing * (f64::from(n) / 16_000.0 * 6.0).sin();
                phase += std::f64::consts::TAU * hz / 16_000.0;
                ((amplitude * phase.sin() * 32_767.0) as i16).to_le_bytes()
            })
            .collect()
    }

    #[test]
    fn loudness_pitch_variation_and_reactions_are_measured() {
        let mut pcm = voice(2.0, 0.1, 0.0);
        pcm.extend(voice(0.5, 0.0, 0.0));
        pcm.extend(voice(2.0, 0.5, 60.0));
        pcm.extend(voice(2.0, 0.3, 0.0));
        let segments = [
            segment(0, "A b c.", 2000),
            segment(2500, "D e f.", 2000),
            segment(6500, "G.", 100),
        ];
        let profile = SoundProfile::from_pcm(pcm.as_slice()).unwrap();
        let heard = profile.sentences(&segments);
        assert!(heard[1].loudness > heard[0].loudness);
        assert!(heard[1].pitch_variation > heard[0].pitch_variation);
        assert!(heard[1].reaction_s > 1.0, "{}", heard[1].reaction_s);
        assert!(heard[0].reaction_s.abs() < 1e-9);
    }

    #[test]
    fn the_loudness_percentile_is_computed_once_for_all_sentences() {
        // sorting 72,000 frames for each of 7,200 sentences takes half a minute
        let frame = |at: u32| Frame {
            loudness_db: -f64::from(at.wrapping_mul(2_654_435_761) >> 16) / 1000.0,
            pitch_hz: Some(150.0),
        };
        let profile = SoundProfile {
            frames: (0..72_000).map(frame).collect(),
        };
        let segments: Vec<Segment> = (0..7_200)
            .map(|at| segment(at * 1000, "A b.", 600))
            .collect();
        let begun = std::time::Instant::now();
        assert_eq!(profile.sentences(&segments).len(), 7_200);
        assert!(begun.elapsed() < std::time::Duration::from_secs(3));
    }

    #[test]
    fn the_profile_does_not_depend_on_how_the_stream_is_split() {
        struct Drip<'a>(&'a [u8]);
        impl Read for Drip<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let count = into.len().min(self.0.len()).min(7);
                into[..count].copy_from_slice(&self.0[..count]);
                self.0 = &self.0[count..];
                Ok(count)
            }
        }
        let pcm = voice(0.73, 0.2, 10.0);
        let whole = SoundProfile::from_pcm(pcm.as_slice()).unwrap();
        assert_eq!(whole.frames.len(), 8);
        assert_eq!(SoundProfile::from_pcm(Drip(&pcm)).unwrap(), whole);
        assert_eq!(
            SoundProfile::from_pcm(io::empty()).unwrap(),
            SoundProfile::default()
        );
    }

    #[test]
    fn sound_shorter_than_the_transcript_is_accepted() {
        let segments = [segment(0, "A.", 500), segment(60_000, "B.", 500)];
        assert_eq!(SoundProfile::default().sentences(&segments).len(), 2);
    }
}
