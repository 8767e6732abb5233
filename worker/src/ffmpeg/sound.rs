//! Sound as speech recognition and the planner take it: 16 kHz, mono, 16 bits, as a stream.

use std::{fs::File, path::Path, process::Stdio};

use domain::{ErrorCode, Failure, Stage, TimeRange};

use super::command::{Arguments, NO_PIXEL_LIMIT, Running, start};
use crate::setup::Home;

/// ffmpeg at work on a sound stream.
#[derive(Debug)]
pub(crate) struct Decoding {
    stage: Stage,
    running: Running,
}

/// Starts to decode a sound stream, all of it or a window, for a stage; the file gives the samples as they come, little endian.
///
/// Time runs from the start of the window, silence filling what the stream leaves out.
///
/// # Errors
/// When ffmpeg is missing or cannot be started.
pub(crate) fn decode(
    home: &Home,
    stage: Stage,
    file: &Path,
    stream: usize,
    window: Option<TimeRange>,
) -> Result<(Decoding, File), Failure> {
    let ffmpeg = home.program(stage, "ffmpeg")?;
    let failed = |why: &dyn std::fmt::Display| Failure::internal(stage, why);
    let args = arguments(file, stream, window);
    let mut running = start(&ffmpeg, &args, Stdio::piped(), None).map_err(|why| failed(&why))?;
    let stdout = running.child.stdout.take();
    let stdout = stdout.ok_or_else(|| failed(&"ffmpeg has no output"))?;
    let pcm = File::from(stdout.into_owned_fd().map_err(|why| failed(&why))?);
    Ok((Decoding { stage, running }, pcm))
}

impl Decoding {
    /// Waits for the end and gives what ffmpeg said.
    ///
    /// # Errors
    /// `source_unsupported` when the sound cannot be decoded.
    pub(crate) async fn finish(self) -> Result<String, Failure> {
        let Self { stage, running } = self;
        running.finish().await.map_err(|why| {
            let message = format!("the sound cannot be decoded: {why}");
            Failure::input(stage, ErrorCode::SourceUnsupported, message)
        })
    }
}

fn arguments(file: &Path, stream: usize, window: Option<TimeRange>) -> Arguments {
    let seconds = |ms: u64| format!("{:.3}", ms as f64 / 1000.0);
    let mut args = Arguments::new().words("-hide_banner -nostdin -loglevel error -vn -sn -dn");
    if let Some(window) = window {
        args = args.arg("-ss").arg(seconds(window.start_ms()));
        args = args.arg("-t").arg(seconds(window.duration_ms()));
    }
    args.input(file, NO_PIXEL_LIMIT).words(&format!(
        "-map 0:{stream} -af aresample=16000:async=1:first_pts=0 -ac 1 -f s16le pipe:1"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_sought_before_the_input() {
        let window = TimeRange::new(1_500, 4_000).ok();
        let args = arguments(Path::new("a.mp4"), 2, window);
        let args: Vec<_> = args
            .as_slice()
            .iter()
            .filter_map(|arg| arg.to_str())
            .collect();
        let at = |word| args.iter().position(|arg| *arg == word).unwrap();
        assert!(at("-ss") < at("-i") && at("-i") < at("-map"));
        assert_eq!(
            (
                args[at("-ss") + 1],
                args[at("-t") + 1],
                args[at("-map") + 1]
            ),
            ("1.500", "2.500", "0:2")
        );
        assert!(
            !arguments(Path::new("a.mp4"), 2, None)
                .as_slice()
                .contains(&"-ss".into())
        );
    }
}
