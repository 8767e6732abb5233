//! What a clip shows when: the result of the analysis, for the renderer.

use domain::Size;

/// A stretch of the clip that is shown in one way. Shots follow each other without gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Shot {
    /// When it begins, in milliseconds from the start of the clip.
    pub start_ms: u64,
    /// When it ends (exclusive).
    pub end_ms: u64,
    /// What it shows.
    pub view: View,
}

/// What part of the source picture is shown. All pixels are those of the picture as displayed.
#[derive(Debug, Clone, PartialEq)]
pub enum View {
    /// A window of the target's shape that moves over the picture.
    Crop {
        /// Size of the window, even, of exactly the target's shape where the source is large enough.
        size: Size,
        /// Its top left corner over time, at least one keyframe; straight lines between them, still before and after.
        path: Vec<Keyframe>,
    },
    /// Two windows of the same size, one above the other, each of half the target's height.
    Split {
        /// The upper window.
        top: Rect,
        /// The lower window.
        bottom: Rect,
    },
    /// The whole picture on a blurred ground.
    Fit,
}

/// Where the top left corner of a crop is at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keyframe {
    /// Milliseconds from the start of the clip (not of the shot).
    pub time_ms: u64,
    /// Pixels from the left edge.
    pub x: f64,
    /// Pixels from the top edge.
    pub y: f64,
}

/// A still window; even numbers throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// Left edge in pixels.
    pub x: u32,
    /// Top edge in pixels.
    pub y: u32,
    /// Its size in pixels.
    pub size: Size,
}

/// The position on a path of keyframes at a time; `None` if there are none.
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

/// The largest even size of the shape of `target` that fits into `within` and is not wider than `width`.
///
/// The shape is exact: sides are multiples of the reduced ratio. Only where not even one such multiple fits,
/// the nearest even sides are taken.
pub(crate) fn window(target: Size, within: Size, width: f64) -> Size {
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
    let even = |side: u32, limit: u32| {
        let wanted = ((f64::from(side) * scale / 2.0).round() as u32 * 2).max(2);
        wanted.min((limit & !1).max(2))
    };
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
        let window = window(size(target), size(within), f64::INFINITY);
        (window.width, window.height)
    }

    #[test]
    fn a_window_has_the_exact_shape_and_even_sides() {
        assert_eq!(fitting((1080, 1920), (1920, 1080)), (594, 1056));
        assert_eq!(fitting((1080, 1350), (1920, 1080)), (864, 1080));
        assert_eq!(fitting((1080, 1080), (1920, 1080)), (1080, 1080));
        assert_eq!(fitting((1920, 1080), (1920, 1080)), (1920, 1080));
        assert_eq!(fitting((1080, 1920), (101, 99)), (54, 96));
        assert_eq!(fitting((1080, 1920), (16, 16)), (10, 16));
    }

    #[test]
    fn a_path_is_still_outside_and_straight_inside() {
        let key = |time_ms, x| Keyframe { time_ms, x, y: 1.0 };
        let path = [key(100, 0.0), key(200, 10.0)];
        let at = |ms| position_at(&path, ms).map(|[x, _]| x);
        for (ms, x) in [(0, 0.0), (100, 0.0), (150, 5.0), (200, 10.0), (900, 10.0)] {
            assert_eq!(at(ms), Some(x), "at {ms} ms");
        }
        assert_eq!(position_at(&[], 0), None);
    }
}
