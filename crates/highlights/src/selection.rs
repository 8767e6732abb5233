//! Selects the candidates that become clips, and explains why others were dropped.

use domain::{DroppedCandidate, Score};

use crate::{
    schedule::{Interval, best_distinct_schedule},
    score::Scored,
    similarity::Similarity,
};

/// Minimum number of clips in a plan, if the source has them and as many are requested.
const MIN_CLIPS: usize = 3;
/// Maximum number of dropped candidates in a plan.
const MAX_DROPPED: usize = 20;

/// Selects at most `most` candidates, in order of time; those with a flaw only if the others are too few. Returns indices.
pub(crate) fn select(
    candidates: &[Scored],
    most: usize,
    similarity: &Similarity<'_>,
) -> Vec<usize> {
    let clean = take(candidates, most, similarity, |one| one.flaw.is_none());
    if clean.len() >= MIN_CLIPS.min(most) {
        return clean;
    }
    let any = take(candidates, MIN_CLIPS.min(most), similarity, |_| true);
    if any.len() > clean.len() { any } else { clean }
}

fn take(
    candidates: &[Scored],
    most: usize,
    similarity: &Similarity<'_>,
    usable: impl Fn(&Scored) -> bool,
) -> Vec<usize> {
    let usable: Vec<usize> = (0..candidates.len())
        .filter(|&at| usable(&candidates[at]))
        .collect();
    let intervals: Vec<Interval> = usable
        .iter()
        .map(|&at| Interval {
            start: candidates[at].run.range.start_ms(),
            end: candidates[at].run.range.end_ms(),
            weight: candidates[at].total.max(1e-6),
        })
        .collect();
    let are_similar = |a: usize, b: usize| similarity.are_similar(usable[a], usable[b]);
    best_distinct_schedule(&intervals, most, are_similar)
        .into_iter()
        .map(|at| usable[at])
        .collect()
}

/// The best of the candidates that were not `chosen`, each with the reason; clips are referred to by their index in `chosen`.
pub(crate) fn dropped(
    candidates: &[Scored],
    chosen: &[usize],
    similarity: &Similarity<'_>,
) -> Vec<DroppedCandidate> {
    let mut left: Vec<usize> = (0..candidates.len())
        .filter(|at| !chosen.contains(at))
        .collect();
    left.sort_by(|&a, &b| {
        candidates[b]
            .total
            .total_cmp(&candidates[a].total)
            .then(a.cmp(&b))
    });
    left.truncate(MAX_DROPPED);
    left.into_iter()
        .map(|at| DroppedCandidate {
            start_ms: candidates[at].run.range.start_ms(),
            end_ms: candidates[at].run.range.end_ms(),
            virality_score: Score::clamped(candidates[at].total),
            reason: drop_reason(candidates, at, chosen, similarity),
        })
        .collect()
}

fn drop_reason(
    candidates: &[Scored],
    at: usize,
    chosen: &[usize],
    similarity: &Similarity<'_>,
) -> String {
    let one = &candidates[at];
    if let Some(flaw) = one.flaw {
        return flaw.to_owned();
    }
    let range = |taken: usize| candidates[taken].run.range;
    if let Some(clip) = chosen
        .iter()
        .position(|&taken| range(taken).overlap_ms(one.run.range) > 0)
    {
        return format!("overlaps clip {clip}, which makes a better set");
    }
    match chosen
        .iter()
        .position(|&taken| similarity.are_similar(taken, at))
    {
        Some(clip) => format!("says the same as clip {clip}"),
        None => "lower score than the clips taken".to_owned(),
    }
}
