//! Blocks: the few words that stand on the screen together, set in lines that fit.

use std::ops::Range;

use crate::{
    Backdrop, Page, SafeArea, Style,
    fonts::{FontId, Fonts, Run},
    grouping::{Limits, group},
    piece::{Piece, is_unspaced},
};

/// A piece with the fonts it is set in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SetPiece {
    pub(crate) piece: Piece,
    pub(crate) runs: Vec<Run>,
    /// Height above and depth below the baseline of the font of each run, in em.
    extents: Vec<(f64, f64)>,
    /// In em.
    pub(crate) width: f64,
    /// How long it counts as the spoken word: to the next one, or a little longer than itself.
    pub(crate) until_ms: u64,
}

impl SetPiece {
    /// The ASS font size of a run, in em: ASS sizes count from the ascent to the descent.
    pub(crate) fn font_size(&self, run: usize) -> f64 {
        self.extents[run].0 + self.extents[run].1
    }

    /// How far the middle of what libass takes for the text's height lies above the baseline, in em.
    pub(crate) fn centre_above_baseline(&self) -> f64 {
        let ascent = self
            .extents
            .iter()
            .map(|extent| extent.0)
            .fold(0.0, f64::max);
        let descent = self
            .extents
            .iter()
            .map(|extent| extent.1)
            .fold(0.0, f64::max);
        (ascent - descent) / 2.0
    }
}

/// Words shown together for a time; no two blocks overlap.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block {
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    /// Lines from top to bottom, each in the order of speech.
    pub(crate) lines: Vec<Vec<SetPiece>>,
    /// The em of this block in pixels, smaller where a word would not fit.
    pub(crate) em: f64,
}

/// A block stays this long after its last word, if nothing follows, in milliseconds.
const LINGER_MS: u64 = 350;
/// A gap up to this long is bridged, so that the text does not flicker, in milliseconds.
const BRIDGE_MS: u64 = 600;
/// A word is held as the spoken one for this long after its end, if no other follows, in milliseconds.
const HOLD_MS: u64 = 250;
/// A silence of this length parts two blocks, in milliseconds.
const PAUSE_MS: u64 = 700;
/// Smallest space between words, in em: narrow fonts have less.
const LEAST_SPACE: f64 = 0.22;
/// Smallest size that a long word shrinks to before it is broken.
const LEAST_SCALE: f64 = 0.5;

/// Measures text set in a style on a picture.
pub(crate) struct Setter<'a> {
    pub(crate) style: &'a Style,
    pub(crate) fonts: &'a Fonts<'a>,
    pub(crate) area: SafeArea,
    /// The em in pixels.
    pub(crate) em: f64,
    /// The space between two words, in em: enough for outlines, a box, and a word that grows.
    pub(crate) gap: f64,
    font: FontId,
}

impl<'a> Setter<'a> {
    pub(crate) fn new(style: &'a Style, fonts: &'a Fonts<'a>, page: impl Into<Page>) -> Self {
        let Page { size, area } = page.into();
        let font = Fonts::find(style.font);
        Self {
            style,
            fonts,
            area,
            em: style.em * f64::from(size.width.min(size.height)),
            // measured once: every way to cut words into lines asks for it
            gap: gap(style, fonts.space(font)),
            font,
        }
    }

    /// Room for letters in a line, in em of the unshrunk size.
    fn room(&self) -> f64 {
        self.area.width() / self.em - 2.0 * self.style.reach()
    }

    fn set(&self, piece: Piece) -> SetPiece {
        let runs = self.fonts.runs(&piece.text, self.font);
        let width = runs.iter().map(|run| self.fonts.width(run)).sum();
        SetPiece {
            until_ms: piece.end_ms,
            extents: runs.iter().map(|run| self.fonts.extent(run.font)).collect(),
            piece,
            runs,
            width,
        }
    }

    fn width_of(&self, text: &str) -> f64 {
        let runs = self.fonts.runs(text, self.font);
        runs.iter().map(|run| self.fonts.width(run)).sum()
    }

    /// The width of a line in em, with the room that its widest word needs to grow in.
    pub(crate) fn line_width(&self, line: &[SetPiece]) -> f64 {
        let letters: f64 = line.iter().map(|set| set.width).sum();
        let gaps = line.iter().skip(1).filter(|set| set.piece.spaced).count();
        let widest = line.iter().map(|set| set.width).fold(0.0, f64::max);
        letters + gaps as f64 * self.gap + widest * (self.style.pop - 1.0)
    }

    /// Cuts what is too long even when it shrinks; scripts without spaces are cut rather than shrunk.
    fn cut(&self, piece: Piece) -> Vec<SetPiece> {
        let scale = if piece.text.chars().any(is_unspaced) {
            1.0
        } else {
            LEAST_SCALE
        };
        let room = self.room() / self.style.pop / scale;
        let parts = piece.split(|text| self.width_of(text) <= room);
        parts.into_iter().map(|part| self.set(part)).collect()
    }

