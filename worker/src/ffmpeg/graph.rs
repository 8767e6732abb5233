//! The filter graph of a clip: the kept frames in their views, captions, thumbnail and sound, in one text for `-filter_complex`.

use std::fmt::Write as _;

use domain::Size;
use reframe::{Keyframe, Rect, View};

use super::probe::{FrameRate, Video};
use crate::stages::render::timeline::{Frames, Timeline};

/// Brings high dynamic range to ordinary brightness (BT.709), at the size of the clip.
///
/// White is at 203 cd/m² (ITU-R BT.2408) and stays nearly white; what is brighter, up to 1000 cd/m², is pressed together above it.
/// The peak is given because ffmpeg takes 10,000 cd/m² where the file names none, and then all of the picture turns dark.
const TONE_MAP: &str = "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:param=0.5:desat=0:peak=4.93,zscale=t=bt709:m=bt709:r=tv";

/// Pixels as they are cropped. With halved colour planes of more than eight bits, `crop` at an odd position tears samples
/// apart (seen in ffmpeg 7, 8 and 9), so those of HDR are not halved before they are mapped.
const PIXELS: &str = "yuv420p";
const HDR_PIXELS: &str = "yuv444p10";

/// How long sound fades at a cut, in seconds: too short to hear, long enough not to click.
const CUT_FADE_S: f64 = 0.008;

/// Frames of the clip that are shown in one way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    pub(crate) frames: Frames,
    pub(crate) view: View,
}

/// Everything the picture of a clip is made from.
#[derive(Debug)]
pub(crate) struct Picture<'a> {
    pub(crate) video: &'a Video,
    pub(crate) rate: FrameRate,
    pub(crate) target: Size,
    /// In order of time.
    pub(crate) pieces: &'a [Piece],
    /// Filter that burns the captions in, if any.
    pub(crate) captions: Option<&'a str>,
    /// Which frame of the clip becomes its thumbnail.
    pub(crate) thumbnail_frame: u64,
}

/// How loud the kept sound is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Loudness {
    /// Integrated loudness in LUFS.
    pub(crate) integrated: f64,
    /// True peak in dBTP.
    pub(crate) true_peak: f64,
}

/// The crop commands that a view needs, in the form of ffmpeg's `sendcmd`, empty if the view stands still.
pub(crate) fn crop_commands(piece: &Piece, rate: FrameRate, piece_number: usize) -> String {
    let View::Crop { path, .. } = &piece.view else {
        return String::new();
    };
    let mut commands = String::new();
    let mut last = None;
    for frame in piece.frames.from..piece.frames.to {
        let (x, y) = corner(path, frame, rate);
        if last != Some((x, y)) {
            // half a frame early, so that rounding never makes a jump come a frame late
            let seconds = ((frame - piece.frames.from) as f64 - 0.5).max(0.0) / rate.get();
            let _ = writeln!(
                commands,
                "{seconds:.5} crop@{piece_number} x {x}, crop@{piece_number} y {y};"
            );
            last = Some((x, y));
        }
    }
    if commands.lines().count() > 1 {
        commands
    } else {
        String::new()
    }
}

/// The whole pixel nearest to where the crop's top left corner is at a frame.
fn corner(path: &[Keyframe], frame: u64, rate: FrameRate) -> (i64, i64) {
    let at_ms = (frame as f64 * 1000.0 / rate.get()).round() as u64;
    let [x, y] = reframe::position_at(path, at_ms).unwrap_or_default();
    (x.round() as i64, y.round() as i64)
}

/// Name of the file that [`crop_commands`] are read from, in the folder that ffmpeg runs in.
pub(crate) fn crop_commands_file(piece_number: usize) -> String {
    format!("crop_{piece_number}.cmd")
}

