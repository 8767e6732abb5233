//! Bars around a picture, black or filled with a blurred copy of it: what is left without them is the picture.

mod blurred;

use domain::Size;
use reframe::Rect;

use super::frames::Frames;

/// Fewer bright frames say nothing of what is always dark.
const LEAST_FRAMES: usize = 3;
/// Brighter than this is no bar: 16 is black, and what codes it leaves noise.
const BLACK: u8 = 30;
/// A frame without anything brighter is of a dark scene.
const BRIGHT: u8 = 70;
/// The part of a border's length along which the picture begins: where it is less, there is only something bright in the dark.
const STRAIGHT: f64 = 0.5;
/// Less of the picture than this is never all of it.
const LEAST_PART: f64 = 0.15;

/// The part of the picture inside its bars, in pixels of the upright frame, at even positions; none if there are no bars.
pub(super) fn area(frames: &Frames, upright: Size) -> Option<Rect> {
    let found = frames.black_bars().or_else(|| frames.blurred_bars());
    enlarged(found?, frames.size, upright)
}

/// From pixels as they are looked at to those of the frame, inwards by one where the border may lie between, and to even numbers.
fn enlarged(found: Rect, size: Size, upright: Size) -> Option<Rect> {
    let axis = |from: u32, length: u32, small: u32, large: u32| {
        let scale = f64::from(large) / f64::from(small);
        let inner = f64::from(u32::from(scale > 1.01));
        let start = if from == 0 {
            0.0
        } else {
            (f64::from(from) + inner) * scale
        };
        let end = if from + length == small {
            f64::from(large)
        } else {
            (f64::from(from + length) - inner) * scale
        };
        let start = (start / 2.0).ceil() as u32 * 2;
        let end = (end / 2.0).floor() as u32 * 2;
        (end > start).then(|| (start, end - start))
    };
    let (x, width) = axis(found.x, found.size.width, size.width, upright.width)?;
    let (y, height) = axis(found.y, found.size.height, size.height, upright.height)?;
    let part = f64::from(width) * f64::from(height)
        / (f64::from(upright.width) * f64::from(upright.height));
    let is_all = width + 2 > upright.width && height + 2 > upright.height;
    (part >= LEAST_PART && !is_all).then_some(Rect {
        x,
        y,
        size: Size { width, height },
    })
}

impl Frames {
    /// What is inside of black bars.
    fn black_bars(&self) -> Option<Rect> {
        let brightest = self.brightest()?;
        let (width, height) = (self.width(), self.height());
        let is_lit = |x: usize, y: usize| brightest[y * width + x] > BLACK;
        // noise may light a pixel of a bar now and then
        let lit_row = |y: usize| (0..width).filter(|&x| is_lit(x, y)).count() * 50 > width;
        let lit_column = |x: usize| (0..height).filter(|&y| is_lit(x, y)).count() * 50 > height;
        let (top, bottom) = (
            (0..height).find(|&y| lit_row(y))?,
            (0..height).rfind(|&y| lit_row(y))?,
        );
        let (left, right) = (
            (0..width).find(|&x| lit_column(x))?,
            (0..width).rfind(|&x| lit_column(x))?,
        );
        // the line after the border: the border itself may be half of each
        let row = |y: usize| {
            let lit = (left..=right).filter(|&x| is_lit(x, y)).count();
            lit as f64 / (right - left + 1) as f64
        };
        let column = |x: usize| {
            let lit = (top..=bottom).filter(|&y| is_lit(x, y)).count();
            lit as f64 / (bottom - top + 1) as f64
        };
        // each side by itself: a dark stage at one of them says nothing of the others
        let first = |at: usize, lit: f64| if lit >= STRAIGHT { at } else { 0 };
        let last = |at: usize, end: usize, lit: f64| if lit >= STRAIGHT { at } else { end - 1 };
        let found = (
            first(left, column((left + 1).min(right))),
            first(top, row((top + 1).min(bottom))),
            last(right, width, column(right.saturating_sub(1).max(left))),
            last(bottom, height, row(bottom.saturating_sub(1).max(top))),
        );
        let (left, top, right, bottom) = found;
        let has_bars = top > 0 || left > 0 || bottom + 1 < height || right + 1 < width;
        has_bars.then(|| rect(left, top, right, bottom))
    }

    /// The brightest that each pixel ever is, over frames that are not of dark scenes; none if there are too few.
    fn brightest(&self) -> Option<Vec<u8>> {
        let is_bright = |frame: &&Vec<u8>| {
            frame.iter().filter(|pixel| **pixel > BRIGHT).count() * 20 > frame.len()
        };
        let bright: Vec<&Vec<u8>> = self.grey.iter().filter(is_bright).collect();
        let needed = LEAST_FRAMES.min(self.grey.len());
        if bright.is_empty() || bright.len() < needed {
            return None;
        }
        let mut brightest = vec![0; self.width() * self.height()];
        for frame in bright {
            for (most, pixel) in brightest.iter_mut().zip(frame) {
                *most = (*most).max(*pixel);
            }
        }
        Some(brightest)
    }
}

fn rect(left: usize, top: usize, right: usize, bottom: usize) -> Rect {
    Rect {
        x: left as u32,
        y: top as u32,
        size: Size {
            width: (right - left + 1) as u32,
            height: (bottom - top + 1) as u32,
        },
    }
}

#[cfg(test)]
mod tests;