    /// The lines of a block, as even as can be, and the width of the widest.
    fn lines(&self, group: &[SetPiece]) -> (Vec<Vec<SetPiece>>, f64) {
        let whole = self.line_width(group);
        if whole <= self.room() || group.len() < 2 || self.style.max_lines < 2 {
            return (vec![group.to_vec()], whole);
        }
        let widest = |at: usize| {
            self.line_width(&group[..at])
                .max(self.line_width(&group[at..]))
        };
        let (at, width) = (1..group.len())
            .map(|at| (at, widest(at)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((group.len(), whole));
        (vec![group[..at].to_vec(), group[at..].to_vec()], width)
    }

    fn block(&self, group: &[SetPiece], next_ms: Option<u64>) -> Block {
        let (mut lines, width) = self.lines(group);
        let last_ms = group[group.len() - 1].piece.end_ms;
        let end_ms = end_ms(last_ms, next_ms);
        let mut next_ms = end_ms;
        for set in lines.iter_mut().flatten().rev() {
            set.until_ms = next_ms.min(set.piece.end_ms + HOLD_MS);
            next_ms = set.piece.start_ms;
        }
        Block {
            start_ms: group[0].piece.start_ms,
            end_ms,
            lines,
            em: self.em * (self.room() / width).min(1.0),
        }
    }
}

fn gap(style: &Style, space: f64) -> f64 {
    let padding = match style.backdrop {
        Backdrop::Word { .. } => 0.1,
        _ => 0.5 * style.outline,
    };
    space.max(LEAST_SPACE) + padding + 1.5 * (style.pop - 1.0)
}

fn end_ms(last_ms: u64, next_ms: Option<u64>) -> u64 {
    match next_ms {
        Some(next_ms) if next_ms <= last_ms + BRIDGE_MS => next_ms,
        _ => last_ms + LINGER_MS,
    }
}

/// The blocks of some pieces, in order of time.
pub(crate) fn blocks(pieces: Vec<Piece>, setter: &Setter) -> Vec<Block> {
    let set: Vec<SetPiece> = pieces
        .into_iter()
        .flat_map(|piece| setter.cut(piece))
        .collect();
    let plain: Vec<Piece> = set.iter().map(|set| set.piece.clone()).collect();
    let limits = Limits {
        columns: setter.style.max_columns,
        ms: setter.style.max_ms,
        pause_ms: PAUSE_MS,
        short_ms: 450,
    };
    let fits = |range: Range<usize>| setter.lines(&set[range]).1 <= setter.room();
    let groups = group(&plain, &limits, fits);
    let next_ms = groups
        .iter()
        .skip(1)
        .map(|range| Some(plain[range.start].start_ms))
        .chain([None]);
    groups
        .iter()
        .zip(next_ms)
        .map(|(range, next_ms)| setter.block(&set[range.clone()], next_ms))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::LazyLock};

    use domain::{AspectRatio, Word};
    use proptest::prelude::*;

    use super::*;
    use crate::{FontFiles, STYLES, piece::pieces};

    /// Read once: the largest has 17 MB.
    static FILES: LazyLock<FontFiles> = LazyLock::new(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.cache/clipwright/fonts");
        FontFiles::read(Path::new(folder)).unwrap()
    });

    fn any_words() -> impl Strategy<Value = Vec<Word>> {
        let text = "[A-Za-zäß]{1,12}|[a-z]{30,70}|[אבגדה]{1,9}|[سلامكث]{1,9}|[成功之前放弃]{1,30}|[.,!?…]|कर्म|[0-9]{1,4}%|🚀|\\PC{0,6}";
        prop::collection::vec((text, 0_u64..900, 0_u64..900), 0..40).prop_map(|rows| {
            let mut at_ms = 0;
            let word = |(text, gap_ms, length_ms)| {
                let start_ms = at_ms + gap_ms / 2 * u64::from(gap_ms % 3 == 0);
                at_ms = start_ms + length_ms;
                Word {
                    text,
                    start_ms,
                    end_ms: at_ms,
                    confidence: 1.0,
                }
            };
            rows.into_iter().map(word).collect()
        })
    }

    fn letters<'a>(texts: impl Iterator<Item = &'a str>) -> String {
        texts
            .flat_map(str::chars)
            .filter(|c| c.is_alphanumeric())
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn blocks_hold_every_word_once_inside_the_safe_area_one_after_the_other(words in any_words(), style in 0..STYLES.len(), ratio in 0..4_usize) {
            let fonts = Fonts::new(&FILES).unwrap();
            let setter = Setter::new(&STYLES[style], &fonts, AspectRatio::ALL[ratio].output_size());
            let blocks = blocks(pieces(&words), &setter);

            let shown = blocks.iter().flat_map(|block| block.lines.iter().flatten());
            prop_assert_eq!(
                letters(shown.map(|set| set.piece.text.as_str())),
                letters(words.iter().map(|word| word.text.as_str()))
            );
            for pair in blocks.windows(2) {
                prop_assert!(pair[0].end_ms <= pair[1].start_ms);
            }
            for block in &blocks {
                prop_assert!(block.start_ms < block.end_ms);
                prop_assert!(block.lines.len() <= STYLES[style].max_lines);
                for line in &block.lines {
                    let reach = 2.0 * STYLES[style].reach();
                    prop_assert!((setter.line_width(line) + reach) * block.em <= setter.area.width() + 0.01);
                }
                for set in block.lines.iter().flatten() {
                    prop_assert!(block.start_ms <= set.piece.start_ms && set.until_ms <= block.end_ms);
                }
            }
        }
    }
}
