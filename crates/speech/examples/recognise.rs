//! Prints the transcript of raw audio, with time and memory used: `recognise WHISPER_DIR VOICE_MODEL PCM_FILE [LANGUAGE]`.

use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, bail};
use speech::{Options, Recognizer};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (whisper, voice, pcm, language) = match &args[..] {
        [whisper, voice, pcm] => (whisper, voice, pcm, None),
        [whisper, voice, pcm, language] => (whisper, voice, pcm, Some(language.clone())),
        _ => bail!("usage: recognise WHISPER_DIR VOICE_MODEL PCM_FILE [LANGUAGE]"),
    };
    let recognizer = Recognizer::load(Path::new(whisper), Path::new(voice), 2)?;
    let sound = File::open(pcm).with_context(|| format!("cannot open {pcm}"))?;
    let options = Options { language };
    let (began, cpu_before_s) = (Instant::now(), cpu_seconds()?);
    let transcript =
        recognizer.transcribe(sound, &options, &mut |_| {}, &AtomicBool::new(false))?;
    let (wall_s, cpu_s) = (began.elapsed().as_secs_f64(), cpu_seconds()? - cpu_before_s);
    println!("{}", serde_json::to_string(&transcript)?);
    let sound_s = transcript.duration_ms as f64 / 1000.0;
    eprintln!(
        "{sound_s:.1} s of sound, {wall_s:.2} s, RTF {:.4}, CPU {cpu_s:.2} s ({:.4} per second), peak {} MB",
        wall_s / sound_s,
        cpu_s / sound_s,
        peak_mb()?
    );
    Ok(())
}

/// User and system time of this process so far; `/proc/self/stat` counts hundredths of a second.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat
        .rsplit_once(") ")
        .context("unexpected format of /proc/self/stat")?;
    let ticks = |field: usize| fields.split(' ').nth(field).unwrap_or("0").parse::<f64>();
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

fn peak_mb() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = peak
        .and_then(|row| row.split_whitespace().next())
        .unwrap_or("0");
    Ok(kb.parse::<u64>()? / 1024)
}
