//! Subtitle files shipped beside a clip: `SubRip` and `WebVTT`.

use std::fmt::Write;

use crate::{Cue, escape};

/// Writes cues as a `SubRip` file.
pub fn srt(cues: &[Cue]) -> String {
    let mut file = String::new();
    for (number, cue) in (1..).zip(cues) {
        let text = escape::for_srt(&cue.lines.join("\n"));
        let (start, end) = (timestamp(cue.start_ms, ','), timestamp(cue.end_ms, ','));
        // writing to a string cannot fail
        let _ = write!(file, "{number}\n{start} --> {end}\n{text}\n\n");
    }
    file
}

/// Writes cues as a `WebVTT` file.
pub fn vtt(cues: &[Cue]) -> String {
    let mut file = String::from("WEBVTT\n\n");
    for cue in cues {
        let text = escape::for_vtt(&cue.lines.join("\n"));
        let (start, end) = (timestamp(cue.start_ms, '.'), timestamp(cue.end_ms, '.'));
        // writing to a string cannot fail
        let _ = write!(file, "{start} --> {end}\n{text}\n\n");
    }
    file
}

fn timestamp(ms: u64, point: char) -> String {
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{ms:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_have_all_fields() {
        assert_eq!(timestamp(0, ','), "00:00:00,000");
        assert_eq!(timestamp(3_723_004, '.'), "01:02:03.004");
    }
}
