//! Which candidates become clips, and why the others do not.

use domain::{Dropped, Score};

use crate::{
    likeness::Likeness,
    schedule::{Interval, best_distinct},
    score::Scored,
};

/// Clips that a plan has whenever the material allows it and as many are wanted.
const FEWEST: usize = 3;
/// Candidates not taken that a plan tells of.
const DROPPED: usize = 20;

/// Indices of the candidates to take, at most `most`, in order of time: those without a flaw if they are enough.
pub(crate) fn choose(candidates: &[Scored], most: usize, likeness: &Likeness<'_>) -> Vec<usize> {
    let clean = take(candidates, most, likeness, |one| one.flaw.is_none());
    if clean.len() >= FEWEST.min(most) {
        return clean;
    }
    let any = take(candidates, FEWEST.min(most), likeness, |_| true);
    if any.len() > clean.len() { any } else { clean }
}

fn take(
    candidates: &[Scored],
    most: usize,
    likeness: &Likeness<'_>,
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
            worth: candidates[at].total.max(1e-6),
        })
        .collect();
    let alike = |a: usize, b: usize| likeness.alike(usable[a], usable[b]);
    best_distinct(&intervals, most, alike)
        .into_iter()
        .map(|at| usable[at])
        .collect()
}

/// The best of the candidates that were not `chosen`, each with the reason; clips are named by their place in `chosen`.
pub(crate) fn dropped(
    candidates: &[Scored],
    chosen: &[usize],
    likeness: &Likeness<'_>,
) -> Vec<Dropped> {
    let mut left: Vec<usize> = (0..candidates.len())
        .filter(|at| !chosen.contains(at))
        .collect();
    left.sort_by(|&a, &b| {
        candidates[b]
            .total
            .total_cmp(&candidates[a].total)
            .then(a.cmp(&b))
    });
    left.truncate(DROPPED);
    left.into_iter()
        .map(|at| Dropped {
            start_ms: candidates[at].run.range.start_ms(),
            end_ms: candidates[at].run.range.end_ms(),
            virality_score: Score::clamped(candidates[at].total),
            reason: why_not(candidates, at, chosen, likeness),
        })
        .collect()
}

fn why_not(candidates: &[Scored], at: usize, chosen: &[usize], likeness: &Likeness<'_>) -> String {
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
    match chosen.iter().position(|&taken| likeness.alike(taken, at)) {
        Some(clip) => format!("says the same as clip {clip}"),
        None => "lower score than the clips taken".to_owned(),
    }
}
