//! Holds what a model proposes against the transcript: quotes must stand there, spans become whole sentences of a wanted length.

use std::ops::Range;

use domain::{
    Clarity, ClipOptions, Score, ScoreBreakdown, Segment, Transcript,
    limits::{MAX_PROPOSED_TEXT_CHARS, MAX_PROPOSED_TITLE_CHARS},
};

use super::answer::Proposed;

/// The sentences that may be clipped. Their numbers, for the model, are their indices in the whole transcript.
pub(super) struct Sentences<'a> {
    segments: &'a [Segment],
    /// Index of the first of them in the transcript.
    offset: usize,
    /// Each sentence as [`bare`] letters.
    bare: Vec<String>,
}

impl<'a> Sentences<'a> {
    /// Those within the part of the source that the options consider.
    pub(super) fn considered(transcript: &'a Transcript, options: &ClipOptions) -> Self {
        let window = options.window(u64::MAX);
        let (from_ms, to_ms) =
            window.map_or((u64::MAX, 0), |window| (window.start_ms(), window.end_ms()));
        let all = &transcript.segments;
        let offset = all.iter().take_while(|one| one.start_ms < from_ms).count();
        let end = all
            .iter()
            .rposition(|one| one.end_ms <= to_ms)
            .map_or(offset, |last| last + 1);
        let segments = &all[offset..end.max(offset)];
        Self {
            bare: segments.iter().map(|one| bare(&one.text)).collect(),
            segments,
            offset,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.segments.len()
    }

    pub(super) fn text(&self, at: usize) -> &str {
        &self.segments[at].text
    }

    pub(super) fn start_ms(&self, at: usize) -> u64 {
        self.segments[at].start_ms
    }

    pub(super) fn end_ms(&self, at: usize) -> u64 {
        self.segments[at].end_ms
    }

    /// What the model calls a sentence by.
    pub(super) fn number(&self, at: usize) -> usize {
        self.offset + at
    }

    fn duration_ms(&self, first: usize, last: usize) -> u64 {
        self.end_ms(last).saturating_sub(self.start_ms(first))
    }
}

/// A clip that a model proposed and the transcript bears out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Proposal {
    /// Its first sentence, as an index in the transcript.
    pub(super) first: usize,
    /// Its last sentence, inclusive.
    pub(super) last: usize,
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) reason: String,
    pub(super) breakdown: ScoreBreakdown,
    /// All scores in one, 0 to 1.
    pub(super) total: f64,
}

/// Share of each score in the whole, in the order hook, flow, value, emotion: summed here, as models are poor at it.
const WEIGHTS: [f64; 4] = [0.3, 0.25, 0.3, 0.15];
/// How far from the sentence that a model names its quote may be found.
const OFF_BY: usize = 3;
/// Fewest letters that make a quote: fewer are found anywhere.
const LEAST_QUOTE: usize = 6;

/// Those of an answer that the transcript bears out; none if the answer proposes clips and not one can be found.
pub(super) fn verified(
    proposed: &[Proposed],
    sentences: &Sentences,
    window: &Range<usize>,
    options: &ClipOptions,
) -> Option<Vec<Proposal>> {
    let found: Vec<Proposal> = proposed
        .iter()
        .filter_map(|one| verify(one, sentences, window, options))
        .collect();
    (!found.is_empty() || proposed.is_empty()).then_some(found)
}

