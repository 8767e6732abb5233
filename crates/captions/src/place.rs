//! Where each word of a block stands. Words are placed one by one, so that none moves when another grows.

use crate::{
    block::{Block, SetPiece, Setter},
    order::visual_order,
};

/// A line of words with their places, in pixels.
pub(crate) struct PlacedLine<'a> {
    pub(crate) words: Vec<Placed<'a>>,
    pub(crate) left: f64,
    pub(crate) right: f64,
    /// Half way between its top and its bottom.
    pub(crate) middle: f64,
}

/// A word with its place, in pixels.
pub(crate) struct Placed<'a> {
    pub(crate) set: &'a SetPiece,
    /// Half way between its left and its right end.
    pub(crate) x: f64,
    /// What libass centres: half way between the fonts' ascent and descent.
    pub(crate) y: f64,
    pub(crate) width: f64,
}

/// Distance of lines, in em.
pub(crate) const LEADING: f64 = 1.24;
/// Half the height of capitals, in em: what the eye takes for the middle of a line.
const HALF_CAPITAL: f64 = 0.35;

/// The lines of a block, from top to bottom.
pub(crate) fn place<'a>(
    block: &'a Block,
    setter: &Setter,
    right_to_left: bool,
) -> Vec<PlacedLine<'a>> {
    let leading = LEADING * block.em;
    let middle = anchor(setter) - leading * (block.lines.len() - 1) as f64 / 2.0;
    let line = |(index, line): (usize, &'a Vec<SetPiece>)| {
        let middle = middle + leading * index as f64;
        place_line(line, block.em, middle, setter, right_to_left)
    };
    block.lines.iter().enumerate().map(line).collect()
}

/// The middle of every block, so that one line stands in the middle of where two would.
fn anchor(setter: &Setter) -> f64 {
    let ink = setter.style.reach().max(0.0) * setter.em;
    let lines = setter.style.max_lines as f64;
    setter.area.bottom - ink - LEADING * setter.em * lines / 2.0
}

fn place_line<'a>(
    line: &'a [SetPiece],
    em: f64,
    middle: f64,
    setter: &Setter,
    right_to_left: bool,
) -> PlacedLine<'a> {
    let pieces: Vec<_> = line.iter().map(|set| set.piece.clone()).collect();
    let order = visual_order(&pieces, right_to_left);
    let growth = setter.line_width(line) - still_width(line, &order, setter);
    let left = setter.area.centre() - (setter.line_width(line) - growth) * em / 2.0;
    let mut pen = left;
    let mut words = Vec::with_capacity(line.len());
    for (seen, &index) in order.iter().enumerate() {
        let set = &line[index];
        if seen > 0 && spaced(line, order[seen - 1], index) {
            pen += setter.gap * em;
        }
        let width = set.width * em;
        words.push(Placed {
            set,
            x: pen + width / 2.0,
            y: middle + (HALF_CAPITAL - set.centre_above_baseline()) * em,
            width,
        });
        pen += width;
    }
    PlacedLine {
        words,
        left,
        right: pen,
        middle,
    }
}

/// Whether there is a space between two words that are seen beside each other.
fn spaced(line: &[SetPiece], left: usize, right: usize) -> bool {
    let later = left.max(right);
    left.abs_diff(right) != 1 || line[later].piece.spaced
}

/// The width of a line in em while no word is larger.
fn still_width(line: &[SetPiece], order: &[usize], setter: &Setter) -> f64 {
    let gaps = order
        .windows(2)
        .filter(|pair| spaced(line, pair[0], pair[1]))
        .count();
    line.iter().map(|set| set.width).sum::<f64>() + gaps as f64 * setter.gap
}
