//! Few sizes of split windows in one clip, so that drawing it takes few chains of filters.

use domain::Size;

use crate::composition::{Rect, Shot, View};

/// Different sizes of split windows in a clip; each takes some 30 MB while the clip is rendered.
const MOST_SIZES: usize = 6;

/// Gives the windows of splits at most [`MOST_SIZES`] sizes: each window keeps its size or shrinks about its centre to the next
/// of those that stay, so that it shows nothing that it did not show before.
pub(crate) fn few(shots: &mut [Shot]) {
    let mut sizes: Vec<Size> = shots.iter().filter_map(|shot| size(&shot.view)).collect();
    sizes.sort_by_key(|size| (size.width, size.height));
    sizes.dedup();
    if sizes.len() <= MOST_SIZES {
        return;
    }
    let stay: Vec<Size> = (0..MOST_SIZES)
        .map(|step| sizes[step * sizes.len() / MOST_SIZES])
        .collect();
    for shot in shots {
        if let View::Split { top, bottom } = &mut shot.view {
            let next = stay.iter().rfind(|size| size.width <= top.size.width);
            for window in [top, bottom] {
                shrink(window, *next.unwrap_or(&stay[0]));
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
    fn as_many_sizes_as_there_may_be_are_left_as_they_are() {
        let mut shots: Vec<Shot> = (0..MOST_SIZES as u32).map(split).collect();
        let before = shots.clone();
        few(&mut shots);
        assert_eq!(shots, before);
    }

    #[test]
    fn more_become_few_and_every_window_stays_inside_itself() {
        let mut shots: Vec<Shot> = (0..72).map(|number| split(number % 33)).collect();
        let before = shots.clone();
        few(&mut shots);
        let mut sizes: Vec<Size> = shots.iter().filter_map(|shot| size(&shot.view)).collect();
        sizes.sort_by_key(|size| size.width);
        sizes.dedup();
        assert_eq!(sizes.len(), MOST_SIZES);
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
