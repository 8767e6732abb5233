//! Which channels of a sound carry the voice: cameras and mixers write layouts that mean nothing to a resampler, with silent channels among
//! them, and interviews have one side dead.

use std::path::Path;

use domain::{Failure, Stage};

use super::unsupported;
use crate::{
    children::time_to_look,
    ffmpeg::{
        command::{Arguments, CallError, run_up_to},
        media::{Mix, Sound},
    },
    setup::Home,
};

/// Parts of the sound that are listened to, evenly spread, and their length in seconds.
const PARTS: u64 = 8;
const PART_S: u64 = 4;

/// What the voice detector takes.
const SAMPLE_RATE: u64 = 16_000;

/// Layouts that ffmpeg mixes down as they are meant: front, centre and sides together, without the channel for deep tones.
const KNOWN: [&str; 18] = [
    "mono",
    "stereo",
    "2.1",
    "3.0",
    "3.0(back)",
    "3.1",
    "4.0",
    "4.1",
    "quad",
    "quad(side)",
    "5.0",
    "5.0(side)",
    "5.1",
    "5.1(side)",
    "6.1",
    "7.0",
    "7.1",
    "7.1(wide)",
];

/// The place of the channel for deep tones in 5.1 and all that has more.
const DEEP: usize = 3;

/// A channel that is quieter than the loudest by more than this is dead: noise of an open input at most.
const DEAD: f64 = 0.03;

/// How the channels of a sound are to be mixed, found by listening to parts of it.
///
/// # Errors
/// When the sound cannot be decoded at all.
pub(super) async fn mix(
    home: &Home,
    path: &Path,
    sound: &Sound,
    duration_ms: u64,
) -> Result<Mix, Failure> {
    let channels = sound.channels as usize;
    if channels < 2 {
        return Ok(Mix::Usual);
    }
    let samples = parts(home, path, sound, duration_ms).await?;
    if channels == 2 {
        return Ok(of_two(&samples));
    }
    let speakers = speakers(&samples, &voiced_seconds(home, &samples)?);
    let is_known = (sound.layout.as_deref()).is_some_and(|layout| KNOWN.contains(&layout));
    if is_known && speakers != [DEEP] {
        return Ok(Mix::Usual);
    }
    Ok(Mix::Only(speakers))
}

/// Whether somebody speaks in a track; one that cannot be decoded has no voice.
///
/// # Errors
/// When the voice detector is missing.
pub(super) async fn has_voice(
    home: &Home,
    path: &Path,
    sound: &Sound,
    duration_ms: u64,
) -> Result<bool, Failure> {
    let Ok(samples) = parts(home, path, sound, duration_ms).await else {
        return Ok(false);
    };
    let voiced = voiced_seconds(home, &samples)?;
    Ok(voiced.iter().any(|seconds| *seconds > 0.0))
}

/// Seconds of speech in each channel.
fn voiced_seconds(home: &Home, samples: &[Vec<f32>]) -> Result<Vec<f64>, Failure> {
    let voice = home
        .model(Stage::Download, "models/silero-vad")?
        .join("model.onnx");
    let voiced = tokio::task::block_in_place(|| speech::voiced_seconds(&voice, samples));
    voiced.map_err(|why| Failure::setup(Stage::Download, why.to_string()))
}

/// Two sides stay as they are, unless one is dead or the inverse of the other in any part of the sound: mixed, an inverted pair is silent,
/// and a voice on one side alone is unpleasant in headphones. Where each side is dead in turn, as with a microphone a side, both sides get
/// both.
fn of_two(samples: &[Vec<f32>]) -> Mix {
    let levels = [level(&samples[0]), level(&samples[1])];
    let loudest = usize::from(levels[1] > levels[0]);
    let parts = || {
        let length = (PART_S * SAMPLE_RATE) as usize;
        let pairs = samples[0].chunks(length).zip(samples[1].chunks(length));
        pairs.filter(|(left, right)| level(left).max(level(right)) > levels[loudest] * DEAD)
    };
    if parts().any(|(left, right)| is_inverted(left, right)) {
        return Mix::Only(vec![loudest]);
    }
    let is_dead = |side: &[f32], other: &[f32]| level(side) < level(other) * DEAD;
    let left_dead = parts().any(|(left, right)| is_dead(left, right));
    let right_dead = parts().any(|(left, right)| is_dead(right, left));
    match (left_dead, right_dead) {
        (true, true) => Mix::Only(vec![0, 1]),
        (true, false) => Mix::Only(vec![1]),
        (false, true) => Mix::Only(vec![0]),
        (false, false) => Mix::Usual,
    }
}

/// Whether the sum of both sides is nearly silent; of unrelated sides it has as much energy as both.
fn is_inverted(left: &[f32], right: &[f32]) -> bool {
    let energy = |samples: &mut dyn Iterator<Item = f32>| -> f64 {
        samples.map(|sample| f64::from(sample).powi(2)).sum()
    };
    let together = energy(&mut left.iter().zip(right).map(|(left, right)| left + right));
    let apart = energy(&mut left.iter().chain(right).copied());
    apart > 0.0 && together < 0.05 * apart
}