/// The graph from `[0:video]` to `[picture]` and `[thumbnail]`.
pub(crate) fn picture(picture: &Picture<'_>) -> String {
    // a picture that ends before its sound stands still
    let mut graph = format!(
        "[0:{}]{},format={},tpad=stop=-1:stop_mode=clone",
        picture.video.index,
        upright(picture.video, picture.rate),
        if picture.video.hdr {
            HDR_PIXELS
        } else {
            PIXELS
        },
    );
    let count = picture.pieces.len();
    if count == 1 && picture.pieces[0].frames.from == 0 {
        let piece = &picture.pieces[0];
        let _ = write!(
            graph,
            ",trim=end_frame={}[in_0];{}",
            piece.frames.to,
            view(piece, 0, picture)
        );
    } else {
        let _ = write!(graph, ",split={count}{};", labels("all", count));
        for (number, piece) in picture.pieces.iter().enumerate() {
            let Frames { from, to } = piece.frames;
            let _ = write!(
                graph,
                "[all_{number}]trim=start_frame={from}:end_frame={to},setpts=PTS-STARTPTS[in_{number}];"
            );
            graph.push_str(&view(piece, number, picture));
        }
    }
    let _ = write!(graph, "{}concat=n={count}:v=1:a=0", labels("view", count));
    if picture.video.hdr {
        let _ = write!(graph, ",{TONE_MAP}");
    }
    let frame = picture.thumbnail_frame;
    let _ = write!(
        graph,
        ",format=yuv420p,split=2[clean][whole];[clean]trim=start_frame={frame}:end_frame={}[thumbnail]",
        frame + 1
    );
    match picture.captions {
        Some(filter) => {
            let _ = write!(graph, ";[whole]{filter}[picture]");
        }
        None => graph.push_str(";[whole]null[picture]"),
    }
    graph
}

/// Constant frame rate, whole frames and square pixels, as the rest of the graph expects them.
pub(crate) fn upright(video: &Video, rate: FrameRate) -> String {
    let mut chain = String::new();
    if video.interlaced {
        chain.push_str("bwdif=deint=interlaced,");
    }
    let _ = write!(chain, "fps={}/{}:start_time=0", rate.frames, rate.seconds);
    if video.anamorphic {
        let _ = write!(
            chain,
            ",scale={}:{},setsar=1",
            video.shown.width, video.shown.height
        );
    }
    chain
}

/// One piece from `[in_N]` to `[view_N]`, at the size of the clip.
fn view(piece: &Piece, number: usize, picture: &Picture<'_>) -> String {
    let Size { width, height } = picture.target;
    match &piece.view {
        View::Crop { size, path } => {
            let (x, y) = corner(path, piece.frames.from, picture.rate);
            let moving = !crop_commands(piece, picture.rate, number).is_empty();
            let commands = if moving {
                format!("sendcmd=f={},", crop_commands_file(number))
            } else {
                String::new()
            };
            format!(
                "[in_{number}]{commands}crop@{number}={}:{}:{}:{}:exact=1,scale={width}:{height},setsar=1[view_{number}];",
                size.width, size.height, x, y,
            )
        }
        View::Split { top, bottom } => {
            // two rows of pixels share one of colour, so each half has an even number
            let half = height / 4 * 2;
            format!(
                "[in_{number}]split=2[up_{number}][down_{number}];[up_{number}]{}[top_{number}];[down_{number}]{}[bottom_{number}];\
                 [top_{number}][bottom_{number}]vstack,setsar=1[view_{number}];",
                still(*top, width, half),
                still(*bottom, width, height - half),
            )
        }
        View::Fit => fit(number, picture.target, picture.video.hdr),
    }
}

fn still(rect: Rect, width: u32, height: u32) -> String {
    format!(
        "crop={}:{}:{}:{}:exact=1,scale={width}:{height}",
        rect.size.width, rect.size.height, rect.x, rect.y
    )
}

