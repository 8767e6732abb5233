//! Bars that are filled with a blurred copy of the picture between them, enlarged until it fills the frame.

use reframe::Rect;

use super::rect;
use crate::source::frames::Frames;

/// The step in brightness from a blurred bar to the picture, where there is one, and the part of the border that has it.
const BORDER_STEP: f64 = 10.0;
const BORDER_PART: f64 = 0.3;
/// How much more detail there is in the picture than in its bars.
const BLURRED: f64 = 4.0;
/// The correlation from which on bars are taken for a copy of the picture.
const COPIED: f64 = 0.6;

/// Pearson's correlation; 0 where one of both is the same everywhere.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let count = pairs.len().max(1) as f64;
    let mean_x = pairs.iter().map(|pair| pair.0).sum::<f64>() / count;
    let mean_y = pairs.iter().map(|pair| pair.1).sum::<f64>() / count;
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        let (x, y) = (x - mean_x, y - mean_y);
        (xy, xx, yy) = (xy + x * y, xx + x * x, yy + y * y);
    }
    if xx > 0.0 && yy > 0.0 {
        xy / (xx * yy).sqrt()
    } else {
        0.0
    }
}

impl Frames {
    /// What is between two bars that are filled with a blurred copy of it, left and right or above and below.
    pub(super) fn blurred_bars(&self) -> Option<Rect> {
        let (width, height) = (self.width(), self.height());
        if let Some((from, to)) = self.sharp_part(false) {
            return Some(rect(from, 0, to, height - 1));
        }
        let (from, to) = self.sharp_part(true)?;
        Some(rect(0, from, width - 1, to))
    }

    /// Where the sharp part of the picture begins and ends across, or from top to bottom: on both sides of it everything is blurred, and
    /// its borders are straight. A speaker before a blurred ground has no such borders.
    fn sharp_part(&self, down: bool) -> Option<(usize, usize)> {
        let (across, along) = if down {
            (self.height(), self.width())
        } else {
            (self.width(), self.height())
        };
        if across < 64 || self.grey.is_empty() {
            return None;
        }
        let pixel = |frame: &[u8], a: usize, b: usize| self.pixel(frame, down, a, b);
        // steps between neighbours along each line, and the part of the line that a step to the next line goes through
        let mut detail = vec![0.0; across];
        let mut border = vec![0.0; across];
        for frame in &self.grey {
            for a in 0..across {
                for b in 1..along {
                    detail[a] += (pixel(frame, a, b) - pixel(frame, a, b - 1)).abs();
                }
                if a > 0 {
                    let steps = (0..along).filter(|&b| {
                        (pixel(frame, a, b) - pixel(frame, a - 1, b)).abs() > BORDER_STEP
                    });
                    border[a] += steps.count() as f64 / along as f64;
                }
            }
        }
        let count = self.grey.len() as f64;
        let per_pixel = |line: usize| detail[line] / count / along as f64;
        let is_border = |line: usize| border[line] / count > BORDER_PART;
        // from the outside, where a blurred bar has no steps; inside there may be many
        let from = (across / 20..across * 9 / 20).find(|&line| is_border(line))?;
        let to = (across * 11 / 20..across * 19 / 20).rfind(|&line| is_border(line))?;
        let mean = |lines: std::ops::Range<usize>| {
            let length = lines.len().max(1) as f64;
            lines.map(per_pixel).sum::<f64>() / length
        };
        let bars = mean(1..from - 1).max(mean(to + 1..across - 1));
        let inside = mean(from + 1..to - 1);
        // both bars are as wide, since the sharp copy lies in the middle; the border that is seen further out is the surer one
        let is_even = from.abs_diff(across - to) <= across / 30 + 1;
        let margin = from.min(across - to);
        let is_found = is_even && bars * BLURRED < inside && self.likeness(down, margin) > COPIED;
        is_found.then(|| (margin, across - margin - 1))
    }

    /// A pixel by its place across the bars and along them.
    fn pixel(&self, frame: &[u8], down: bool, across: usize, along: usize) -> f64 {
        let at = if down {
            across * self.width() + along
        } else {
            along * self.width() + across
        };
        f64::from(frame[at])
    }

    /// How far the bars are like the picture between them, enlarged until it fills the frame: the correlation of both, over places in the
    /// bars of all frames.
    fn likeness(&self, down: bool, margin: usize) -> f64 {
        let (across, along) = if down {
            (self.height(), self.width())
        } else {
            (self.width(), self.height())
        };
        let scale = (across - 2 * margin) as f64 / across as f64;
        let middle = along as f64 / 2.0;
        let places = |count: usize, length: usize| {
            (0..count).map(move |n| (2 * n + 1) * length / (2 * count))
        };
        let mut pairs = Vec::new();
        for frame in &self.grey {
            for a in places(6, margin).flat_map(|a| [a, across - 1 - a]) {
                for b in places(24, along) {
                    let inside = (
                        margin + (a as f64 * scale) as usize,
                        (middle + (b as f64 - middle) * scale) as usize,
                    );
                    let copied = self.mean_around(frame, down, inside);
                    pairs.push((self.pixel(frame, down, a, b), copied));
                }
            }
        }
        correlation(&pairs)
    }

    /// The mean of a place and what is around it.
    fn mean_around(&self, frame: &[u8], down: bool, (a, b): (usize, usize)) -> f64 {
        const AROUND: usize = 6;
        let (across, along) = if down {
            (self.height(), self.width())
        } else {
            (self.width(), self.height())
        };
        let range = |at: usize, length: usize| at.saturating_sub(AROUND)..(at + AROUND).min(length);
        let (mut sum, mut count) = (0.0, 0.0);
        for a in range(a, across) {
            for b in range(b, along) {
                sum += self.pixel(frame, down, a, b);
                count += 1.0;
            }
        }
        sum / f64::max(count, 1.0)
    }
}
