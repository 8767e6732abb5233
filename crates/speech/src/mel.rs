//! The log-mel spectrogram that Whisper takes as input.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

use crate::pcm::SAMPLE_RATE;

/// Frames of a full 30 s window, one every 10 ms.
const WINDOW_FRAMES: usize = 3000;
/// Frames of silence behind the audio, and minimum number of frames: with fewer the model hallucinates text.
const TAIL_FRAMES: usize = 200;
const MIN_FRAMES: usize = 1000;
/// Samples between two frames.
const HOP: usize = SAMPLE_RATE / 100;
/// Samples in the window of one frame.
const FFT_SIZE: usize = 400;
const BINS: usize = FFT_SIZE / 2 + 1;

/// Computes spectrograms; created once, shared by all threads.
pub(crate) struct MelSpectrogram {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    filters: Vec<Filter>,
}

/// One triangular filter: its first non-zero bin and the weights from there on.
struct Filter {
    first_bin: usize,
    weights: Vec<f32>,
}

/// The spectrogram of a stretch of audio, not yet padded.
pub(crate) struct Spectrogram {
    /// Band by band, each of `frames` values.
    values: Vec<f32>,
    frames: usize,
    /// The value of a silent frame.
    silence: f32,
    /// Frames that lie completely inside the audio.
    pub(crate) audio_frames: usize,
}

impl Spectrogram {
    /// The values, band by band, of exactly `width` frames: padded with silence, or truncated.
    pub(crate) fn padded_to(&self, width: usize) -> impl Iterator<Item = f32> {
        self.values.chunks(self.frames).flat_map(move |band| {
            let silence = std::iter::repeat(self.silence);
            band.iter().copied().chain(silence).take(width)
        })
    }
}

/// The width in frames to which spectrograms of a batch are padded. The encoder takes any width up to 30 s, and its time grows
/// with the width.
pub(crate) fn common_width(spectrograms: &[Spectrogram]) -> usize {
    let longest = spectrograms
        .iter()
        .map(|one| one.audio_frames)
        .max()
        .unwrap_or(0);
    (longest + TAIL_FRAMES)
        .next_multiple_of(2)
        .clamp(MIN_FRAMES, WINDOW_FRAMES)
}

impl MelSpectrogram {
    /// Prepares spectrograms of `mels` bands (80, or 128 for large-v3).
    pub(crate) fn new(mels: usize) -> Self {
        let hann = |n: usize| (0.5 - 0.5 * (2.0 * PI * n as f64 / FFT_SIZE as f64).cos()) as f32;
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(FFT_SIZE),
            window: (0..FFT_SIZE).map(hann).collect(),
            filters: filter_bank(mels),
        }
    }

    /// Computes the spectrogram of at most 30 s.
    ///
    /// Values are `log10` of the power, floored 8 below the loudest, then `(x + 4) / 4` (Radford et al. 2022, as published).
    pub(crate) fn compute(&self, samples: &[f32]) -> Spectrogram {
        let padded = reflect_padded(samples);
        let frames = (samples.len().div_ceil(HOP) + 2).min(WINDOW_FRAMES);
        let mut values = vec![SILENCE; self.filters.len() * frames];
        let mut input = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        for frame in 0..frames {
            let from = &padded[frame * HOP..frame * HOP + FFT_SIZE];
            for ((slot, sample), weight) in input.iter_mut().zip(from).zip(&self.window) {
                *slot = sample * weight;
            }
            self.fft
                .process(&mut input, &mut spectrum)
                .expect("the buffers were made by the transform");
            let power: Vec<f32> = spectrum
                .iter()
                .map(realfft::num_complex::Complex::norm_sqr)
                .collect();
            for (band, filter) in self.filters.iter().enumerate() {
                values[band * frames + frame] = filter.apply(&power).max(1e-10).log10();
            }
        }
        let floor = values.iter().copied().fold(SILENCE, f32::max) - 8.0;
        let scaled = |value: f32| (value.max(floor) + 4.0) / 4.0;
        for value in &mut values {
            *value = scaled(*value);
        }
        Spectrogram {
            values,
            frames,
            silence: scaled(SILENCE),
            audio_frames: (samples.len() / HOP).min(WINDOW_FRAMES),
        }
    }
}

/// `log10` of the smallest power that is distinguished from silence.
const SILENCE: f32 = -10.0;

impl Filter {
    fn apply(&self, power: &[f32]) -> f32 {
        self.weights
            .iter()
            .zip(&power[self.first_bin..])
            .map(|(weight, power)| weight * power)
            .sum()
    }
}

/// Pads with half a window of mirrored audio in front, and with silence behind for the last frames.
fn reflect_padded(samples: &[f32]) -> Vec<f32> {
    let half = FFT_SIZE / 2;
    let mirrored = (1..=half)
        .rev()
        .map(|at| samples.get(at).copied().unwrap_or(0.0));
    let behind = std::iter::repeat_n(0.0, FFT_SIZE + 3 * HOP);
    mirrored
        .chain(samples.iter().copied())
        .chain(behind)
        .collect()
}

