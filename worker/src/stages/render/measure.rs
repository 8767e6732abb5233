//! One quick low-resolution pass over a clip's range: faces and cuts for the camera, and how loud it is.

use std::{fmt::Write as _, io, path::Path};

use domain::{Failure, Layout, Size, TimeRange};
use reframe::{
    ANALYSIS_FPS, Analyser, Analysis, Clip, Detector, Frame, Shot, THUMBNAIL, analysis_size,
};
use tokio::io::AsyncReadExt;

use super::{RenderInput, STAGE, clip::write, failure, timeline::Timeline};
use crate::children::time_for_pictures;
use crate::ffmpeg::{
    command::{Arguments, CallError, STEADY, start},
    graph::{self, Loudness},
    output::Output,
};

/// Thumbnails of every frame, in the folder that ffmpeg runs in; a second pipe would need a second reader to keep ffmpeg going.
const THUMBNAILS_FILE: &str = "thumbnails.gray";

/// The filter graphs, in the folder that ffmpeg runs in, each by itself as those of the clip are.
const PICTURE_GRAPH: &str = "measured_picture.graph";
const SOUND_GRAPH: &str = "measured_sound.graph";

/// Finds faces.
const FACE_MODEL: &str = "models/faces";

/// What the pass found.
#[derive(Debug)]
pub(crate) struct Measured {
    /// How each part of the range is to be shown, in milliseconds from its start.
    pub(crate) shots: Vec<Shot>,
    /// None where there is no sound, or none that can be heard.
    pub(crate) loudness: Option<Loudness>,
}

/// Watches and listens to a clip's range once; `seen` hears the fraction that is done.
///
/// # Errors
/// When ffmpeg or the face detector fails.
pub(crate) async fn measure(
    input: &RenderInput<'_>,
    range: TimeRange,
    timeline: &Timeline,
    scratch: &Path,
    seen: &mut impl FnMut(f64),
) -> Result<Measured, Failure> {
    let looks = needs_looking(input);
    let detector = if looks { Some(detector(input)?) } else { None };
    let mut analyser = detector.as_ref().map(Analyser::new);
    let mut said = String::new();
    if looks || input.sound.is_some() {
        let ffmpeg = input.home.program(STAGE, "ffmpeg")?;
        if looks {
            write(scratch, PICTURE_GRAPH, &looked_at(input, timeline))?;
        }
        if let Some(sound) = input.sound {
            write(
                scratch,
                SOUND_GRAPH,
                &graph::measured_sound(sound, timeline),
            )?;
        }
        let args = arguments(input, range, looks);
        let time = time_for_pictures(range.duration_ms());
        let failed = |why: CallError| failure(&why, scratch);
        let mut output = start(&ffmpeg, &args, Some(scratch), time).map_err(failed)?;
        if let Some(analyser) = &mut analyser {
            let size = analysis_size(input.video.shown);
            let duration_ms = range.duration_ms() as f64;
            let mut seen_ms = |ms: u64| seen((ms as f64 / duration_ms).min(1.0));
            watch(analyser, &mut output, size, scratch, &mut seen_ms).await?;
        }
        said = output.finish().await.map_err(failed)?;
    }
    if let Some(analyser) = &mut analyser {
        push_thumbnails(analyser, &scratch.join(THUMBNAILS_FILE), timeline)?;
    }
    let analysis = analyser.map_or_else(Analysis::default, Analyser::finish);
    let clip = Clip {
        duration_ms: range.duration_ms(),
        source: input.video.shown,
        target: input.settings.target,
        layout: input.layout(),
        speech: &speech(input, range),
    };
    Ok(Measured {
        shots: reframe::compose(&analysis, &clip),
        loudness: loudness(&said),
    })
}

/// Whether the picture must be looked into: not where all of it is shown anyhow.
fn needs_looking(input: &RenderInput<'_>) -> bool {
    let layout = input.layout();
    layout != Layout::Fit && (layout == Layout::Split || !input.has_target_shape())
}

/// When words are spoken, from the start of the range.
fn speech(input: &RenderInput<'_>, range: TimeRange) -> Vec<TimeRange> {
    let words = input.transcript.words().filter_map(|word| {
        TimeRange::new(word.start_ms, word.end_ms)
            .ok()?
            .intersect(range)
    });
    words
        .filter_map(|word| {
            TimeRange::new(
                word.start_ms() - range.start_ms(),
                word.end_ms() - range.start_ms(),
            )
            .ok()
        })
        .collect()
}

fn detector(input: &RenderInput<'_>) -> Result<Detector, Failure> {
    let faces = input.home.model(STAGE, FACE_MODEL)?;
    Detector::load(&faces).map_err(|why| Failure::setup(STAGE, why.to_string()))
}

