//! Left-to-right and right-to-left: the order in which the pieces of a line are seen.

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

use crate::piece::Piece;

/// Whether most letters of a text run from right to left.
pub(crate) fn is_right_to_left<'a>(texts: impl Iterator<Item = &'a str>) -> bool {
    let mut balance = 0_i64;
    for c in texts.flat_map(str::chars) {
        match bidi_class(c) {
            BidiClass::R | BidiClass::AL => balance -= 1,
            BidiClass::L => balance += 1,
            _ => {}
        }
    }
    balance < 0
}

/// Indices of the pieces of a line as they are seen from left to right, by the Unicode bidirectional algorithm.
pub(crate) fn visual_order(line: &[Piece], right_to_left: bool) -> Vec<usize> {
    let mut text = String::new();
    let starts: Vec<usize> = line
        .iter()
        .map(|piece| {
            let start = text.len();
            text.push_str(&piece.text);
            text.push(' ');
            start
        })
        .collect();
    let base = if right_to_left {
        Level::rtl()
    } else {
        Level::ltr()
    };
    let info = BidiInfo::new(&text, Some(base));
    let levels: Vec<Level> = line
        .iter()
        .zip(starts)
        .map(|(piece, start)| info.levels[start + first_letter(&piece.text)])
        .collect();
    BidiInfo::reorder_visual(&levels)
}

/// A mark before a piece that gives it the direction of its paragraph, where one is needed.
pub(crate) fn mark(text: &str, right_to_left: bool) -> &'static str {
    let mixed = text
        .chars()
        .any(|c| matches!(bidi_class(c), BidiClass::R | BidiClass::AL));
    match (right_to_left, mixed) {
        (true, _) => "\u{200f}",
        (false, true) => "\u{200e}",
        (false, false) => "",
    }
}

fn first_letter(text: &str) -> usize {
    text.find(char::is_alphanumeric).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(words: &[&str], right_to_left: bool) -> Vec<usize> {
        let line: Vec<Piece> = words
            .iter()
            .map(|text| Piece {
                text: (*text).into(),
                start_ms: 0,
                end_ms: 1,
                spaced: true,
            })
            .collect();
        visual_order(&line, right_to_left)
    }

    #[test]
    fn words_of_the_other_direction_keep_their_own_order() {
        assert_eq!(seen(&["one", "two"], false), [0, 1]);
        assert_eq!(seen(&["אחד", "שתיים", "שלוש"], true), [2, 1, 0]);
        assert_eq!(seen(&["אני", "use", "Google", "היום"], true), [3, 1, 2, 0]);
        assert_eq!(seen(&["say", "שלום", "עולם", "now"], false), [0, 2, 1, 3]);
    }

    #[test]
    fn most_letters_decide() {
        assert!(is_right_to_left(["OK", "مرحبا"].into_iter()));
        assert!(!is_right_to_left(["hello", "مر"].into_iter()));
        assert!(!is_right_to_left(["123"].into_iter()));
    }
}
