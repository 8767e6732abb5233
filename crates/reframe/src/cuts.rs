//! Shot boundary detection in grey thumbnails of every frame, exact to a frame.

use crate::frame::THUMBNAIL;

const WIDTH: usize = THUMBNAIL.width as usize;
const HEIGHT: usize = THUMBNAIL.height as usize;
/// Bytes of a thumbnail.
pub(crate) const THUMBNAIL_BYTES: usize = WIDTH * HEIGHT;

/// Block size of the motion compensation, in thumbnail pixels.
const BLOCK: [usize; 2] = [8, 6];
/// Search range of the motion compensation, in thumbnail pixels (5 % of the picture's width).
const SEARCH: [isize; 2] = [3, 2];
/// Mean difference in grey levels, after motion compensation, below which two frames belong to one shot.
const MIN_CHANGE: f32 = 8.0;
/// Minimum ratio of the change at a cut to the changes around it; dissolves and camera motion change every frame alike.
const MIN_PROMINENCE: f32 = 2.5;
/// Frames compared on each side of a change: a flash is shorter.
const NEIGHBOURS: usize = 5;
/// After a flash the picture is the one before it: across a true cut, frames keep at least this share of the change, which counts as
/// at most this many grey levels because a white frame makes it larger.
const MIN_LASTING_SHARE: f32 = 0.5;
const MAX_LASTING_REFERENCE: f32 = 24.0;
/// Two pictures that correlate more than this are one shot in different light.
const MAX_CORRELATION: f32 = 0.9;

/// A grey picture of [`THUMBNAIL`] size and its time.
pub(crate) struct Thumbnail {
    pub(crate) time_ms: u64,
    pub(crate) grey: Vec<u8>,
}

/// The times of the first frame of each new shot.
pub(crate) fn cuts(frames: &[Thumbnail]) -> Vec<u64> {
    // changes[i] lies between frame i and frame i + 1
    let changes: Vec<f32> = frames
        .windows(2)
        .map(|pair| change(&pair[0].grey, &pair[1].grey))
        .collect();
    (0..changes.len())
        .filter(|&at| is_peak(&changes, at) && is_lasting(frames, changes[at], at))
        .map(|at| frames[at + 1].time_ms)
        .collect()
}

/// Whether a change is the largest nearby and well above the rest; one large neighbour is allowed, because a frame rate conversion may
/// blend a cut over two frames.
fn is_peak(changes: &[f32], at: usize) -> bool {
    let change = changes[at];
    let around = at.saturating_sub(NEIGHBOURS)..(at + NEIGHBOURS + 1).min(changes.len());
    let mut others: Vec<f32> = around
        .clone()
        .filter(|&i| i != at)
        .map(|i| changes[i])
        .collect();
    others.sort_by(|a, b| b.total_cmp(a));
    let largest = around
        .clone()
        .all(|i| changes[i] < change || (changes[i] <= change && i >= at));
    let background = others.get(1).copied().unwrap_or(0.0);
    change >= MIN_CHANGE && largest && change >= MIN_PROMINENCE * background
}

/// Whether the pictures before and after remain different, in structure and not only in brightness.
fn is_lasting(frames: &[Thumbnail], size: f32, at: usize) -> bool {
    let (before, after) = (&frames[at].grey, &frames[at + 1].grey);
    let lasting =
        |a: &[u8], b: &[u8]| change(a, b) >= MIN_LASTING_SHARE * size.min(MAX_LASTING_REFERENCE);
    let later = frames[at + 1..].iter().take(NEIGHBOURS + 1);
    let earlier = frames[..=at].iter().rev().take(NEIGHBOURS + 1);
    correlation(before, after) < MAX_CORRELATION
        && later.into_iter().all(|frame| lasting(before, &frame.grey))
        && earlier.into_iter().all(|frame| lasting(&frame.grey, after))
}

/// Mean difference of two pictures in grey levels, after each block of `a` is matched near its position in `b`.
fn change(a: &[u8], b: &[u8]) -> f32 {
    let blocks = (0..HEIGHT)
        .step_by(BLOCK[1])
        .flat_map(|y| (0..WIDTH).step_by(BLOCK[0]).map(move |x| [x, y]));
    let total: u32 = blocks.map(|corner| block_change(a, b, corner)).sum();
    total as f32 / THUMBNAIL_BYTES as f32
}

fn block_change(a: &[u8], b: &[u8], [x, y]: [usize; 2]) -> u32 {
    let inside = |from: usize, by: isize, length: usize, limit: usize| {
        from.checked_add_signed(by)
            .filter(|to| to + length <= limit)
    };
    let mut least = u32::MAX;
    for dy in -SEARCH[1]..=SEARCH[1] {
        let Some(to_y) = inside(y, dy, BLOCK[1], HEIGHT) else {
            continue;
        };
        for dx in -SEARCH[0]..=SEARCH[0] {
            let Some(to_x) = inside(x, dx, BLOCK[0], WIDTH) else {
                continue;
            };
            least = least.min(difference(&a[y * WIDTH + x..], &b[to_y * WIDTH + to_x..]));
        }
    }
    least
}