/// Shows the analyser every frame that arrives.
async fn watch(
    analyser: &mut Analyser<'_>,
    frames: &mut Output,
    size: Size,
    scratch: &Path,
    seen_ms: &mut impl FnMut(u64),
) -> Result<(), Failure> {
    let mut rgb = vec![0; (size.width * size.height * 3) as usize];
    for number in 0.. {
        match frames.read_exact(&mut rgb).await {
            Ok(_) => {}
            Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(why) => return Err(failure(&why.into(), scratch)),
        }
        let time_ms = number * 1000 / u64::from(ANALYSIS_FPS);
        let frame = Frame {
            time_ms,
            size,
            rgb: &rgb,
        };
        tokio::task::block_in_place(|| analyser.push_frame(&frame))
            .map_err(|why| Failure::internal(STAGE, why))?;
        seen_ms(time_ms);
    }
    Ok(())
}

fn push_thumbnails(
    analyser: &mut Analyser<'_>,
    path: &Path,
    timeline: &Timeline,
) -> Result<(), Failure> {
    let thumbnails = std::fs::read(path).map_err(|why| Failure::io(STAGE, path, &why))?;
    for (frame, grey) in thumbnails
        .chunks_exact((THUMBNAIL.width * THUMBNAIL.height) as usize)
        .enumerate()
    {
        let time_ms = (timeline.seconds(frame as u64) * 1000.0).round() as u64;
        analyser
            .push_thumbnail(time_ms, grey)
            .map_err(|why| Failure::internal(STAGE, why))?;
    }
    Ok(())
}

fn arguments(input: &RenderInput<'_>, range: TimeRange, looks: bool) -> Arguments {
    let seconds = |ms: u64| format!("{:.3}", ms as f64 / 1000.0);
    let mut args = Arguments::new()
        .words(
            "-hide_banner -nostdin -nostats -loglevel info -y -skip_loop_filter nokey -flags2 fast",
        )
        .words(STEADY)
        .words("-noaccurate_seek -ss")
        .arg(seconds(range.start_ms()))
        .input(&input.source.path, input.limits.max_pixels);
    if looks {
        args = args
            .graph_file(PICTURE_GRAPH)
            .words("-map [frames] -f rawvideo pipe:1 -map [thumbnails] -f rawvideo")
            .arg(THUMBNAILS_FILE);
    }
    if input.sound.is_some() {
        args = args
            .graph_file(SOUND_GRAPH)
            .words("-map [measured] -f null -");
    }
    args
}

/// Frames for the faces and thumbnails for the cuts, from one decode.
fn looked_at(input: &RenderInput<'_>, timeline: &Timeline) -> String {
    let video = input.video;
    let size = analysis_size(video.shown);
    let mut graph = format!(
        "[0:{}]{},trim=end={:.3},scale={}:{}:flags=fast_bilinear,split=2[all][few];",
        video.index,
        graph::upright(video, timeline.rate()),
        timeline.span_seconds(),
        size.width,
        size.height
    );
    let _ = write!(
        graph,
        "[all]scale={}:{}:flags=area,format=gray[thumbnails];",
        THUMBNAIL.width, THUMBNAIL.height
    );
    let _ = write!(graph, "[few]fps={ANALYSIS_FPS},format=rgb24[frames]");
    graph
}

/// Reads the summary that `ebur128` prints at its end; it says -70 LUFS of silence.
fn loudness(said: &str) -> Option<Loudness> {
    let summary = &said[said.rfind("[Parsed_ebur128")?..];
    let number = |name: &str| -> Option<f64> {
        let mut lines = summary.lines();
        let value = lines.find_map(|line| line.trim().strip_prefix(name))?;
        value.split_whitespace().next()?.parse().ok()
    };
    let loudness = Loudness {
        integrated: number("I:")?,
        true_peak: number("Peak:")?,
    };
    (loudness.integrated > SILENT_LUFS && loudness.true_peak.is_finite()).then_some(loudness)
}

/// The absolute gate of EBU R 128: what is no louder is not measured.
const SILENT_LUFS: f64 = -70.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_ebur128_is_read_and_silence_has_none() {
        let said = |integrated: &str, peak: &str| {
            format!(
                "frame\n[Parsed_ebur128_2 @ 0x1] Summary:\n\n  Integrated loudness:\n    I:         {integrated} LUFS\n    Threshold: -29.0 LUFS\n\n  True peak:\n    Peak:       {peak} dBFS\n[out#0/null]\n"
            )
        };
        let measured = Loudness {
            integrated: -21.5,
            true_peak: -4.3,
        };
        assert_eq!(loudness(&said("-21.5", "-4.3")), Some(measured));
        assert_eq!(loudness(&said("-70.0", "-inf")), None);
        assert_eq!(loudness("nothing"), None);
    }
}
