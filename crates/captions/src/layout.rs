//! Layout of blocks: the few words that are on the screen together, shaped and broken into lines that fit.

use std::ops::Range;

use crate::{
    Backdrop, Canvas, SafeArea, Style,
    fonts::{FontId, Fonts, Run},
    grouping::{Limits, group},
    token::{Token, is_unspaced},
};

/// A token split into font runs and measured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ShapedToken {
    pub(crate) token: Token,
    pub(crate) runs: Vec<Run>,
    /// Height above and depth below the baseline of the font of each run, in em.
    extents: Vec<(f64, f64)>,
    /// In em.
    pub(crate) width: f64,
    /// Until when it is highlighted: up to the next token, or a little beyond its own end.
    pub(crate) until_ms: u64,
}

impl ShapedToken {
    /// The ASS font size of a run, in em: an ASS size is ascent plus descent.
    pub(crate) fn font_size(&self, run: usize) -> f64 {
        self.extents[run].0 + self.extents[run].1
    }

    /// Distance from the baseline up to the middle of what libass takes as the text's height, in em.
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

/// Words shown together; blocks never overlap in time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block {
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    /// Lines from top to bottom, each in spoken order.
    pub(crate) lines: Vec<Vec<ShapedToken>>,
    /// The em of this block in pixels, reduced where a word would not fit.
    pub(crate) em: f64,
}

/// A block with no successor stays visible this long after its last word, in milliseconds.
const LINGER_MS: u64 = 350;
/// Gaps up to this long between blocks are bridged to avoid flicker, in milliseconds.
const BRIDGE_MS: u64 = 600;
/// A word stays highlighted at most this long after its end, in milliseconds.
const HOLD_MS: u64 = 250;
/// A silence this long always separates two blocks, in milliseconds.
const PAUSE_MS: u64 = 700;
/// Smallest space between words, in em; the space of narrow fonts is smaller.
const MIN_SPACE: f64 = 0.22;
/// Smallest scale for a long word before it is broken instead.
const MIN_SCALE: f64 = 0.5;

/// Shapes, measures and breaks text in one style for one picture size.
pub(crate) struct LayoutEngine<'a> {
    pub(crate) style: &'a Style,
    pub(crate) fonts: &'a Fonts<'a>,
    pub(crate) area: SafeArea,
    /// The em in pixels.
    pub(crate) em: f64,
    /// The space between two words, in em: leaves room for outlines, boxes and growing words.
    pub(crate) gap: f64,
    font: FontId,
}

impl<'a> LayoutEngine<'a> {
    pub(crate) fn new(style: &'a Style, fonts: &'a Fonts<'a>, canvas: impl Into<Canvas>) -> Self {
        let Canvas { size, area } = canvas.into();
        let font = Fonts::find(style.font);
        Self {
            style,
            fonts,
            area,
            em: style.em * f64::from(size.width.min(size.height)),
            // measured once: every candidate line break needs it
            gap: word_gap(style, fonts.space(font)),
            font,
        }
    }

    /// The width available for letters in a line, in em of the unreduced size.
    fn room(&self) -> f64 {
        self.area.width() / self.em - 2.0 * self.style.overhang()
    }

    fn shape(&self, token: Token) -> ShapedToken {
        let runs = self.fonts.runs(&token.text, self.font);
        let width = runs.iter().map(|run| self.fonts.width(run)).sum();
        ShapedToken {
            until_ms: token.end_ms,
            extents: runs.iter().map(|run| self.fonts.extent(run.font)).collect(),
            token,
            runs,
            width,
        }
    }

    fn width_of(&self, text: &str) -> f64 {
        let runs = self.fonts.runs(text, self.font);
        runs.iter().map(|run| self.fonts.width(run)).sum()
    }

    /// The width of a line in em, including what its widest word needs to grow.
    pub(crate) fn line_width(&self, line: &[ShapedToken]) -> f64 {
        let letters: f64 = line.iter().map(|shaped| shaped.width).sum();
        let gaps = line
            .iter()
            .skip(1)
            .filter(|shaped| shaped.token.spaced)
            .count();
        let widest = line.iter().map(|shaped| shaped.width).fold(0.0, f64::max);
        letters + gaps as f64 * self.gap + widest * (self.style.active_scale - 1.0)
    }

