//! Limits the number of different split sizes in a clip, because the renderer needs one filter chain for each.

use domain::Size;

use crate::composition::{Rect, Shot, View};

/// Maximum number of sizes; each takes about 30 MB while the clip is rendered.
const MAX_SIZES: usize = 6;

/// Reduces the windows of splits to at most [`MAX_SIZES`] sizes: each window keeps its size or shrinks around its centre to the next
/// allowed size, so that it never shows more than before.
pub(crate) fn limit_split_sizes(shots: &mut [Shot]) {
    let mut sizes: Vec<Size> = shots.iter().filter_map(|shot| size(&shot.view)).collect();
    sizes.sort_by_key(|size| (size.width, size.height));
    sizes.dedup();
    if sizes.len() <= MAX_SIZES {
        return;
    }
    let allowed: Vec<Size> = (0..MAX_SIZES)
        .map(|step| sizes[step * sizes.len() / MAX_SIZES])
        .collect();
    for shot in shots {
        if let View::Split { top, bottom } = &mut shot.view {
            let next = allowed.iter().rfind(|size| size.width <= top.size.width);
            for window in [top, bottom] {
                shrink(window, *next.unwrap_or(&allowed[0]));
            }
        }
    }
}

fn size(view: &View) -> Option<Size> {
    match view {
        View::Split { top, .. } => Some(top.size),
        View::Crop { .. } | View::Fit => None,
    }
}

fn shrink(window: &mut Rect, size: Size) {
    let moved = |from: u32, to: u32| (from.saturating_sub(to) / 2) & !1;
    window.x += moved(window.size.width, size.width);
    window.y += moved(window.size.height, size.height);
    window.size = size;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(number: u32) -> Shot {
        let window = |x| Rect {
            x,
            y: 100,
            size: Size {
                width: 432 + 18 * number,
                height: 384 + 16 * number,
            },
        };
        Shot {
            start_ms: u64::from(number) * 2_500,
            end_ms: u64::from(number + 1) * 2_500,
            view: View::Split {
                top: window(100),
                bottom: window(1_200),
            },
        }
    }

    fn windows(shot: &Shot) -> [Rect; 2] {
        match &shot.view {
            View::Split { top, bottom } => [*top, *bottom],
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_maximum_number_of_sizes_is_not_changed() {
        let mut shots: Vec<Shot> = (0..MAX_SIZES as u32).map(split).collect();
        let before = shots.clone();
        limit_split_sizes(&mut shots);
        assert_eq!(shots, before);
    }

    #[test]
    fn more_sizes_are_reduced_and_windows_only_shrink() {
        let mut shots: Vec<Shot> = (0..72).map(|number| split(number % 33)).collect();
        let before = shots.clone();
        limit_split_sizes(&mut shots);
        let mut sizes: Vec<Size> = shots.iter().filter_map(|shot| size(&shot.view)).collect();
        sizes.sort_by_key(|size| size.width);
        sizes.dedup();
        assert_eq!(sizes.len(), MAX_SIZES);
        for (after, before) in shots.iter().zip(&before) {
            for (after, before) in windows(after).into_iter().zip(windows(before)) {
                assert!(after.x >= before.x && after.y >= before.y, "{after:?}");
                assert!(after.x + after.size.width <= before.x + before.size.width);
                assert!(after.y + after.size.height <= before.y + before.size.height);
                assert_eq!((after.x % 2, after.y % 2), (0, 0));
            }
        }
    }
}
