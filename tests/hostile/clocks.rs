//! Files whose sound is not where its clock says.

use std::{fs, time::Instant};

use crate::trial::{Running, Trial};

/// Six seconds of picture; sound of eight channels that jumps by `jump` seconds after three.
fn jumping(trial: &Trial, name: &str, jump: u32) {
    trial.make(
        name,
        &format!(
            "-f lavfi -i color=black:s=320x180:r=5:d=6 -f lavfi -i sine=d=6:r=48000 -c:v libx264 -preset ultrafast \
             -af asetpts='PTS+gte(T,3)*{jump}/TB',aformat=channel_layouts=7.1 -c:a pcm_s16le"
        ),
    );
}

/// Lets a Matroska file say that it lasts six seconds, and its sound too.
fn shorten(trial: &Trial, name: &str) {
    const DURATION: [u8; 3] = [0x44, 0x89, 0x88];
    let mut bytes = fs::read(trial.path(name)).expect("a file");
    let at = bytes.windows(3).position(|id| id == DURATION);
    let at = at.expect("its length") + DURATION.len();
    bytes[at..at + 8].copy_from_slice(&6000_f64.to_be_bytes());
    let tag = b"DURATION";
    let tags: Vec<usize> = (0..bytes.len() - 40)
        .filter(|&at| bytes[at..].starts_with(tag))
        .collect();
    for at in tags {
        let text = &mut bytes[at + tag.len()..at + 40];
        let from = text
            .windows(3)
            .position(|part| part == b"00." || part == b"06.");
        let from = from.expect("a length") - 6;
        text[from..from + 8].copy_from_slice(b"00:00:06");
    }
    fs::write(trial.path(name), bytes).expect("a file");
}

/// Chooses clips from the words of the talk and from this file; gives the most memory that a program took, in MB.
fn planned(trial: &Trial, source: &str) -> u64 {
    let args = ["plan", "transcript.json", "--source", source];
    let begun = Instant::now();
    let running =
        Running::start(
            trial
                .command(args)
                .args(["-o", "out.json", "--min-clip-seconds", "5"]),
        );
    let (ran, peak) = running.end_with_peak(trial);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
    peak >> 20
}

/// Some hundred kilobytes, which took 3 GB when every gap was filled.
#[test]
fn sound_whose_clock_jumps_ends_at_the_jump() {
    let trial = Trial::new();
    trial.plan(6000);
    // beyond what the file says of its own length, beyond the limit of a gap, and right below that
    jumping(&trial, "short.mkv", 30_000);
    shorten(&trial, "short.mkv");
    jumping(&trial, "long.mkv", 10_000);
    jumping(&trial, "gap.mkv", 3_590);
    for source in ["short.mkv", "long.mkv", "gap.mkv"] {
        let peak = planned(&trial, source);
        assert!((1..400).contains(&peak), "{source}: {peak} MB");
    }
}
