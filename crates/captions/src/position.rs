//! Pixel positions of the words of a block. Words are positioned one by one, so that none moves when another grows.

use crate::{
    bidi::visual_order,
    layout::{Block, LayoutEngine, ShapedToken},
};

/// A line of words with their positions, in pixels.
pub(crate) struct PositionedLine<'a> {
    pub(crate) words: Vec<PositionedToken<'a>>,
    pub(crate) left: f64,
    pub(crate) right: f64,
    /// Vertical centre.
    pub(crate) middle: f64,
}

/// A word with its position, in pixels.
pub(crate) struct PositionedToken<'a> {
    pub(crate) shaped: &'a ShapedToken,
    /// Horizontal centre.
    pub(crate) x: f64,
    /// The vertical centre by libass's rule: half way between the fonts' ascent and descent.
    pub(crate) y: f64,
    pub(crate) width: f64,
}

/// Distance between baselines, in em.
pub(crate) const LEADING: f64 = 1.24;
/// Half the cap height, in em: the optical middle of a line.
const HALF_CAPITAL: f64 = 0.35;

/// Positions the lines of a block, from top to bottom.
pub(crate) fn position_lines<'a>(
    block: &'a Block,
    engine: &LayoutEngine,
    right_to_left: bool,
) -> Vec<PositionedLine<'a>> {
    let leading = LEADING * block.em;
    let middle = anchor(engine) - leading * (block.lines.len() - 1) as f64 / 2.0;
    let line = |(index, line): (usize, &'a Vec<ShapedToken>)| {
        let middle = middle + leading * index as f64;
        position_line(line, block.em, middle, engine, right_to_left)
    };
    block.lines.iter().enumerate().map(line).collect()
}

/// The vertical centre of every block, so that a single line is centred where two lines would be.
fn anchor(engine: &LayoutEngine) -> f64 {
    let ink = engine.style.overhang().max(0.0) * engine.em;
    let lines = engine.style.max_lines as f64;
    engine.area.bottom - ink - LEADING * engine.em * lines / 2.0
}

fn position_line<'a>(
    line: &'a [ShapedToken],
    em: f64,
    middle: f64,
    engine: &LayoutEngine,
    right_to_left: bool,
) -> PositionedLine<'a> {
    let tokens: Vec<_> = line.iter().map(|shaped| shaped.token.clone()).collect();
    let order = visual_order(&tokens, right_to_left);
    let growth = engine.line_width(line) - still_width(line, &order, engine);
    let left = engine.area.centre() - (engine.line_width(line) - growth) * em / 2.0;
    let mut pen = left;
    let mut words = Vec::with_capacity(line.len());
    for (seen, &index) in order.iter().enumerate() {
        let shaped = &line[index];
        if seen > 0 && spaced(line, order[seen - 1], index) {
            pen += engine.gap * em;
        }
        let width = shaped.width * em;
        words.push(PositionedToken {
            shaped,
            x: pen + width / 2.0,
            y: middle + (HALF_CAPITAL - shaped.centre_above_baseline()) * em,
            width,
        });
        pen += width;
    }
    PositionedLine {
        words,
        left,
        right: pen,
        middle,
    }
}

/// Whether there is a space between two visually adjacent words.
fn spaced(line: &[ShapedToken], left: usize, right: usize) -> bool {
    let later = left.max(right);
    left.abs_diff(right) != 1 || line[later].token.spaced
}

/// The width of a line in em while no word is enlarged.
fn still_width(line: &[ShapedToken], order: &[usize], engine: &LayoutEngine) -> f64 {
    let gaps = order
        .windows(2)
        .filter(|pair| spaced(line, pair[0], pair[1]))
        .count();
    line.iter().map(|shaped| shaped.width).sum::<f64>() + gaps as f64 * engine.gap
}
