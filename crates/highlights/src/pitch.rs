//! Estimates the fundamental frequency of a voice in a short frame.

/// Range of the pitch of speaking voices, in hertz.
const VOICE_HZ: (f64, f64) = (60.0, 400.0);
/// Minimum normalised autocorrelation of a voiced frame.
const MIN_CORRELATION: f64 = 0.5;
/// Frames below this power (−60 dBFS) are silence.
const MIN_POWER: f64 = 1e-6;

/// The pitch of `samples` in hertz, `None` if unvoiced: the first high peak of the normalised autocorrelation at half the sample rate.
pub(crate) fn pitch_hz(samples: &[f32], sample_rate: u32) -> Option<f64> {
    let half: Vec<f32> = samples
        .chunks_exact(2)
        .map(|pair| f32::midpoint(pair[0], pair[1]))
        .collect();
    let rate = f64::from(sample_rate) / 2.0;
    let (shortest, longest) = ((rate / VOICE_HZ.1) as usize, (rate / VOICE_HZ.0) as usize);
    let window = half.len().checked_sub(longest)?;
    let energy = |from: usize| {
        half[from..from + window]
            .iter()
            .map(|s| f64::from(s * s))
            .sum::<f64>()
    };
    let start = energy(0);
    if window == 0 || start / (window as f64) < MIN_POWER {
        return None;
    }
    let correlations: Vec<f64> = (shortest..=longest)
        .map(|lag| {
            let product: f32 = half[..window]
                .iter()
                .zip(&half[lag..])
                .map(|(a, b)| a * b)
                .sum();
            f64::from(product) / (start * energy(lag)).sqrt().max(f64::MIN_POSITIVE)
        })
        .collect();
    let best = correlations.iter().copied().fold(0.0, f64::max);
    if best < MIN_CORRELATION {
        return None;
    }
    // multiples of the period correlate as well: the first peak close to the maximum is the period itself
    let peak = (1..correlations.len().saturating_sub(1)).find(|&at| {
        correlations[at] >= 0.9 * best
            && correlations[at] >= correlations[at - 1]
            && correlations[at] >= correlations[at + 1]
    })?;
    Some(rate / (shortest + peak) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64) -> Vec<f32> {
        (0..1600)
            .map(|n| {
                let phase = std::f64::consts::TAU * hz * f64::from(n) / 16_000.0;
                (0.2 * phase.sin() + 0.1 * (2.0 * phase).sin()) as f32
            })
            .collect()
    }

    #[test]
    fn the_pitch_of_a_voice_is_estimated() {
        for hz in [80.0, 120.0, 210.0, 330.0] {
            let found = pitch_hz(&tone(hz), 16_000).unwrap();
            assert!((found / hz - 1.0).abs() < 0.03, "{found} for {hz}");
        }
    }

    #[test]
    fn silence_and_noise_have_no_pitch() {
        assert_eq!(pitch_hz(&[0.0; 1600], 16_000), None);
        let mut state = 1_u32;
        let noise: Vec<f32> = (0..1600)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as f32 / 65_536.0 - 0.5
            })
            .collect();
        assert_eq!(pitch_hz(&noise, 16_000), None);
        assert_eq!(pitch_hz(&[], 16_000), None);
    }
}
