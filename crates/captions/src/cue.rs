//! Cues for subtitle files: one or two readable lines at a time.

use domain::Word;

use crate::{
    grouping::{Limits, group},
    piece::{Piece, pieces},
};

/// Text with the time it is shown for. No two overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// When it appears.
    pub start_ms: u64,
    /// When it goes.
    pub end_ms: u64,
    /// One or two lines, at most 42 columns each; only a longer single word is longer.
    pub lines: Vec<String>,
}

/// Most columns in a line: the limit of most broadcasters' style guides.
const LINE_COLUMNS: usize = 42;
/// Shortest time a cue stays where the next one leaves room, in milliseconds.
const LEAST_MS: u64 = 1000;
const LIMITS: Limits = Limits {
    columns: 2 * LINE_COLUMNS,
    ms: 7000,
    pause_ms: 1000,
    short_ms: LEAST_MS,
};

/// The cues of some words.
pub fn cues(words: &[Word]) -> Vec<Cue> {
    let narrow = |piece: Piece| piece.split(|text| fits_line(text) || !unspaced(text));
    let pieces: Vec<Piece> = pieces(words).into_iter().flat_map(narrow).collect();
    let groups = group(&pieces, &LIMITS, |range| {
        break_line(&pieces[range]).is_some()
    });
    let mut cues: Vec<Cue> = Vec::with_capacity(groups.len());
    for range in groups {
        let cue = cue(&pieces[range]);
        if let Some(last) = cues.last_mut() {
            last.end_ms = last.end_ms.min(cue.start_ms);
        }
        cues.push(cue);
    }
    cues
}

fn unspaced(text: &str) -> bool {
    text.chars().any(crate::piece::is_unspaced)
}

fn fits_line(text: &str) -> bool {
    unicode_width::UnicodeWidthStr::width(text) <= LINE_COLUMNS
}

fn cue(group: &[Piece]) -> Cue {
    let at = break_line(group).unwrap_or(group.len());
    let (first, second) = group.split_at(at);
    let start_ms = group[0].start_ms;
    let lines = [first, second].map(line);
    Cue {
        start_ms,
        end_ms: group[group.len() - 1].end_ms.max(start_ms + LEAST_MS),
        lines: lines.into_iter().filter(|text| !text.is_empty()).collect(),
    }
}

fn line(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for piece in pieces {
        if piece.spaced && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&piece.text);
    }
    text
}

/// Before which piece the second line begins, the lines about even; its length if one line is enough, none if two are not.
fn break_line(group: &[Piece]) -> Option<usize> {
    let columns = |part: &[Piece]| part.iter().map(Piece::columns).sum::<usize>();
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
