//! Sound as speech recognition and the planner take it: 16 kHz, mono, 16 bits, as a stream.

use std::path::Path;

use domain::{
    ErrorCode, Failure, Stage, TimeRange,
    limits::{MAX_GAP_SECONDS, MAX_PIXELS},
};

use super::{
    command::{Arguments, start},
    media::{Mix, Sound},
    output::{Ending, Output, ThreadOutput},
};
use crate::{children::time_for_sound, setup::Home};

/// ffmpeg at work on a sound stream, which somebody else reads.
#[derive(Debug)]
pub(crate) struct Decoding {
    stage: Stage,
    ending: Ending,
}

/// Starts to decode a window of a sound stream for a stage; the samples come little endian. They come to an end only if ffmpeg did well.
///
/// Time runs from the start of the window, silence filling what the stream leaves out. It ends where the stream leaves out
/// more than [`MAX_GAP_SECONDS`], and with the window in any case.
///
/// # Errors
/// When ffmpeg is missing or cannot be started.
pub(crate) fn decode(
    home: &Home,
    stage: Stage,
    file: &Path,
    sound: &Sound,
    window: TimeRange,
) -> Result<(Decoding, ThreadOutput), Failure> {
    let ffmpeg = home.program(stage, "ffmpeg")?;
    let args = arguments(file, sound, window);
    let time = time_for_sound(window.duration_ms());
    let started = start(&ffmpeg, &args, None, time).and_then(Output::for_thread);
    let (samples, ending) = started.map_err(|why| Failure::internal(stage, why))?;
    Ok((Decoding { stage, ending }, samples))
}

impl Decoding {
    /// Waits for the end and gives what ffmpeg said.
    ///
    /// # Errors
    /// `source_unsupported` when the sound cannot be decoded; `source_too_large` or `timed_out` when that takes too much.
    pub(crate) async fn finish(self) -> Result<String, Failure> {
        let Self { stage, ending } = self;
        ending.finish().await.map_err(|why| {
            if let Some(failure) = why.at_limit(stage) {
                return failure;
            }
            let message = format!("the sound cannot be decoded: {why}");
            Failure::input(stage, ErrorCode::SourceUnsupported, message)
        })
    }
}

fn arguments(file: &Path, sound: &Sound, window: TimeRange) -> Arguments {
    let seconds = |ms: u64| format!("{:.3}", ms as f64 / 1000.0);
    Arguments::new()
        .words("-hide_banner -nostdin -loglevel error -vn -sn -dn -ss")
        .arg(seconds(window.start_ms()))
        .arg("-t")
        .arg(seconds(window.duration_ms()))
        .input(file, MAX_PIXELS)
        .words(&format!("-map 0:{} -af", sound.index))
        .arg(continuous(
            &sound.mix,
            "mono",
            "sample_fmts=s16:sample_rates=16000",
        ))
        .words("-f s16le pipe:1")
}

/// Filters that give sound in `mono` or `stereo` and of a format for every moment, silence where the source has none.
///
/// The silence of a gap is made at once, so it is made of few samples, and a clock that jumps further ends the sound.
pub(crate) fn continuous(mix: &Mix, layout: &str, format: &str) -> String {
    format!(
        "aselect='lte(t-if(isnan(prev_selected_t),0,prev_selected_t),{MAX_GAP_SECONDS})',\
         {}aformat=channel_layouts={layout}:{format},aresample=async=1:first_pts=0",
        mix.filter(layout)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_sought_before_the_input() {
        let window = TimeRange::new(1_500, 4_000).unwrap();
        let sound = Sound {
            index: 2,
            ..Sound::default()
        };
        let args = arguments(Path::new("a.mp4"), &sound, window);
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
    }
}