/// The whole picture on a ground made of itself: blurred at a quarter of the size, which nobody can tell from blurring at full size.
fn fit(number: usize, Size { width, height }: Size, hdr: bool) -> String {
    // eight bits are too few for the brightness of HDR and leave bands after tone mapping
    let depth = if hdr { ":format=yuv420p10" } else { "" };
    let (small_width, small_height) = (width / 8 * 2, height / 8 * 2);
    format!(
        "[in_{number}]split=2[ground_{number}][whole_{number}];\
         [ground_{number}]scale={small_width}:{small_height}:force_original_aspect_ratio=increase:flags=fast_bilinear,\
         crop={small_width}:{small_height},gblur=sigma=20,eq=brightness=-0.14,scale={width}:{height}:flags=bilinear,setsar=1[blurred_{number}];\
         [whole_{number}]scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1[sharp_{number}];\
         [blurred_{number}][sharp_{number}]overlay=(W-w)/2:(H-h)/2{depth}[view_{number}];"
    )
}

/// The graph from `[0:stream]` to `[sound]`: the kept parts, faded at the cuts, at -14 LUFS and at most -2 dBTP.
pub(crate) fn sound(stream: usize, timeline: &Timeline, loudness: Option<Loudness>) -> String {
    let mut graph = kept_sound(stream, timeline);
    if let Some(loudness) = loudness {
        graph.push_str(&levelled(loudness));
    }
    graph.push_str(",aresample=48000,aformat=sample_fmts=fltp:channel_layouts=stereo[sound]");
    graph
}

/// One gain for the whole clip, so that its dynamics stay, and a limiter for the peaks that it lifts too high.
///
/// The limiter works at four times the rate, as ITU-R BS.1770 measures true peaks.
fn levelled(loudness: Loudness) -> String {
    let gain = (TARGET_LUFS - loudness.integrated).min(MOST_GAIN_DB);
    let over = loudness.true_peak + gain - TARGET_PEAK_DB;
    if over <= 0.0 {
        return format!(",volume={gain:.2}dB");
    }
    let limit = 10_f64.powf(TARGET_PEAK_DB / 20.0);
    format!(
        ",volume={gain:.2}dB,aresample=192000,alimiter=limit={limit:.4}:attack=3:release=60:level=0:asc=1"
    )
}

/// The graph that measures the loudness of the kept parts.
pub(crate) fn measured_sound(stream: usize, timeline: &Timeline) -> String {
    format!(
        "{},ebur128=peak=true:framelog=quiet[measured]",
        kept_sound(stream, timeline)
    )
}

/// EBU R 128 loudness that the platforms play at.
const TARGET_LUFS: f64 = -14.0;
/// Leaves room for what AAC adds to a peak.
const TARGET_PEAK_DB: f64 = -2.0;
/// More would lift nothing but noise.
const MOST_GAIN_DB: f64 = 30.0;

fn kept_sound(stream: usize, timeline: &Timeline) -> String {
    let kept = timeline.kept();
    let mut graph = format!(
        "[0:{stream}]aresample=48000:async=1:first_pts=0,aformat=channel_layouts=stereo,apad"
    );
    if let [Frames { from: 0, to }] = kept {
        let _ = write!(graph, ",atrim=end={:.6}", timeline.seconds(*to));
        return graph;
    }
    let count = kept.len();
    let _ = write!(
        graph,
        ",atrim=end={:.6},asplit={count}{};",
        timeline.span_seconds(),
        labels("sounds", count)
    );
    for (number, frames) in kept.iter().enumerate() {
        let length = timeline.seconds(frames.count());
        let fade = CUT_FADE_S.min(length / 4.0);
        let _ = write!(
            graph,
            "[sounds_{number}]atrim=start={:.6}:end={:.6},asetpts=PTS-STARTPTS,afade=t=in:d={fade:.4},afade=t=out:st={:.6}:d={fade:.4}[part_{number}];",
            timeline.seconds(frames.from),
            timeline.seconds(frames.to),
            length - fade,
        );
    }
    let _ = write!(graph, "{}concat=n={count}:v=0:a=1", labels("part", count));
    graph
}

fn labels(name: &str, count: usize) -> String {
    (0..count).fold(String::new(), |labels, number| {
        labels + &format!("[{name}_{number}]")
    })
}

#[cfg(test)]
mod tests;