/// Sum of absolute differences of two blocks that start at the given bytes.
fn difference(a: &[u8], b: &[u8]) -> u32 {
    a.chunks(WIDTH)
        .zip(b.chunks(WIDTH))
        .take(BLOCK[1])
        .flat_map(|(a, b)| a.iter().zip(b).take(BLOCK[0]))
        .map(|(a, b)| u32::from(a.abs_diff(*b)))
        .sum()
}

/// Pearson's correlation of two pictures; 0 if one of them is blank.
fn correlation(a: &[u8], b: &[u8]) -> f32 {
    let mean = |of: &[u8]| of.iter().map(|&v| f32::from(v)).sum::<f32>() / of.len() as f32;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f32::from(a) - mean_a, f32::from(b) - mean_b);
        both += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    let blank = of_a.min(of_b) < a.len() as f32;
    if blank {
        0.0
    } else {
        both / (of_a * of_b).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scene of soft shapes, different for each seed, shifted by `shift` pixels.
    fn scene(seed: f32, shift: f32) -> Vec<u8> {
        let wave = |x: f32, y: f32| {
            (x * (0.11 + 0.05 * seed) + seed).sin()
                + (y * 0.23 - x * 0.07 * seed + 2.0 * seed).cos()
        };
        (0..THUMBNAIL_BYTES)
            .map(|i| 128.0 + 50.0 * wave((i % WIDTH) as f32 + shift, (i / WIDTH) as f32))
            .map(|value| value.clamp(0.0, 255.0) as u8)
            .collect()
    }

    fn detect(pictures: Vec<Vec<u8>>) -> Vec<u64> {
        let frames: Vec<Thumbnail> = (0..)
            .map(|i| i * 40)
            .zip(pictures)
            .map(|(time_ms, grey)| Thumbnail { time_ms, grey })
            .collect();
        cuts(&frames)
    }

    fn mix(a: &[u8], b: &[u8], share: f32) -> Vec<u8> {
        let blend = |(a, b): (&u8, &u8)| f32::from(*a) * (1.0 - share) + f32::from(*b) * share;
        a.iter().zip(b).map(blend).map(|v| v as u8).collect()
    }

    #[test]
    fn a_hard_cut_is_detected_at_its_first_frame() {
        let pictures = (0..20).map(|i| scene(if i < 9 { 1.0 } else { 3.0 }, i as f32 * 0.3));
        assert_eq!(detect(pictures.collect()), [9 * 40]);
    }

    #[test]
    fn a_cut_blended_over_two_frames_is_one_cut() {
        let (a, b) = (scene(1.0, 0.0), scene(3.0, 0.0));
        let blended = [mix(&a, &b, 0.0), mix(&a, &b, 0.4), mix(&a, &b, 1.0)];
        let pictures = (0..20).map(|i: i32| blended[(i - 8).clamp(0, 2) as usize].clone());
        assert_eq!(detect(pictures.collect()), [10 * 40]);
    }

    #[test]
    fn a_cut_through_a_white_flash_is_one_cut() {
        let pictures = (0..20).map(|i| match i {
            0..8 => scene(1.0, 0.0),
            8..10 => vec![255; THUMBNAIL_BYTES],
            _ => scene(3.0, 0.0),
        });
        assert_eq!(detect(pictures.collect()).len(), 1);
    }

    #[test]
    fn flashes_dissolves_motion_and_light_changes_are_not_cuts() {
        let (a, b) = (scene(1.0, 0.0), scene(3.0, 0.0));
        let flash = (0..24).map(|i| {
            if (9..12).contains(&i) {
                vec![255; THUMBNAIL_BYTES]
            } else {
                a.clone()
            }
        });
        assert!(detect(flash.collect()).is_empty(), "flash");
        let dissolve = (0..30).map(|i| mix(&a, &b, ((i as f32 - 8.0) / 10.0).clamp(0.0, 1.0)));
        assert!(detect(dissolve.collect()).is_empty(), "dissolve");
        let whip = (0..30).map(|i| scene(1.0, if i < 8 { 0.0 } else { (i - 8) as f32 * 9.0 }));
        assert!(detect(whip.collect()).is_empty(), "whip pan");
        let light = (0..24).map(|i| {
            mix(
                &a,
                &vec![255; THUMBNAIL_BYTES],
                if i < 12 { 0.0 } else { 0.4 },
            )
        });
        assert!(detect(light.collect()).is_empty(), "light switched on");
    }
}
