//! The types of a composition: what a clip is made of, and what it shows when.

use domain::{Layout, Size, TimeRange};

use crate::even::scaled_even;

/// A clip to compose from a range of a source.
#[derive(Debug, Clone, Copy)]
pub struct Clip<'a> {
    /// Length of the range in milliseconds.
    pub duration_ms: u64,
    /// Size of the source picture as displayed.
    pub source: Size,
    /// Size of the clip.
    pub target: Size,
    /// The requested layout.
    pub layout: Layout,
    /// When there is speech, relative to the start of the clip; empty if unknown.
    pub speech: &'a [TimeRange],
}

/// A range of the clip with one view. Shots follow each other without gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Shot {
    /// When it begins, in milliseconds from the start of the clip.
    pub start_ms: u64,
    /// When it ends (exclusive).
    pub end_ms: u64,
    /// What is shown.
    pub view: View,
}

/// Which part of the source picture is shown. All pixels are those of the picture as displayed.
#[derive(Debug, Clone, PartialEq)]
pub enum View {
    /// A window of the target's shape, which may move over the picture.
    Crop {
        /// Size of the window: even, and exactly of the target's shape where the source is large enough.
        size: Size,
        /// Its top left corner over time: at least one keyframe, linear between them, constant before and after.
        path: Vec<Keyframe>,
    },
    /// Two windows of the same size, one above the other, each of half the target's height.
    Split {
        /// The upper window.
        top: Rect,
        /// The lower window.
        bottom: Rect,
    },
    /// The whole picture on a blurred background.
    Fit,
}

impl Shot {
    pub(crate) fn new(range: TimeRange, view: View) -> Self {
        Self {
            start_ms: range.start_ms(),
            end_ms: range.end_ms(),
            view,
        }
    }
}

/// The top left corner of a crop at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keyframe {
    /// Milliseconds from the start of the clip (not of the shot).
    pub time_ms: u64,
    /// Pixels from the left edge.
    pub x: f64,
    /// Pixels from the top edge.
    pub y: f64,
}

/// A fixed window; all numbers are even.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// Left edge in pixels.
    pub x: u32,
    /// Top edge in pixels.
    pub y: u32,
    /// Its size in pixels.
    pub size: Size,
}

/// Interpolates a path of keyframes at a time; `None` if it is empty.
pub fn position_at(path: &[Keyframe], time_ms: u64) -> Option<[f64; 2]> {
    let after = path.partition_point(|key| key.time_ms <= time_ms);
    let (Some(before), Some(after)) = (path.get(after.saturating_sub(1)), path.get(after)) else {
        return path.last().map(|key| [key.x, key.y]);
    };
    if after.time_ms <= before.time_ms || time_ms < before.time_ms {
        return Some([before.x, before.y]);
    }
    let share = (time_ms - before.time_ms) as f64 / (after.time_ms - before.time_ms) as f64;
    Some([
        before.x + (after.x - before.x) * share,
        before.y + (after.y - before.y) * share,
    ])
}

/// The largest even size with the shape of `target` that fits into `within` and is not wider than `width`.
///
/// The shape is exact: sides are multiples of the reduced ratio. The nearest even sides are used only where no such multiple fits.
pub(crate) fn largest_crop(target: Size, within: Size, width: f64) -> Size {
    let divisor = gcd(target.width, target.height).max(1);
    let (mut across, mut down) = (target.width / divisor, target.height / divisor);
    if !(across.is_multiple_of(2) && down.is_multiple_of(2)) {
        (across, down) = (across * 2, down * 2);
    }
    let times = (within.width / across).min(within.height / down);
    if times == 0 {
        return nearest_even(target, within);
    }
    let wanted = (width / f64::from(across)).floor() as u32;
    let times = wanted.clamp(1, times);
    Size {
        width: across * times,
        height: down * times,
    }
}

fn nearest_even(target: Size, within: Size) -> Size {
    let scale = (f64::from(within.width) / f64::from(target.width))
        .min(f64::from(within.height) / f64::from(target.height));
    let even = |side: u32, limit: u32| scaled_even(side, scale).min((limit & !1).max(2));
    Size {
        width: even(target.width, within.width),
        height: even(target.height, within.height),
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitting(target: (u32, u32), within: (u32, u32)) -> (u32, u32) {
        let size = |(width, height)| Size { width, height };
        let window = largest_crop(size(target), size(within), f64::INFINITY);
        (window.width, window.height)
    }

    #[test]
    fn a_crop_has_the_exact_shape_and_even_sides() {
        assert_eq!(fitting((1080, 1920), (1920, 1080)), (594, 1056));
        assert_eq!(fitting((1080, 1350), (1920, 1080)), (864, 1080));
        assert_eq!(fitting((1080, 1080), (1920, 1080)), (1080, 1080));
        assert_eq!(fitting((1920, 1080), (1920, 1080)), (1920, 1080));
        assert_eq!(fitting((1080, 1920), (101, 99)), (54, 96));
        assert_eq!(fitting((1080, 1920), (16, 16)), (10, 16));
    }

    #[test]
    fn a_path_is_linear_between_keyframes_and_constant_outside() {
        let key = |time_ms, x| Keyframe { time_ms, x, y: 1.0 };
        let path = [key(100, 0.0), key(200, 10.0)];
        let at = |ms| position_at(&path, ms).map(|[x, _]| x);
        for (ms, x) in [(0, 0.0), (100, 0.0), (150, 5.0), (200, 10.0), (900, 10.0)] {
            assert_eq!(at(ms), Some(x), "at {ms} ms");
        }
        assert_eq!(position_at(&[], 0), None);
    }
}
