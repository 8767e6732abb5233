//! The log-mel spectrogram that Whisper hears.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

use crate::pcm::SAMPLE_RATE;

/// Frames of a full window of 30 s, one each 10 ms.
pub(crate) const WINDOW_FRAMES: usize = 3000;
/// Samples between two frames.
pub(crate) const HOP: usize = SAMPLE_RATE / 100;
/// Samples that one frame looks at.
const FFT_SIZE: usize = 400;
const BINS: usize = FFT_SIZE / 2 + 1;

/// Computes spectrograms; made once, used by many threads.
pub(crate) struct MelSpectrogram {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    filters: Vec<Filter>,
}

/// One triangular filter: the first bin that it lets through, and its weights from there on.
struct Filter {
    first_bin: usize,
    weights: Vec<f32>,
}

impl MelSpectrogram {
    /// A spectrogram of `mels` bands (80, or 128 for large-v3).
    pub(crate) fn new(mels: usize) -> Self {
        let hann = |n: usize| (0.5 - 0.5 * (2.0 * PI * n as f64 / FFT_SIZE as f64).cos()) as f32;
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(FFT_SIZE),
            window: (0..FFT_SIZE).map(hann).collect(),
            filters: filter_bank(mels),
        }
    }

    /// The spectrogram of at most 30 s, band by band, filled up with silence to `WINDOW_FRAMES` frames.
    ///
    /// Values are `log10` of the power, floored 8 below the loudest, then `(x + 4) / 4` (Radford et al. 2022, as published).
    pub(crate) fn compute(&self, samples: &[f32]) -> Vec<f32> {
        let padded = reflect_padded(samples);
        let frames = (samples.len().div_ceil(HOP) + 2).min(WINDOW_FRAMES);
        let mut mel = vec![SILENCE; self.filters.len() * WINDOW_FRAMES];
        let mut input = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        for frame in 0..frames {
            let from = &padded[frame * HOP..frame * HOP + FFT_SIZE];
            for ((slot, sample), weight) in input.iter_mut().zip(from).zip(&self.window) {
                *slot = sample * weight;
            }
            self.fft
                .process(&mut input, &mut spectrum)
                .expect("buffers are those that the transform made");
            let power: Vec<f32> = spectrum
                .iter()
                .map(realfft::num_complex::Complex::norm_sqr)
                .collect();
            for (band, filter) in self.filters.iter().enumerate() {
                mel[band * WINDOW_FRAMES + frame] = filter.apply(&power).max(1e-10).log10();
            }
        }
        let floor = mel.iter().copied().fold(SILENCE, f32::max) - 8.0;
        for value in &mut mel {
            *value = (value.max(floor) + 4.0) / 4.0;
        }
        mel
    }
}

/// `log10` of the least power that is told from none.
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

/// Half a frame of mirrored sound in front, silence behind for the last frames.
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

/// Where Slaney's mel scale turns from linear to logarithmic.
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

    fn loudest_band(mel: &[f32], frame: usize) -> usize {
        let value = |band: &usize| mel[band * WINDOW_FRAMES + frame];
        (0..mel.len() / WINDOW_FRAMES)
            .max_by(|a, b| value(a).total_cmp(&value(b)))
            .unwrap()
    }

    #[test]
    fn a_tone_is_loudest_in_the_band_that_holds_it() {
        for mels in [80, 128] {
            let spectrogram = MelSpectrogram::new(mels);
            for hz in [300.0, 1000.0, 4000.0] {
                let mel = spectrogram.compute(&tone(hz, 1.0));
                let band = (hz_to_mel(hz) / hz_to_mel(8000.0) * (mels + 1) as f64).round() - 1.0;
                let found = loudest_band(&mel, 50) as f64;
                assert!((found - band).abs() <= 1.0, "{mels} {hz} {found} {band}");
            }
        }
    }

    #[test]
    fn values_lie_within_two_of_the_loudest_and_silence_is_flat() {
        let mel = MelSpectrogram::new(80).compute(&tone(440.0, 2.0));
        let top = mel.iter().copied().fold(f32::MIN, f32::max);
        assert!(mel.iter().all(|value| (top - value) <= 2.0 + 1e-6));
        assert_eq!(mel.len(), 80 * WINDOW_FRAMES);
        let silent = MelSpectrogram::new(80).compute(&vec![0.0; 16_000]);
        assert!(silent.iter().all(|value| (value + 1.5).abs() < 1e-6));
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
        let mel = MelSpectrogram::new(80).compute(&vec![0.1; 30 * SAMPLE_RATE]);
        assert!(mel.iter().all(|value| value.is_finite()));
    }
}