    /// Breaks a token that is too long even when reduced; tokens of scripts without spaces are broken rather than reduced.
    fn cut(&self, token: Token) -> Vec<ShapedToken> {
        let scale = if token.text.chars().any(is_unspaced) {
            1.0
        } else {
            MIN_SCALE
        };
        let room = self.room() / self.style.active_scale / scale;
        let parts = token.split(|text| self.width_of(text) <= room);
        parts.into_iter().map(|part| self.shape(part)).collect()
    }

    /// Breaks a group into lines that are as even as possible; also returns the width of the widest.
    fn lines(&self, group: &[ShapedToken]) -> (Vec<Vec<ShapedToken>>, f64) {
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

    fn block(&self, group: &[ShapedToken], next_ms: Option<u64>) -> Block {
        let (mut lines, width) = self.lines(group);
        let last_ms = group[group.len() - 1].token.end_ms;
        let end_ms = end_ms(last_ms, next_ms);
        let mut next_ms = end_ms;
        for shaped in lines.iter_mut().flatten().rev() {
            shaped.until_ms = next_ms.min(shaped.token.end_ms + HOLD_MS);
            next_ms = shaped.token.start_ms;
        }
        Block {
            start_ms: group[0].token.start_ms,
            end_ms,
            lines,
            em: self.em * (self.room() / width).min(1.0),
        }
    }
}

fn word_gap(style: &Style, space: f64) -> f64 {
    let padding = match style.backdrop {
        Backdrop::Word { .. } => 0.1,
        _ => 0.5 * style.outline,
    };
    space.max(MIN_SPACE) + padding + 1.5 * (style.active_scale - 1.0)
}

fn end_ms(last_ms: u64, next_ms: Option<u64>) -> u64 {
    match next_ms {
        Some(next_ms) if next_ms <= last_ms + BRIDGE_MS => next_ms,
        _ => last_ms + LINGER_MS,
    }
}

/// Lays out tokens as blocks, in order of time.
pub(crate) fn blocks(tokens: Vec<Token>, engine: &LayoutEngine) -> Vec<Block> {
    let shaped: Vec<ShapedToken> = tokens
        .into_iter()
        .flat_map(|token| engine.cut(token))
        .collect();
    let plain: Vec<Token> = shaped.iter().map(|shaped| shaped.token.clone()).collect();
    let limits = Limits {
        columns: engine.style.max_columns,
        ms: engine.style.max_ms,
        pause_ms: PAUSE_MS,
        short_ms: 450,
    };
    let fits = |range: Range<usize>| engine.lines(&shaped[range]).1 <= engine.room();
    let groups = group(&plain, &limits, fits);
    let next_ms = groups
        .iter()
        .skip(1)
        .map(|range| Some(plain[range.start].start_ms))
        .chain([None]);
    groups
        .iter()
        .zip(next_ms)
        .map(|(range, next_ms)| engine.block(&shaped[range.clone()], next_ms))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::LazyLock};

    use domain::{AspectRatio, Word};
    use proptest::prelude::*;

    use super::*;
    use crate::{FontFiles, STYLES, token::tokens};

    /// Read once: the largest file has 17 MB.
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
            let engine = LayoutEngine::new(&STYLES[style], &fonts, AspectRatio::ALL[ratio].output_size());
            let blocks = blocks(tokens(&words), &engine);

            let shown = blocks.iter().flat_map(|block| block.lines.iter().flatten());
            prop_assert_eq!(
                letters(shown.map(|shaped| shaped.token.text.as_str())),
                letters(words.iter().map(|word| word.text.as_str()))
            );
            for pair in blocks.windows(2) {
                prop_assert!(pair[0].end_ms <= pair[1].start_ms);
            }
            for block in &blocks {
                prop_assert!(block.start_ms < block.end_ms);
                prop_assert!(block.lines.len() <= STYLES[style].max_lines);
                for line in &block.lines {
                    let reach = 2.0 * STYLES[style].overhang();
                    prop_assert!((engine.line_width(line) + reach) * block.em <= engine.area.width() + 0.01);
                }
                for shaped in block.lines.iter().flatten() {
                    prop_assert!(block.start_ms <= shaped.token.start_ms && shaped.until_ms <= block.end_ms);
                }
            }
        }
    }
}
