//! Cues for subtitle files: one or two readable lines each.

use domain::Word;

use crate::{
    grouping::{Limits, group},
    token::{Token, tokens},
};

/// Text with the time range it is shown in. Cues never overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// Start of the range, in milliseconds.
    pub start_ms: u64,
    /// End of the range, in milliseconds.
    pub end_ms: u64,
    /// One or two lines of at most 42 columns; only a single longer word exceeds that.
    pub lines: Vec<String>,
}

/// Maximum columns in a line: the limit in most broadcasters' style guides.
const LINE_COLUMNS: usize = 42;
/// Minimum duration of a cue where the next one leaves room, in milliseconds.
const MIN_DURATION_MS: u64 = 1000;
const LIMITS: Limits = Limits {
    columns: 2 * LINE_COLUMNS,
    ms: 7000,
    pause_ms: 1000,
    short_ms: MIN_DURATION_MS,
};

/// Groups words into cues.
pub fn cues(words: &[Word]) -> Vec<Cue> {
    let narrow = |token: Token| token.split(|text| fits_line(text) || !unspaced(text));
    let tokens: Vec<Token> = tokens(words).into_iter().flat_map(narrow).collect();
    let groups = group(&tokens, &LIMITS, |range| {
        break_line(&tokens[range]).is_some()
    });
    let mut cues: Vec<Cue> = Vec::with_capacity(groups.len());
    for range in groups {
        let cue = cue(&tokens[range]);
        if let Some(last) = cues.last_mut() {
            last.end_ms = last.end_ms.min(cue.start_ms);
        }
        cues.push(cue);
    }
    cues
}

fn unspaced(text: &str) -> bool {
    text.chars().any(crate::token::is_unspaced)
}

fn fits_line(text: &str) -> bool {
    unicode_width::UnicodeWidthStr::width(text) <= LINE_COLUMNS
}

fn cue(group: &[Token]) -> Cue {
    let at = break_line(group).unwrap_or(group.len());
    let (first, second) = group.split_at(at);
    let start_ms = group[0].start_ms;
    let lines = [first, second].map(line);
    Cue {
        start_ms,
        end_ms: group[group.len() - 1]
            .end_ms
            .max(start_ms + MIN_DURATION_MS),
        lines: lines.into_iter().filter(|text| !text.is_empty()).collect(),
    }
}

fn line(tokens: &[Token]) -> String {
    let mut text = String::new();
    for token in tokens {
        if token.spaced && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&token.text);
    }
    text
}

/// The index of the token that starts the second line, chosen for even lines: the length of the group if one line is enough, `None` if
/// two are not.
fn break_line(group: &[Token]) -> Option<usize> {
    let columns = |part: &[Token]| part.iter().map(Token::columns).sum::<usize>();
    if columns(group) <= LINE_COLUMNS {
        return Some(group.len());
    }
    let longest = |at: &usize| columns(&group[..*at]).max(columns(&group[*at..]));
    (1..group.len())
        .filter(|at| longest(at) <= LINE_COLUMNS + 1)
        .min_by_key(|at| {
            longest(at).saturating_sub(if group[at - 1].ends_clause() { 8 } else { 0 })
        })
}
