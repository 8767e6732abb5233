//! Bidirectional text: the visual order of the tokens of a line.

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

use crate::token::Token;

/// Whether most strong letters of a text are right-to-left.
pub(crate) fn is_mostly_right_to_left<'a>(texts: impl Iterator<Item = &'a str>) -> bool {
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

/// Token indices in visual order, left to right, by the Unicode bidirectional algorithm.
pub(crate) fn visual_order(line: &[Token], right_to_left: bool) -> Vec<usize> {
    let mut text = String::new();
    let starts: Vec<usize> = line
        .iter()
        .map(|token| {
            let start = text.len();
            text.push_str(&token.text);
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
        .map(|(token, start)| info.levels[start + first_letter(&token.text)])
        .collect();
    BidiInfo::reorder_visual(&levels)
}

/// The directional mark to put before a token so that it takes the direction of its paragraph; empty where none is needed.
pub(crate) fn direction_mark(text: &str, right_to_left: bool) -> &'static str {
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

    fn order(words: &[&str], right_to_left: bool) -> Vec<usize> {
        let line: Vec<Token> = words
            .iter()
            .map(|text| Token {
                text: (*text).into(),
                start_ms: 0,
                end_ms: 1,
                spaced: true,
            })
            .collect();
        visual_order(&line, right_to_left)
    }

    #[test]
    fn embedded_words_of_the_other_direction_keep_their_own_order() {
        assert_eq!(order(&["one", "two"], false), [0, 1]);
        assert_eq!(order(&["אחד", "שתיים", "שלוש"], true), [2, 1, 0]);
        assert_eq!(order(&["אני", "use", "Google", "היום"], true), [3, 1, 2, 0]);
        assert_eq!(order(&["say", "שלום", "עולם", "now"], false), [0, 2, 1, 3]);
    }

    #[test]
    fn the_majority_of_letters_decides_the_direction() {
        assert!(is_mostly_right_to_left(["OK", "مرحبا"].into_iter()));
        assert!(!is_mostly_right_to_left(["hello", "مر"].into_iter()));
        assert!(!is_mostly_right_to_left(["123"].into_iter()));
    }
}
