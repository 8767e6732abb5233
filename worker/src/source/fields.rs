//! Whether the frames of a source are two interleaved half-pictures, and which of them comes first: what a file says of it is often wrong
//! or missing, so that the frames themselves decide.

use std::path::Path;

use domain::{Failure, Stage};

use crate::{
    children::time_to_look,
    ffmpeg::{
        command::{Arguments, run_up_to},
        media::{FieldOrder, Video},
    },
    setup::Home,
};

/// Parts of the picture that are looked at, evenly spread, and the frames of each.
const PARTS: u64 = 4;
const FRAMES: u64 = 25;
/// Bytes of ffmpeg's report on one part at most.
const MOST_BYTES: usize = 1 << 20;

/// Nobody interlaces pictures that are higher or quicker than these.
const MOST_LINES: u32 = 1088;
const QUICKEST: f64 = 31.0;

/// The part of the frames that are interleaved where a picture is interlaced: two in five of a film that was stretched to 30 frames a
/// second. Fine patterns make a few frames of other pictures look like it.
const INTERLACED: f64 = 0.2;
/// Fewer frames than these in which something moves say nothing.
const LEAST: f64 = 8.0;

/// The order of the half-pictures; none where frames are whole. Where nothing moves, what the file says is taken.
///
/// # Errors
/// When ffmpeg is missing.
pub(super) async fn order(
    home: &Home,
    path: &Path,
    video: &Video,
    duration_ms: u64,
) -> Result<Option<FieldOrder>, Failure> {
    if video.stored.height > MOST_LINES || video.frame_rate.get() > QUICKEST {
        return Ok(video.interlaced);
    }
    let ffmpeg = home.program(Stage::Download, "ffmpeg")?;
    let mut counted = Counted::default();
    for number in 0..PARTS {
        let at_ms = duration_ms * (2 * number + 1) / (2 * PARTS);
        let args = Arguments::new()
            .words("-hide_banner -nostdin -loglevel error -ss")
            .arg(format!("{:.3}", at_ms as f64 / 1000.0))
            .input(path, domain::limits::MAX_PIXELS)
            .words(&format!(
                "-map 0:{} -frames:v {FRAMES} -fps_mode passthrough -vf idet,metadata=mode=print:file=pipe\\\\:1 -f null -",
                video.index
            ));
        // a part that cannot be decoded says nothing
        if let Ok((report, _)) = run_up_to(&ffmpeg, &args, time_to_look(), MOST_BYTES).await {
            counted.add(&String::from_utf8_lossy(&report));
        }
    }
    Ok(counted.order(video.interlaced))
}

/// Frames of each kind.
#[derive(Debug, Default)]
struct Counted {
    top_first: f64,
    bottom_first: f64,
    whole: f64,
}

impl Counted {
    /// Adds what the filter `idet` found in a part: its counts go up from frame to frame, so that the last ones hold.
    fn add(&mut self, report: &str) {
        let last = |key: &str| {
            let mut lines = report.lines().rev();
            lines
                .find_map(|line| line.strip_prefix(key))
                .and_then(|value| value.parse().ok())
                .unwrap_or(0.0)
        };
        self.top_first += last("lavfi.idet.multiple.tff=");
        self.bottom_first += last("lavfi.idet.multiple.bff=");
        self.whole += last("lavfi.idet.multiple.progressive=");
    }

    fn order(&self, said: Option<FieldOrder>) -> Option<FieldOrder> {
        let interlaced = self.top_first + self.bottom_first;
        if interlaced + self.whole < LEAST {
            return said;
        }
        if interlaced <= INTERLACED * (interlaced + self.whole) {
            None
        } else if self.bottom_first > self.top_first {
            Some(FieldOrder::BottomFirst)
        } else {
            Some(FieldOrder::TopFirst)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(top_first: u32, bottom_first: u32, whole: u32) -> Counted {
        let mut counted = Counted::default();
        counted.add(&format!(
            "frame:0 pts:0\nlavfi.idet.multiple.tff=1.00\nframe:1 pts:1\nlavfi.idet.multiple.tff={top_first}.00\n\
             lavfi.idet.multiple.bff={bottom_first}.00\nlavfi.idet.multiple.progressive={whole}.00\n"
        ));
        counted
    }

    #[test]
    fn the_frames_decide_and_where_nothing_moves_the_file() {
        let (top, bottom) = (Some(FieldOrder::TopFirst), Some(FieldOrder::BottomFirst));
        assert_eq!(counted(80, 0, 5).order(None), top);
        assert_eq!(counted(2, 80, 5).order(top), bottom);
        assert_eq!(counted(0, 40, 60).order(None), bottom, "a stretched film");
        assert_eq!(counted(0, 0, 90).order(top), None);
        assert_eq!(counted(6, 3, 90).order(None), None, "a fine pattern");
        assert_eq!(counted(0, 0, 3).order(bottom), bottom);
        assert_eq!(counted(3, 0, 0).order(None), None);
    }
}
