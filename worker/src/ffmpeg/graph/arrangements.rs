//! The chains of filters that bring frames to the size of the clip: one for each arrangement, however many pieces share it.

use domain::Size;
use reframe::{Keyframe, Rect, View};

use super::{
    Picture, Piece,
    steps::{Step, by_time, changes},
};

/// What pieces have in common that can share a chain: all but where their windows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrangement {
    /// A window of this size.
    Crop(Size),
    /// Two windows of these sizes, one above the other.
    Split(Size, Size),
    /// The whole picture on a blurred ground.
    Fit,
}

impl Arrangement {
    pub(super) fn of(view: &View) -> Self {
        match view {
            View::Crop { size, .. } => Self::Crop(*size),
            View::Split { top, bottom } => Self::Split(top.size, bottom.size),
            View::Fit => Self::Fit,
        }
    }

    /// The chain from `[in_N]` to `[out_N]` for the pieces of the picture with this arrangement.
    pub(super) fn chain(self, number: usize, picture: &Picture<'_>) -> String {
        let target = picture.target;
        let alike = || {
            let mut pieces = picture.pieces.iter();
            std::iter::from_fn(move || pieces.find(|piece| Self::of(&piece.view) == self))
        };
        match self {
            Self::Crop(size) => {
                let corners = alike().flat_map(|piece| path_corners(piece, picture));
                format!(
                    "[in_{number}]{}[out_{number}];",
                    window(size, &corners.collect::<Vec<_>>(), target, picture)
                )
            }
            Self::Split(top, bottom) => {
                // two rows of pixels share one of colour, so each half has an even number
                let upper = Size {
                    height: target.height / 4 * 2,
                    ..target
                };
                let lower = Size {
                    height: target.height - upper.height,
                    ..target
                };
                let [above, below] =
                    [0, 1].map(|half| alike().filter_map(move |piece| still_corner(piece, half)));
                format!(
                    "[in_{number}]split=2[up_{number}][down_{number}];\
                     [up_{number}]{}[top_{number}];[down_{number}]{}[bottom_{number}];\
                     [top_{number}][bottom_{number}]vstack,setsar=1[out_{number}];",
                    window(top, &above.collect::<Vec<_>>(), upper, picture),
                    window(bottom, &below.collect::<Vec<_>>(), lower, picture),
                )
            }
            Self::Fit => fit(number, target, picture.video.hdr),
        }
    }
}

/// The top left corner of a window, from a frame of the clip on.
type Corner = (u64, [i64; 2]);

/// Where the corner of a moving window is, at each frame of a piece.
fn path_corners<'a>(piece: &'a Piece, picture: &'a Picture<'_>) -> impl Iterator<Item = Corner> {
    let path: &[Keyframe] = match &piece.view {
        View::Crop { path, .. } => path,
        View::Split { .. } | View::Fit => &[],
    };
    (piece.frames.from..piece.frames.to).map(move |frame| {
        let seconds = picture
            .timeline
            .seconds(picture.timeline.source_frame(frame));
        let at_ms = (seconds * 1000.0).round() as u64;
        let corner = reframe::position_at(path, at_ms).unwrap_or_default();
        // the whole pixel that is nearest
        (frame, corner.map(|pixels| pixels.round() as i64))
    })
}

/// Where the upper (0) or lower (1) window of a split is.
fn still_corner(piece: &Piece, half: usize) -> Option<Corner> {
    let View::Split { top, bottom } = &piece.view else {
        return None;
    };
    let Rect { x, y, .. } = [top, bottom][half];
    Some((piece.frames.from, [i64::from(*x), i64::from(*y)]))
}

/// A window of `size` wherever it is by then, scaled to `target`.
fn window(size: Size, corners: &[Corner], target: Size, picture: &Picture<'_>) -> String {
    let [x, y] = [0, 1].map(|axis| {
        let steps = corners
            .iter()
            .map(|(frame, corner)| -> Step { (*frame, corner[axis]) });
        by_time(&changes(steps), picture.timeline.rate())
    });
    format!(
        "crop={}:{}:{x}:{y}:exact=1,scale={}:{},setsar=1",
        size.width, size.height, target.width, target.height
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
         [blurred_{number}][sharp_{number}]overlay=(W-w)/2:(H-h)/2{depth}[out_{number}];"
    )
}