fn verify(
    proposed: &Proposed,
    sentences: &Sentences,
    window: &Range<usize>,
    options: &ClipOptions,
) -> Option<Proposal> {
    let index = |number: u64| usize::try_from(number).ok()?.checked_sub(sentences.offset);
    let named = (
        index(proposed.first_sentence)?,
        index(proposed.last_sentence)?,
    );
    let first = find(&proposed.opening_words, named.0, window, |at, quote| {
        opens(sentences, at, window, quote)
    })?;
    let last = find(&proposed.closing_words, named.1, window, |at, quote| {
        closes(sentences, at, window, quote)
    })?;
    let (first, last) = of_length(sentences, (first, last), window, options)?;
    if Clarity::of(&sentences.segments[first..=last]).is_unclear() {
        return None;
    }
    let scores = [
        proposed.hook,
        proposed.flow,
        proposed.value,
        proposed.emotion,
    ]
    .map(|score| score / 10.0);
    let [hook, flow, value, emotion] = scores.map(Score::clamped);
    let title = shortened(&proposed.title, MAX_PROPOSED_TITLE_CHARS);
    Some(Proposal {
        first: sentences.number(first),
        last: sentences.number(last),
        title: if title.is_empty() {
            shortened(sentences.text(first), MAX_PROPOSED_TITLE_CHARS)
        } else {
            title
        },
        summary: shortened(&proposed.summary, MAX_PROPOSED_TEXT_CHARS),
        reason: shortened(&proposed.reason, MAX_PROPOSED_TEXT_CHARS),
        breakdown: ScoreBreakdown {
            hook,
            flow,
            value,
            emotion,
        },
        total: scores
            .iter()
            .zip(WEIGHTS)
            .map(|(score, weight)| score * weight)
            .sum(),
    })
}

/// The sentence nearest to the one named for which `stands` finds the quote.
fn find(
    quote: &str,
    named: usize,
    window: &Range<usize>,
    stands: impl Fn(usize, &str) -> bool,
) -> Option<usize> {
    let quote = bare(quote);
    if quote.chars().count() < LEAST_QUOTE {
        return None;
    }
    let mut near: Vec<usize> = window
        .clone()
        .filter(|at| at.abs_diff(named) <= OFF_BY)
        .collect();
    near.sort_by_key(|at| at.abs_diff(named));
    near.into_iter().find(|&at| stands(at, &quote))
}

/// Whether the quote begins in sentence `at`; it may run on into the next ones.
fn opens(sentences: &Sentences, at: usize, window: &Range<usize>, quote: &str) -> bool {
    let text = sentences.bare[at..window.end.min(at + 4)].concat();
    text.find(quote)
        .is_some_and(|from| from < sentences.bare[at].len())
}

/// Whether the quote ends in sentence `at`; it may begin in the ones before.
fn closes(sentences: &Sentences, at: usize, window: &Range<usize>, quote: &str) -> bool {
    let text = sentences.bare[window.start.max(at.saturating_sub(3))..=at].concat();
    let before = text.len() - sentences.bare[at].len();
    text.rfind(quote)
        .is_some_and(|from| from + quote.len() > before)
}

/// Letters and digits only, in lower case: models change quotation marks, dashes and spaces when they quote.
fn bare(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Makes a span long or short enough, sentence by sentence at its end; none if that would change it by more than a third.
fn of_length(
    sentences: &Sentences,
    (first, mut last): (usize, usize),
    window: &Range<usize>,
    options: &ClipOptions,
) -> Option<(usize, usize)> {
    let (shortest, longest) = (
        u64::from(options.min_clip_seconds) * 1000,
        u64::from(options.max_clip_seconds) * 1000,
    );
    if last < first {
        return None;
    }
    let proposed_ms = sentences.duration_ms(first, last);
    while sentences.duration_ms(first, last) > longest && last > first {
        last -= 1;
    }
    while sentences.duration_ms(first, last) < shortest && last + 1 < window.end {
        last += 1;
    }
    let ms = sentences.duration_ms(first, last);
    let like_it = 3 * ms.abs_diff(proposed_ms) <= proposed_ms.max(ms);
    ((shortest..=longest).contains(&ms) && like_it).then_some((first, last))
}

/// One line of at most `chars` characters, cut between words where there are any.
fn shortened(text: &str, chars: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ").replace(char::is_control, "");
    let Some((end, _)) = line.char_indices().nth(chars) else {
        return line;
    };
    let fits = &line[..end];
    // not every script has spaces
    let whole_words = match fits.rsplit_once(' ') {
        Some((words, _)) if !line[end..].starts_with(' ') => words,
        _ => fits,
    };
    whole_words.to_owned()
}