/// The channels in which somebody speaks; where nobody is heard to, those that are not dead.
fn speakers(samples: &[Vec<f32>], voiced: &[f64]) -> Vec<usize> {
    let most_voiced = voiced.iter().copied().fold(0.0, f64::max);
    let levels: Vec<f64> = samples.iter().map(|channel| level(channel)).collect();
    let loudest = levels.iter().copied().fold(0.0, f64::max);
    let speaks = |channel: &usize| {
        levels[*channel] > loudest * DEAD
            && (most_voiced == 0.0 || voiced[*channel] >= most_voiced / 4.0)
    };
    let found: Vec<usize> = (0..samples.len()).filter(speaks).collect();
    // all of it is silent
    if found.is_empty() { vec![0] } else { found }
}

/// The root of the mean square.
fn level(samples: &[f32]) -> f64 {
    let squares: f64 = samples.iter().map(|one| f64::from(*one).powi(2)).sum();
    (squares / samples.len().max(1) as f64).sqrt()
}

/// Parts of a sound, channel by channel.
async fn parts(
    home: &Home,
    path: &Path,
    sound: &Sound,
    duration_ms: u64,
) -> Result<Vec<Vec<f32>>, Failure> {
    let ffmpeg = home.program(Stage::Download, "ffmpeg")?;
    let channels = sound.channels as usize;
    let mut samples = vec![Vec::new(); channels];
    let end_s = duration_ms / 1000;
    let step_s = (end_s.saturating_sub(PART_S) / PARTS).max(PART_S);
    for from_s in (0..PARTS).map(|part| part * step_s) {
        if from_s > end_s {
            break;
        }
        let args = arguments(path, sound.index, from_s);
        let most = (PART_S * SAMPLE_RATE) as usize * 2 * channels;
        let (pcm, _) = run_up_to(&ffmpeg, &args, time_to_look(), most)
            .await
            .map_err(|why| failure(&why))?;
        for moment in pcm.chunks_exact(2 * channels) {
            for (channel, bytes) in samples.iter_mut().zip(moment.chunks_exact(2)) {
                let sample = i16::from_le_bytes([bytes[0], bytes[1]]);
                channel.push(f32::from(sample) / 32_768.0);
            }
        }
    }
    Ok(samples)
}

fn arguments(path: &Path, stream: usize, from_s: u64) -> Arguments {
    Arguments::new()
        .words(&format!(
            "-hide_banner -nostdin -loglevel error -vn -sn -dn -ss {from_s} -t {PART_S}"
        ))
        .input(path, domain::limits::MAX_PIXELS)
        .words(&format!(
            "-map 0:{stream} -af aresample={SAMPLE_RATE},atrim=end={PART_S} -f s16le pipe:1"
        ))
}

fn failure(why: &CallError) -> Failure {
    why.at_limit(Stage::Download)
        .unwrap_or_else(|| unsupported(format!("the sound cannot be decoded: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(level: f32) -> Vec<f32> {
        (0..1600)
            .map(|at| level * (at as f32 * 0.3).sin())
            .collect()
    }

    fn noise(level: f32) -> Vec<f32> {
        (0..1600_u32)
            .map(|at| level * ((at.wrapping_mul(2_654_435_761) >> 16) as f32 / 32_768.0 - 1.0))
            .collect()
    }

    #[test]
    fn a_dead_side_and_an_opposite_one_are_left_out() {
        assert_eq!(of_two(&[tone(0.3), noise(0.2)]), Mix::Usual);
        assert_eq!(of_two(&[tone(0.3), tone(0.3)]), Mix::Usual);
        assert_eq!(of_two(&[vec![0.0; 1600], vec![0.0; 1600]]), Mix::Usual);
        assert_eq!(of_two(&[noise(0.001), tone(0.3)]), Mix::Only(vec![1]));
        assert_eq!(of_two(&[tone(0.3), tone(-0.3)]), Mix::Only(vec![0]));
    }

    /// Parts one after the other, each as long as those that are listened to.
    fn in_turn(parts: &[f32]) -> Vec<f32> {
        let length = (PART_S * SAMPLE_RATE) as usize;
        let part = |&level: &f32| (0..length).map(move |at| level * (at as f32 * 0.3).sin());
        parts.iter().flat_map(part).collect()
    }

    #[test]
    fn each_part_of_the_sound_is_judged() {
        let both = in_turn(&[0.3, 0.3, 0.3]);
        let inverted_later = in_turn(&[0.3, 0.3, -0.25]);
        assert_eq!(of_two(&[both.clone(), inverted_later]), Mix::Only(vec![0]));
        assert_eq!(
            of_two(&[in_turn(&[0.3, 0.0]), in_turn(&[0.0, 0.2])]),
            Mix::Only(vec![0, 1]),
            "a microphone a side"
        );
        assert_eq!(
            of_two(&[both.clone(), in_turn(&[0.3, 0.3, 0.0])]),
            Mix::Only(vec![0])
        );
        assert_eq!(
            of_two(&[in_turn(&[0.3, 0.0]), in_turn(&[0.2, 0.0])]),
            Mix::Usual,
            "a pause"
        );
    }

    #[test]
    fn whoever_speaks_is_taken_and_hum_and_silence_are_not() {
        let samples = [
            vec![0.0; 1600],
            tone(0.3),
            tone(0.2),
            noise(0.4),
            noise(0.001),
        ];
        assert_eq!(speakers(&samples, &[0.0, 20.0, 6.0, 1.0, 20.0]), [1, 2]);
        assert_eq!(speakers(&samples, &[0.0; 5]), [1, 2, 3]);
        assert_eq!(speakers(&[vec![0.0; 9], vec![0.0; 9]], &[0.0; 2]), [0]);
    }
}
