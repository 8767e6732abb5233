//! Which pieces stand on the screen together: the cheapest way to cut a run of them into groups.

use std::ops::Range;

use crate::piece::Piece;

/// What a group of pieces must keep to. A single piece is always a group.
pub(crate) struct Limits {
    /// Most columns, wide characters counting two.
    pub(crate) columns: usize,
    /// Longest time from the first start to the last end, in milliseconds.
    pub(crate) ms: u64,
    /// A silence of this many milliseconds always parts two groups.
    pub(crate) pause_ms: u64,
    /// A group on the screen for less than this is avoided.
    pub(crate) short_ms: u64,
}

/// Most pieces tried in one group; Chinese single characters are the most that fit two lines.
const MOST_PIECES: usize = 48;

/// Cuts `pieces` into groups for which `fits` holds.
pub(crate) fn group(
    pieces: &[Piece],
    limits: &Limits,
    fits: impl Fn(Range<usize>) -> bool,
) -> Vec<Range<usize>> {
    // best[end]: cost of the best cut of everything before `end`, and where its last group begins
    let mut best = vec![(0.0, 0)];
    for end in 1..=pieces.len() {
        let mut cheapest = (f64::INFINITY, end - 1);
        for start in (end.saturating_sub(MOST_PIECES)..end).rev() {
            let group = &pieces[start..end];
            if group.len() > 1 && !(limits.allow(group) && fits(start..end)) {
                break;
            }
            let cost = best[start].0 + limits.cost(group);
            if cost < cheapest.0 {
                cheapest = (cost, start);
            }
        }
        best.push(cheapest);
    }
    walk_back(&best)
}

fn walk_back(best: &[(f64, usize)]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut end = best.len() - 1;
    while end > 0 {
        let start = best[end].1;
        groups.push(start..end);
        end = start;
    }
    groups.reverse();
    groups
}

impl Limits {
    fn allow(&self, group: &[Piece]) -> bool {
        let columns: usize = group.iter().map(Piece::columns).sum();
        let pause_ms = group[1].start_ms.saturating_sub(group[0].end_ms);
        columns <= self.columns && duration_ms(group) <= self.ms && pause_ms < self.pause_ms
    }

    /// One for being a group at all; more for being nearly empty, for flashing by, and for running across the end of a sentence.
    fn cost(&self, group: &[Piece]) -> f64 {
        let columns: usize = group.iter().map(Piece::columns).sum();
        let empty = 1.0 - (columns as f64 / self.columns as f64).min(1.0);
        let flash = if duration_ms(group) < self.short_ms {
            0.8
        } else {
            0.0
        };
        let inside = &group[..group.len() - 1];
        let sentences = inside.iter().filter(|piece| piece.ends_sentence()).count();
        let clauses = inside.iter().filter(|piece| piece.ends_clause()).count();
        1.0 + empty * empty + flash + 1.8 * sentences as f64 + 0.4 * clauses as f64
    }
}

fn duration_ms(group: &[Piece]) -> u64 {
    group[group.len() - 1]
        .end_ms
        .saturating_sub(group[0].start_ms)
}
