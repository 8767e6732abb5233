//! Subtitles that are part of the picture: a band of sharp, bright text in the lower half, in most of the frames.

use super::frames::Frames;
use crate::ffmpeg::media::Band;

/// A step in brightness from one pixel to the next that only letters with an outline have over and over.
const STEP: u8 = 60;
/// The part of a line of pixels that has such steps where there is text, and of the frames that have text there.
const TEXT: f64 = 0.03;
const STEADY: f64 = 0.4;
/// The part of the frames in which the other lines look like text at most: a busy picture is no band of text.
const ELSEWHERE: f64 = 0.15;
/// Lines of text and what is between them, as parts of the height: letters, a gap, and all of the band.
const LETTERS: f64 = 0.02;
const GAP: f64 = 0.05;
const LARGEST: f64 = 0.25;

/// The band of text in the lower half of a picture that is `shown` lines high, with a little around it.
pub(super) fn band(frames: &Frames, shown: u32) -> Option<Band> {
    let (top, bottom) = frames.text()?;
    let scale = f64::from(shown) / f64::from(frames.size.height);
    let around = f64::from(shown) * 0.01;
    Some(Band {
        top: (f64::from(top) * scale - around).max(0.0) as u32,
        bottom: ((f64::from(bottom) * scale + around) as u32).min(shown),
    })
}

impl Frames {
    /// The first line of a band of text and the one below its last.
    fn text(&self) -> Option<(u32, u32)> {
        let height = self.height();
        let count = self.grey.len();
        if count < 4 || height < 40 {
            return None;
        }
        let lines: Vec<f64> = (0..height)
            .map(|line| {
                let texts = self.grey.iter();
                let texts = texts.filter(|frame| text_in(frame, self.width(), line) > TEXT);
                texts.count() as f64 / count as f64
            })
            .collect();
        let lower = height / 2;
        let steady = |line: &usize| lines[*line] >= STEADY;
        let last = (lower..height).rfind(steady)?;
        let gap = (height as f64 * GAP) as usize;
        let mut first = last;
        while let Some(above) = (lower.max(first.saturating_sub(gap))..first).find(steady) {
            first = above;
        }
        let part = (last - first + 1) as f64 / height as f64;
        let above = lines[..first].iter().sum::<f64>() / first.max(1) as f64;
        // patterned clothes and shelves have such lines all over the lower half
        let is_alone = !(lower..first).any(|line| steady(&line));
        let is_band = (LETTERS..=LARGEST).contains(&part) && above < ELSEWHERE && is_alone;
        is_band.then_some((first as u32, last as u32 + 1))
    }
}

/// The part of a line that has steps as letters have.
fn text_in(frame: &[u8], width: usize, line: usize) -> f64 {
    let pixels = &frame[line * width..(line + 1) * width];
    let steps = pixels
        .windows(2)
        .filter(|pair| pair[0].abs_diff(pair[1]) > STEP);
    steps.count() as f64 / pixels.len() as f64
}

#[cfg(test)]
mod tests {
    use domain::Size;

    use super::*;

    const SIZE: Size = Size {
        width: 160,
        height: 100,
    };

    fn frames(light: impl Fn(usize, usize, usize) -> u8) -> Frames {
        let frame = |number: usize| {
            let pixels = (0..100).flat_map(|y| (0..160).map(move |x| (x, y)));
            pixels.map(|(x, y)| light(number, x, y)).collect()
        };
        Frames {
            size: SIZE,
            grey: (0..8).map(frame).collect(),
        }
    }

    fn found(frames: &Frames) -> Option<(u32, u32)> {
        frames.text()
    }

    fn text(x: usize) -> u8 {
        if (40..120).contains(&x) && x % 4 < 2 {
            240
        } else {
            60
        }
    }

    #[test]
    fn a_band_of_text_is_found_where_it_is_in_most_frames() {
        let subtitled = |frames_with_text: usize| {
            frames(move |number, x, y| {
                let is_text = (82..86).contains(&y) || (88..92).contains(&y);
                if is_text && number < frames_with_text {
                    text(x)
                } else {
                    60 + (x / 4) as u8
                }
            })
        };
        assert_eq!(found(&subtitled(8)), Some((82, 92)));
        assert_eq!(found(&subtitled(5)), Some((82, 92)));
        assert_eq!(found(&subtitled(2)), None);
    }

    #[test]
    fn a_busy_picture_and_a_page_of_text_have_no_band() {
        let busy = frames(|_, x, _| if x % 4 < 2 { 200 } else { 20 });
        assert_eq!(found(&busy), None);
        let page = frames(|_, x, y| if y % 8 < 4 { text(x) } else { 60 });
        assert_eq!(found(&page), None);
        let plain = frames(|number, x, y| (60 + (x + y + number) % 40) as u8);
        assert_eq!(found(&plain), None);
    }
}
