//! The filter graph of a clip: the kept frames in their views, captions, thumbnail and sound, in one text.

mod arrangements;
mod sound;
mod steps;

pub(crate) use sound::{Loudness, measured_sound, sound};

use std::fmt::Write as _;

use domain::Size;
use reframe::View;

use self::{
    arrangements::Arrangement,
    steps::{Step, by_number, changes},
};
use super::media::{Colours, FieldOrder, FrameRate, Video};
use crate::stages::render::timeline::{Frames, Timeline};

/// Brings high dynamic range to ordinary brightness (BT.709), at the size of the clip.
///
/// White is at 203 cd/m² (ITU-R BT.2408) and stays nearly white; what is brighter, up to 1000 cd/m², is pressed together above it.
/// The peak is given because ffmpeg takes 10,000 cd/m² where the file names none, and then all of the picture turns dark.
const TONE_MAP: &str = "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:param=0.5:desat=0:peak=4.93,zscale=t=bt709:m=bt709:r=tv,";

/// Pixels as they are cropped. With halved colour planes of more than eight bits, `crop` at an odd position tears samples
/// apart (seen in ffmpeg 7, 8 and 9), so those of HDR are not halved before they are mapped.
const PIXELS: &str = "yuv420p";
const HDR_PIXELS: &str = "yuv444p10";

/// Frames of the clip, counted from its start, that are shown in one way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    pub(crate) frames: Frames,
    pub(crate) view: View,
}

/// Everything the picture of a clip is made from.
#[derive(Debug)]
pub(crate) struct Picture<'a> {
    pub(crate) video: &'a Video,
    pub(crate) timeline: &'a Timeline,
    pub(crate) target: Size,
    /// In order of time, without gaps.
    pub(crate) pieces: &'a [Piece],
    /// Filter that burns the captions in, if any.
    pub(crate) captions: Option<&'a str>,
    /// Which frame of the clip becomes its thumbnail.
    pub(crate) thumbnail_frame: u64,
}

/// The graph from `[0:video]` to `[picture]`.
///
/// What is cut out goes first, so that the rest works on the frames of the clip. Pieces with the same arrangement share one chain,
/// since each chain holds frames of its own.
pub(crate) fn picture(picture: &Picture<'_>) -> String {
    let mut graph = kept_frames(picture);
    let runs = runs(picture.pieces);
    let arrangements = arrangements(&runs);
    if let [arrangement] = arrangements[..] {
        graph.push_str("[in_0];");
        graph.push_str(&arrangement.chain(0, picture));
        graph.push_str("[out_0]");
    } else {
        let _ = write!(
            graph,
            ",split={}{};",
            arrangements.len(),
            labels("all", arrangements.len())
        );
        for (number, arrangement) in arrangements.iter().enumerate() {
            graph.push_str(&alike(number, *arrangement, &runs, picture));
        }
        let _ = write!(
            graph,
            "{}concat=n={},",
            labels("run", runs.len()),
            runs.len()
        );
    }
    graph.push_str(&ordinary(picture.video));
    match picture.captions {
        Some(filter) => {
            let _ = write!(graph, ",{filter}[picture]");
        }
        None => graph.push_str("[picture]"),
    }
    graph
}

/// The graph from `[0:video]` to `[thumbnail]`: one frame of the clip, without captions.
///
/// It is not taken from the graph of the picture: ffmpeg asks first for the output that is furthest behind, and until this
/// frame came, those of the picture would pile up unread.
pub(crate) fn thumbnail(picture: &Picture<'_>) -> String {
    let frame = picture.thumbnail_frame;
    let shown = picture.timeline.source_frame(frame);
    let pieces: Vec<Piece> = picture
        .pieces
        .iter()
        .filter(|piece| (piece.frames.from..piece.frames.to).contains(&frame))
        .map(|piece| Piece {
            frames: Frames {
                from: frame,
                to: frame + 1,
            },
            view: piece.view.clone(),
        })
        .collect();
    let alone = Picture {
        pieces: &pieces,
        ..*picture
    };
    let arrangement = pieces
        .first()
        .map_or(Arrangement::Fit, |piece| Arrangement::of(&piece.view));
    format!(
        "{},trim=start_frame={shown}:end_frame={},format={}[in_0];{}[out_0]{}[thumbnail]",
        endless(picture),
        shown + 1,
        pixels(picture.video),
        arrangement.chain(0, &alone),
        ordinary(picture.video),
    )
}

/// The frames of the source from the clip's start on; a picture that ends before its sound stands still.
fn endless(picture: &Picture<'_>) -> String {
    format!(
        "[0:{}]{}",
        picture.video.index,
        upright(picture.video, picture.timeline.rate()),
    )
}

fn pixels(video: &Video) -> &'static str {
    if video.hdr { HDR_PIXELS } else { PIXELS }
}

/// Ordinary brightness and ordinary pixels, at the size of the clip.
fn ordinary(video: &Video) -> String {
    if !video.hdr {
        return format!("format={PIXELS}");
    }
    // some files name the transfer alone, without which the others cannot be mapped
    let named = match video.colours {
        Colours::Wide => "",
        _ => "setparams=colorspace=bt2020nc:color_primaries=bt2020,",
    };
    format!("{named}{TONE_MAP}format={PIXELS}")
}

