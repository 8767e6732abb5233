//! Chooses which tokens are shown together: the cheapest partition of a run into groups, by dynamic programming.

use std::ops::Range;

use crate::token::Token;

/// Limits for a group of tokens. A single token is always allowed.
pub(crate) struct Limits {
    /// Maximum number of columns; wide characters count as two.
    pub(crate) columns: usize,
    /// Maximum time from the first start to the last end, in milliseconds.
    pub(crate) ms: u64,
    /// A silence of this many milliseconds always separates two groups.
    pub(crate) pause_ms: u64,
    /// Groups shorter than this many milliseconds are penalised.
    pub(crate) short_ms: u64,
}

/// Most tokens tried in one group: as many single Chinese characters as fit two lines.
const MAX_TOKENS: usize = 48;

/// Partitions `tokens` into groups for which `fits` holds.
pub(crate) fn group(
    tokens: &[Token],
    limits: &Limits,
    fits: impl Fn(Range<usize>) -> bool,
) -> Vec<Range<usize>> {
    // best[end]: cost of the best partition of everything before `end`, and where its last group begins
    let mut best = vec![(0.0, 0)];
    for end in 1..=tokens.len() {
        let mut cheapest = (f64::INFINITY, end - 1);
        for start in (end.saturating_sub(MAX_TOKENS)..end).rev() {
            let group = &tokens[start..end];
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
    fn allow(&self, group: &[Token]) -> bool {
        let columns: usize = group.iter().map(Token::columns).sum();
        let pause_ms = group[1].start_ms.saturating_sub(group[0].end_ms);
        columns <= self.columns && duration_ms(group) <= self.ms && pause_ms < self.pause_ms
    }

    /// Cost of a group: 1, plus penalties for being nearly empty, for being too short, and for spanning the end of a sentence or clause.
    fn cost(&self, group: &[Token]) -> f64 {
        let columns: usize = group.iter().map(Token::columns).sum();
        let empty = 1.0 - (columns as f64 / self.columns as f64).min(1.0);
        let flash = if duration_ms(group) < self.short_ms {
            0.8
        } else {
            0.0
        };
        let inside = &group[..group.len() - 1];
        let sentences = inside.iter().filter(|token| token.ends_sentence()).count();
        let clauses = inside.iter().filter(|token| token.ends_clause()).count();
        1.0 + empty * empty + flash + 1.8 * sentences as f64 + 0.4 * clauses as f64
    }
}

fn duration_ms(group: &[Token]) -> u64 {
    group[group.len() - 1]
        .end_ms
        .saturating_sub(group[0].start_ms)
}
