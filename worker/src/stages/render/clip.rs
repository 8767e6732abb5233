//! One clip: composed, captioned, encoded once, probed.

use std::path::Path;

use captions::{FontFiles, Fonts};
use domain::{Failure, PlannedClip, Word, limits::MAX_PIXELS};

use super::{RenderInput, RenderedClip, STAGE, failure, measure, thumbnail, timeline::Timeline};
use crate::{
    children::time_for_pictures,
    ffmpeg::{
        command::{Arguments, STEADY, run_with_progress},
        graph::{self, Picture, Piece},
        media::{Colours, FrameRate, Video},
        probe::probe,
    },
};

/// More frames a second than this cost bytes and time and show nothing more of a person talking.
const MOST_FRAMES_PER_SECOND: f64 = 30.5;

/// Fewer than this and the camera would move in steps.
const LEAST_FRAMES_PER_SECOND: f64 = 10.0;

/// What cameras and editors use, in frames a second.
const USUAL_RATES: [FrameRate; 3] = [whole(24), whole(25), whole(30)];

const fn whole(frames: u32) -> FrameRate {
    FrameRate { frames, seconds: 1 }
}

/// How the picture and the sound are coded: what the platforms take without coding it anew. Without `bitexact` the programs write their names into it.
const ENCODING: &str = "-c:v libx264 -preset veryfast -crf 20 -profile:v high -pix_fmt yuv420p -c:a aac -b:a 160k \
    -movflags +faststart -map_metadata -1 -map_chapters -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact";

/// The captions, by a name that needs no quoting inside a filter graph, in the folder that ffmpeg runs in.
const CAPTIONS_FILE: &str = "captions.ass";
const CAPTION_FILTER: &str = "ass=f=captions.ass:fontsdir=fonts";

/// The filter graphs, in the folder that ffmpeg runs in. There is one for each output: from outputs of one graph, ffmpeg reads
/// the one that is furthest behind, and what the others have made meanwhile fills the memory.
const PICTURE_GRAPH: &str = "picture.graph";
const SOUND_GRAPH: &str = "sound.graph";
const THUMBNAIL_GRAPH: &str = "thumbnail.graph";

/// How far the length of a clip may be from what was planned, in milliseconds.
const LENGTH_TOLERANCE_MS: u64 = 250;

/// The part of the work on a clip that looking into its pictures takes.
const MEASURING: f64 = 0.2;

/// Name of a clip's file while it is being made.
pub(crate) fn file_name(name: &str) -> String {
    format!("clip.{}", name.rsplit('.').next().unwrap_or("mp4"))
}

/// Makes the video, caption files and thumbnail of one clip in `scratch`.
///
/// # Errors
/// When ffmpeg fails or what it made is not what was asked for.
pub(crate) async fn make(
    input: &RenderInput<'_>,
    row: &PlannedClip,
    words: &[Word],
    scratch: &Path,
    done: &mut impl FnMut(f64),
) -> Result<RenderedClip, Failure> {
    let timeline = Timeline::new(row.start_ms, &row.shown_ranges(), frame_rate(input.video));
    let words = timeline.words(words.iter());
    let mut seen = |fraction| done(fraction * MEASURING);
    let measured = measure::measure(input, row.range(), &timeline, scratch, &mut seen).await?;
    let pieces = pieces(&measured.shots, &timeline);
    write_captions(input, &words, scratch)?;
    let picture = Picture {
        video: input.video,
        timeline: &timeline,
        target: input.settings.target,
        pieces: &pieces,
        captions: input.settings.captions.map(|_| CAPTION_FILTER),
        thumbnail_frame: thumbnail::frame(&words, &timeline),
    };
    let sound = input
        .sound
        .map(|sound| graph::sound(sound, &timeline, measured.loudness));
    let graphs = [
        Some((PICTURE_GRAPH, graph::picture(&picture))),
        Some((THUMBNAIL_GRAPH, graph::thumbnail(&picture))),
        sound.map(|sound| (SOUND_GRAPH, sound)),
    ];
    for (name, graph) in graphs.iter().flatten() {
        write(scratch, name, graph)?;
    }
    encode(input, row, &timeline, scratch, done).await?;
    check(
        input,
        &scratch.join("clip.mp4"),
        Some(timeline.duration_ms()),
    )
    .await
}

async fn encode(
    input: &RenderInput<'_>,
    row: &PlannedClip,
    timeline: &Timeline,
    scratch: &Path,
    done: &mut impl FnMut(f64),
) -> Result<(), Failure> {
    let ffmpeg = input.home.program(STAGE, "ffmpeg")?;
    let args = arguments(
        (&input.source.path, input.video),
        input.limits.max_pixels,
        row.start_ms,
        timeline,
        input.sound.is_some(),
    );
    let duration_ms = timeline.duration_ms() as f64;
    let time = time_for_pictures(row.range().duration_ms());
    let called = run_with_progress(&ffmpeg, &args, scratch, time, |written| {
        let made = (written.ms as f64 / duration_ms).min(0.99);
        done(MEASURING + (1.0 - MEASURING) * made);
    })
    .await;
    called.map(|_| ()).map_err(|why| failure(&why, scratch))
}