/// The frames of the clip, numbered from 0.
fn kept_frames(picture: &Picture<'_>) -> String {
    let kept = picture.timeline.kept();
    let end = kept.last().map_or(0, |part| part.to);
    let mut graph = format!("{},trim=end_frame={end}", endless(picture));
    if !matches!(kept, [Frames { from: 0, .. }]) {
        let steps = kept.iter().flat_map(|part| [(part.from, 1), (part.to, 0)]);
        let _ = write!(
            graph,
            ",select='{}',setpts=N",
            by_number(&on_and_off(steps))
        );
    }
    let _ = write!(graph, ",format={}", pixels(picture.video));
    graph
}

/// Consecutive frames of one arrangement.
#[derive(Debug, Clone, Copy)]
struct Run {
    frames: Frames,
    arrangement: Arrangement,
}

fn runs(pieces: &[Piece]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for piece in pieces {
        let arrangement = Arrangement::of(&piece.view);
        match runs.last_mut() {
            Some(last) if last.arrangement == arrangement => last.frames.to = piece.frames.to,
            _ => runs.push(Run {
                frames: piece.frames,
                arrangement,
            }),
        }
    }
    runs
}

/// The different arrangements, in the order of their first run.
fn arrangements(runs: &[Run]) -> Vec<Arrangement> {
    let mut arrangements = Vec::new();
    for run in runs {
        if !arrangements.contains(&run.arrangement) {
            arrangements.push(run.arrangement);
        }
    }
    arrangements
}

/// All runs of one arrangement, from `[all_N]` to a `[run_I]` for each, where `I` counts the runs of all arrangements.
///
/// Each run brings the frame after it along: only then does ffmpeg know that the run is over, and goes on to the next one
/// instead of gathering its frames. That frame is trimmed off the start of the arrangement's next run. (A sink for such frames
/// would leave ffmpeg without a request for more; seen in ffmpeg 7.)
fn alike(number: usize, arrangement: Arrangement, runs: &[Run], picture: &Picture<'_>) -> String {
    let own: Vec<(usize, Frames)> = (0..)
        .zip(runs)
        .filter(|(_, run)| run.arrangement == arrangement)
        .map(|(index, run)| (index, run.frames))
        .collect();
    let steps = own
        .iter()
        .flat_map(|(_, run)| [(run.from, 1), (run.to + 1, 0)]);
    let mut graph = format!(
        "[all_{number}]select='{}'[in_{number}];{}[out_{number}]",
        by_number(&on_and_off(steps)),
        arrangement.chain(number, picture)
    );
    let mut borders = Vec::new();
    let mut passed = 0;
    for (_, run) in &own[..own.len() - 1] {
        borders.push((passed + run.count()).to_string());
        passed += run.count() + 1;
    }
    if borders.is_empty() {
        graph.push_str("null");
    } else {
        let _ = write!(graph, "segment=frames={}", borders.join("|"));
    }
    for (index, _) in &own {
        let _ = write!(graph, "[part_{index}]");
    }
    graph.push(';');
    for (place, (index, run)) in own.iter().enumerate() {
        let start = u64::from(place > 0);
        let _ = write!(graph, "[part_{index}]trim=start_frame={start}");
        if place + 1 == own.len() {
            let _ = write!(graph, ":end_frame={}", start + run.count());
        }
        let _ = write!(graph, ",setpts=PTS-STARTPTS[run_{index}];");
    }
    graph
}

/// Steps between 1 and 0, from 0 on.
fn on_and_off(steps: impl Iterator<Item = Step>) -> Vec<Step> {
    changes([(0, 0)].into_iter().chain(steps))
}

/// Constant frame rate, whole frames and square pixels, as the rest of the graph expects them, from the start of the clip on and without
/// an end: the last frame stands. The first one is that which is on the screen at the start, though it may have come long before.
pub(crate) fn upright(video: &Video, rate: FrameRate) -> String {
    let mut chain = String::new();
    if let Some(order) = video.interlaced {
        // frames are treated whatever they say of themselves
        let first = match order {
            FieldOrder::TopFirst => "tff",
            FieldOrder::BottomFirst => "bff",
        };
        let _ = write!(chain, "bwdif=mode=send_frame:parity={first}:deint=all,");
    }
    // a stream may change its size on the way; frames that have it already pass as they are
    let Size { width, height } = video.upright();
    let _ = write!(
        chain,
        "scale={width}:{height}{},fps={rate},tpad=stop=-1:stop_mode=clone,trim=start=0,fps={rate}:start_time=0",
        converted(video),
        rate = format_args!("{}/{}", rate.frames, rate.seconds)
    );
    if let Some(crop) = video.crop() {
        let _ = write!(chain, ",{crop}");
    }
    if video.is_anamorphic() {
        let _ = write!(
            chain,
            ",scale={}:{},setsar=1",
            video.shown.width, video.shown.height
        );
    }
    chain
}

/// What is added to a scaler, and behind it, to bring colours to those of a clip. What is not named would be taken for BT.601.
fn converted(video: &Video) -> String {
    match video.colours {
        Colours::Other(matrix) if !video.hdr => {
            format!(":in_color_matrix={matrix}:out_color_matrix=bt709:out_range=tv,format={PIXELS}")
        }
        _ => String::new(),
    }
}

fn labels(name: &str, count: usize) -> String {
    (0..count).fold(String::new(), |labels, number| {
        labels + &format!("[{name}_{number}]")
    })
}

#[cfg(test)]
mod tests;
