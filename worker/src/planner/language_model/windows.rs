//! Cuts a long talk into overlapping windows that a model can keep in mind.

use std::ops::Range;

use super::matching::Sentences;

/// Longest window, in milliseconds.
const WINDOW_MS: u64 = 12 * 60_000;
/// How much of a window is in the next one too: as long as a usual clip, so that none is cut in two.
const OVERLAP_MS: u64 = 90_000;
/// Most characters of text in a window, some 6,000 tokens of English.
const WINDOW_CHARS: usize = 24_000;

/// Ranges of sentences, in order; together they hold every sentence.
pub(super) fn windows(sentences: &Sentences) -> Vec<Range<usize>> {
    let mut windows = Vec::new();
    let mut first = 0;
    while first < sentences.len() {
        let end = end_of_window(sentences, first);
        windows.push(first..end);
        if end == sentences.len() {
            break;
        }
        first = overlap_before(sentences, first, end);
    }
    windows
}

fn end_of_window(sentences: &Sentences, first: usize) -> usize {
    let latest_ms = sentences.start_ms(first) + WINDOW_MS;
    let mut chars = 0;
    let fits = |at: &usize| {
        chars += sentences.text(*at).chars().count();
        sentences.end_ms(*at) <= latest_ms && chars <= WINDOW_CHARS
    };
    let count = (first..sentences.len()).take_while(fits).count();
    first + count.max(1)
}

/// Where the window after `first..end` begins: further on than this one, at most the overlap before its end.
fn overlap_before(sentences: &Sentences, first: usize, end: usize) -> usize {
    let from_ms = sentences.end_ms(end - 1).saturating_sub(OVERLAP_MS);
    let in_overlap = |at: &usize| sentences.start_ms(*at) >= from_ms;
    let middle = first + (end - first).div_ceil(2);
    (middle.max(first + 1)..end).find(in_overlap).unwrap_or(end)
}
