//! A few frames of a source in shades of grey, to see what holds for all of it.

use std::path::Path;

use domain::{Failure, Size, Stage};

use crate::{
    children::time_to_look,
    ffmpeg::{
        command::{Arguments, run_up_to},
        media::Video,
    },
    setup::Home,
};

/// Frames that are looked at, evenly spread.
const FRAMES: u64 = 12;
/// The longer side of a frame as it is looked at, in pixels.
const LONGER_SIDE: u32 = 640;

/// Frames in shades of grey, all of one size.
#[derive(Debug)]
pub(super) struct Frames {
    pub(super) size: Size,
    /// Line by line from the top.
    pub(super) grey: Vec<Vec<u8>>,
}

impl Frames {
    pub(super) fn width(&self) -> usize {
        self.size.width as usize
    }

    pub(super) fn height(&self) -> usize {
        self.size.height as usize
    }
}

/// Looks at what is shown of key frames alone, which are quick to come to. Each is the one before its moment, so that its time is
/// before the start; one that cannot be decoded is left out.
///
/// # Errors
/// When ffmpeg is missing.
pub(super) async fn frames(
    home: &Home,
    path: &Path,
    video: &Video,
    duration_ms: u64,
) -> Result<Frames, Failure> {
    let ffmpeg = home.program(Stage::Download, "ffmpeg")?;
    let size = looked_at(video.visible());
    let crop = video
        .crop()
        .map_or_else(String::new, |crop| format!("{crop},"));
    let bytes = (size.width * size.height) as usize;
    let mut grey = Vec::new();
    for number in 0..FRAMES {
        let at_ms = duration_ms * (2 * number + 1) / (2 * FRAMES);
        let args = Arguments::new()
            .words("-hide_banner -nostdin -loglevel error -skip_frame nokey -noaccurate_seek -ss")
            .arg(format!("{:.3}", at_ms as f64 / 1000.0))
            .input(path, domain::limits::MAX_PIXELS)
            .words(&format!(
                "-map 0:{} -frames:v 1 -fps_mode passthrough -vf {crop}scale={}:{}:flags=area,format=gray -f rawvideo pipe:1",
                video.index, size.width, size.height
            ));
        if let Ok((frame, _)) = run_up_to(&ffmpeg, &args, time_to_look(), bytes).await
            && frame.len() == bytes
        {
            grey.push(frame);
        }
    }
    Ok(Frames { size, grey })
}

fn looked_at(upright: Size) -> Size {
    let longer = f64::from(upright.width.max(upright.height));
    let scale = (f64::from(LONGER_SIDE) / longer).min(1.0);
    let side = |pixels: u32| ((f64::from(pixels) * scale).round() as u32).max(1);
    Size {
        width: side(upright.width),
        height: side(upright.height),
    }
}