fn arguments(
    (path, video): (&Path, &Video),
    max_pixels: u64,
    start_ms: u64,
    timeline: &Timeline,
    sound: bool,
) -> Arguments {
    let args = Arguments::new()
        .words("-hide_banner -nostdin -loglevel error -nostats -progress pipe:1 -y")
        .words(STEADY)
        // the frame on the screen at the start is before it; the graphs leave out what is not needed
        .words("-noaccurate_seek -ss")
        .arg(format!("{:.3}", start_ms as f64 / 1000.0))
        .input(path, max_pixels)
        .graph_file(PICTURE_GRAPH)
        .graph_file(THUMBNAIL_GRAPH);
    let args = if sound {
        args.graph_file(SOUND_GRAPH)
            .words("-map [picture] -map [sound]")
    } else {
        args.words("-map [picture]")
    };
    let args = args
        // frames that were selected do not say how many there are in a second
        .arg("-r")
        .arg(format!(
            "{}/{}",
            timeline.rate().frames,
            timeline.rate().seconds
        ))
        .words(ENCODING)
        .words(if video.hdr || video.colours != Colours::Wide {
            "-color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv"
        } else {
            ""
        })
        .arg("clip.mp4");
    args.words("-map [thumbnail] -frames:v 1 -q:v 3 -update 1 clip.jpg")
}

/// Whether a clip is whole, and how long it is.
///
/// # Errors
/// When it cannot be read, has another size than asked for, or another length than `expected_ms`.
pub(crate) async fn check(
    input: &RenderInput<'_>,
    path: &Path,
    expected_ms: Option<u64>,
) -> Result<RenderedClip, Failure> {
    let ffprobe = input.home.program(STAGE, "ffprobe")?;
    let wrong =
        |what: String| Failure::internal(STAGE, format!("the rendered clip is wrong: {what}"));
    let media = probe(&ffprobe, path, MAX_PIXELS)
        .await
        .map_err(|why| wrong(why.to_string()))?;
    let size = media
        .video
        .map(|video| video.shown)
        .ok_or_else(|| wrong("it has no picture".into()))?;
    if size != input.settings.target {
        return Err(wrong(format!("it is {}x{}", size.width, size.height)));
    }
    if let Some(expected_ms) = expected_ms
        && media.duration_ms.abs_diff(expected_ms) > LENGTH_TOLERANCE_MS
    {
        return Err(wrong(format!(
            "it lasts {} ms in place of {expected_ms} ms",
            media.duration_ms
        )));
    }
    let bytes = path
        .metadata()
        .map_err(|why| Failure::io(STAGE, path, &why))?
        .len();
    Ok(RenderedClip {
        duration_ms: media.duration_ms,
        size,
        bytes,
        reused: false,
    })
}

/// The rate of a clip: that of its source, halved while it is too high; where frames come irregularly, the usual rate next to their average.
fn frame_rate(video: &Video) -> FrameRate {
    let FrameRate {
        frames,
        mut seconds,
    } = video.frame_rate;
    while f64::from(frames) / f64::from(seconds) > MOST_FRAMES_PER_SECOND {
        seconds *= 2;
    }
    let rate = FrameRate { frames, seconds };
    // a camera's own rate is a whole number, or one of television's over 1001
    let regular = seconds <= 4 || (seconds.is_multiple_of(1001) && frames.is_multiple_of(1000));
    if regular && rate.get() >= LEAST_FRAMES_PER_SECOND {
        return rate;
    }
    let distance = |usual: &FrameRate| (usual.get() - rate.get()).abs();
    USUAL_RATES
        .into_iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .unwrap_or(rate)
}

/// The shots on the frames of the clip, which they cover from the first to the last.
fn pieces(shots: &[reframe::Shot], timeline: &Timeline) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for shot in shots {
        let frames = timeline.clip_frames(shot.start_ms, shot.end_ms);
        if frames.count() > 0 {
            pieces.push(Piece {
                frames,
                view: shot.view.clone(),
            });
        }
    }
    // a part that was rounded up to a frame may end after the last shot
    if let Some(last) = pieces.last_mut() {
        last.frames.to = timeline.frame_count();
    }
    pieces
}

fn write_captions(input: &RenderInput<'_>, words: &[Word], scratch: &Path) -> Result<(), Failure> {
    let cues = captions::cues(words);
    write(scratch, "clip.srt", &captions::srt(&cues))?;
    write(scratch, "clip.vtt", &captions::vtt(&cues))?;
    let Some(style) = input.settings.captions else {
        return Ok(());
    };
    let fonts = input.home.existing(STAGE, "fonts")?;
    let files = FontFiles::read(&fonts).map_err(|why| Failure::setup(STAGE, why.to_string()))?;
    let measures = Fonts::new(&files).map_err(|why| Failure::setup(STAGE, why.to_string()))?;
    std::os::unix::fs::symlink(fonts, scratch.join("fonts"))
        .map_err(|why| Failure::io(STAGE, scratch, &why))?;
    let script = captions::ass(
        words,
        style,
        input.canvas(style),
        &measures,
        &input.transcript.language,
    );
    write(scratch, CAPTIONS_FILE, &script)
}

pub(super) fn write(scratch: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = scratch.join(name);
    std::fs::write(&path, text).map_err(|why| Failure::io(STAGE, &path, &why))
}

#[cfg(test)]
mod tests;