/// Triangles evenly spaced on the mel scale, each of unit area (Slaney's Auditory Toolbox).
fn filter_bank(mels: usize) -> Vec<Filter> {
    let top = hz_to_mel(SAMPLE_RATE as f64 / 2.0);
    let edges: Vec<f64> = (0..mels + 2)
        .map(|edge| mel_to_hz(top * edge as f64 / (mels + 1) as f64))
        .collect();
    edges.windows(3).map(triangle).collect()
}

fn triangle(edges: &[f64]) -> Filter {
    let (low, centre, high) = (edges[0], edges[1], edges[2]);
    let weights: Vec<f32> = (0..BINS)
        .map(|bin| {
            let hz = (bin * SAMPLE_RATE) as f64 / FFT_SIZE as f64;
            let rising = (hz - low) / (centre - low);
            let falling = (high - hz) / (high - centre);
            (rising.min(falling).max(0.0) * 2.0 / (high - low)) as f32
        })
        .collect();
    let first_bin = weights.iter().position(|w| *w > 0.0).unwrap_or(0);
    let end = weights
        .iter()
        .rposition(|w| *w > 0.0)
        .map_or(0, |bin| bin + 1);
    Filter {
        first_bin,
        weights: weights[first_bin..end.max(first_bin)].to_vec(),
    }
}

/// Where Slaney's mel scale changes from linear to logarithmic.
const LOG_FROM_HZ: f64 = 1000.0;
const HZ_PER_MEL: f64 = 200.0 / 3.0;

fn log_step() -> f64 {
    6.4_f64.ln() / 27.0
}

fn hz_to_mel(hz: f64) -> f64 {
    if hz < LOG_FROM_HZ {
        hz / HZ_PER_MEL
    } else {
        LOG_FROM_HZ / HZ_PER_MEL + (hz / LOG_FROM_HZ).ln() / log_step()
    }
}

fn mel_to_hz(mel: f64) -> f64 {
    let turn = LOG_FROM_HZ / HZ_PER_MEL;
    if mel < turn {
        mel * HZ_PER_MEL
    } else {
        LOG_FROM_HZ * ((mel - turn) * log_step()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, seconds: f64) -> Vec<f32> {
        (0..(seconds * SAMPLE_RATE as f64) as usize)
            .map(|n| (0.5 * (2.0 * PI * hz * n as f64 / SAMPLE_RATE as f64).sin()) as f32)
            .collect()
    }

    fn loudest_band(spectrogram: &Spectrogram, frame: usize) -> usize {
        let value = |band: &usize| spectrogram.values[band * spectrogram.frames + frame];
        (0..spectrogram.values.len() / spectrogram.frames)
            .max_by(|a, b| value(a).total_cmp(&value(b)))
            .unwrap()
    }

    #[test]
    fn a_tone_is_loudest_in_the_band_that_contains_it() {
        for mels in [80, 128] {
            let mel = MelSpectrogram::new(mels);
            for hz in [300.0, 1000.0, 4000.0] {
                let spectrogram = mel.compute(&tone(hz, 1.0));
                let band = (hz_to_mel(hz) / hz_to_mel(8000.0) * (mels + 1) as f64).round() - 1.0;
                let found = loudest_band(&spectrogram, 50) as f64;
                assert!((found - band).abs() <= 1.0, "{mels} {hz} {found} {band}");
            }
        }
    }

    #[test]
    fn values_lie_within_two_of_the_loudest_and_silence_is_flat() {
        let spectrogram = MelSpectrogram::new(80).compute(&tone(440.0, 2.0));
        let top = spectrogram.values.iter().copied().fold(f32::MIN, f32::max);
        assert!(
            spectrogram
                .values
                .iter()
                .all(|value| (top - value) <= 2.0 + 1e-6)
        );
        let silent = MelSpectrogram::new(80).compute(&vec![0.0; 16_000]);
        assert!(
            silent
                .padded_to(500)
                .all(|value| (value + 1.5).abs() < 1e-6)
        );
    }

    #[test]
    fn all_bands_are_padded_to_one_width() {
        let [short, long] = [2.0, 12.0].map(|s| MelSpectrogram::new(80).compute(&tone(440.0, s)));
        assert_eq!((short.audio_frames, long.audio_frames), (200, 1200));
        for width in [100, 1400] {
            let values: Vec<f32> = short.padded_to(width).collect();
            assert_eq!(values.len(), 80 * width);
            assert_eq!(
                values[width..2 * width][..100],
                short.values[short.frames..][..100]
            );
        }
        assert_eq!(common_width(std::slice::from_ref(&short)), MIN_FRAMES);
        assert_eq!(common_width(&[short, long]), 1400);
    }

    #[test]
    fn filters_have_unit_area_and_the_published_first_weight() {
        let bank = filter_bank(80);
        assert!((bank[0].weights[0] - 0.024_862_6).abs() < 1e-5);
        let area: f32 = bank[79].weights.iter().sum::<f32>() * 40.0;
        assert!((area - 1.0).abs() < 0.02, "{area}");
    }

    #[test]
    fn a_full_window_fits() {
        let full = MelSpectrogram::new(80).compute(&vec![0.1; 30 * SAMPLE_RATE]);
        assert!(full.values.iter().all(|value| value.is_finite()));
        assert_eq!(common_width(&[full]), WINDOW_FRAMES);
    }
}
