//! Weighted interval scheduling with a limit on the number of intervals: the best set of candidates that do not overlap.

use std::collections::BTreeSet;

/// An interval to schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Start (inclusive).
    pub start: u64,
    /// End (exclusive).
    pub end: u64,
    /// The value of taking it; only intervals with a positive weight are taken.
    pub weight: f64,
}

/// Maximum number of branches that [`best_distinct_schedule`] explores.
const MAX_TRIALS: usize = 400;
/// Maximum number of table entries computed over all branches: enough for all branches with the candidates of a two-hour talk.
const MAX_ENTRIES: usize = 200_000_000;

/// The set of at most `max_count` disjoint intervals with the greatest total weight: indices in order of time.
///
/// Exact (Kleinberg & Tardos, with the number of intervals as a second dimension). `allowed` says which intervals may be taken.
pub fn best_schedule(
    intervals: &[Interval],
    max_count: usize,
    allowed: impl Fn(usize) -> bool,
) -> Vec<usize> {
    Schedule::new(intervals).best(max_count, allowed)
}

/// Intervals prepared for dynamic programming.
struct Schedule<'a> {
    intervals: &'a [Interval],
    /// Indices by end.
    order: Vec<usize>,
    /// For each of them, how many of the earlier ones end before it begins.
    compatible: Vec<usize>,
}

impl<'a> Schedule<'a> {
    fn new(intervals: &'a [Interval]) -> Self {
        let mut order: Vec<usize> = (0..intervals.len())
            .filter(|&i| intervals[i].weight > 0.0)
            .collect();
        order.sort_by_key(|&i| (intervals[i].end, intervals[i].start, i));
        let ends: Vec<u64> = order.iter().map(|&i| intervals[i].end).collect();
        let compatible = order
            .iter()
            .map(|&i| ends.partition_point(|&end| end <= intervals[i].start))
            .collect();
        Self {
            intervals,
            order,
            compatible,
        }
    }

    /// Number of entries in the table of [`Self::best`].
    fn entries(&self, max_count: usize) -> usize {
        (self.order.len() + 1) * (max_count + 1)
    }

    fn best(&self, max_count: usize, allowed: impl Fn(usize) -> bool) -> Vec<usize> {
        let (order, compatible) = (&self.order, &self.compatible);
        // a forbidden interval is never taken
        let weight = |&i: &usize| {
            if allowed(i) {
                self.intervals[i].weight
            } else {
                f64::NEG_INFINITY
            }
        };
        let weight: Vec<f64> = order.iter().map(weight).collect();
        // value[k][n]: greatest total weight of k of the first n
        let mut value = vec![vec![0.0_f64; order.len() + 1]; max_count + 1];
        for k in 1..=max_count {
            let [fewer, these] = &mut value[k - 1..=k] else {
                unreachable!("two rows");
            };
            let mut best = 0.0_f64;
            for (n, (&compatible, weight)) in compatible.iter().zip(&weight).enumerate() {
                best = best.max(fewer[compatible] + weight);
                these[n + 1] = best;
            }
        }
        let (mut k, mut n) = (max_count, order.len());
        let mut chosen = Vec::new();
        while k > 0 && n > 0 {
            if value[k][n] > value[k][n - 1] {
                chosen.push(order[n - 1]);
                n = compatible[n - 1];
                k -= 1;
            } else {
                n -= 1;
            }
        }
        chosen.reverse();
        chosen
    }
}

/// Like [`best_schedule`], but no two of the intervals may be similar.
///
/// Branch and bound: the best set without that rule bounds every set with it; if it contains a similar pair, each branch forbids one of the
/// two. Exact unless the branches are used up; then the best set found, without the worse one of each similar pair.
pub(crate) fn best_distinct_schedule(
    intervals: &[Interval],
    max_count: usize,
    are_similar: impl Fn(usize, usize) -> bool,
) -> Vec<usize> {
    let schedule = Schedule::new(intervals);
    let total = |set: &[usize]| set.iter().map(|&i| intervals[i].weight).sum::<f64>();
    let solve = |forbidden: &BTreeSet<usize>| schedule.best(max_count, |i| !forbidden.contains(&i));
    // each branch solves twice
    let trials = (MAX_ENTRIES / schedule.entries(max_count) / 2).clamp(1, MAX_TRIALS);
    let mut open = vec![(solve(&BTreeSet::new()), BTreeSet::new())];
    let mut fallback: Vec<usize> = Vec::new();
    for _ in 0..trials {
        let Some(next) = (0..open.len()).max_by(|&a, &b| {
            total(&open[a].0)
                .total_cmp(&total(&open[b].0))
                .then(b.cmp(&a))
        }) else {
            break;
        };
        let (set, forbidden) = open.remove(next);
        let Some((a, b)) = first_similar(&set, &are_similar) else {
            return set;
        };
        let thinned = without_similar(&set, intervals, &are_similar);
        if total(&thinned) > total(&fallback) {
            fallback = thinned;
        }
        for drop in [a, b] {
            let mut forbidden = forbidden.clone();
            forbidden.insert(drop);
            open.push((solve(&forbidden), forbidden));
        }
    }
    fallback
}

fn first_similar(
    set: &[usize],
    are_similar: impl Fn(usize, usize) -> bool,
) -> Option<(usize, usize)> {
    let pairs = (0..set.len()).flat_map(|b| (0..b).map(move |a| (set[a], set[b])));
    pairs.into_iter().find(|&(a, b)| are_similar(a, b))
}

fn without_similar(
    set: &[usize],
    intervals: &[Interval],
    are_similar: impl Fn(usize, usize) -> bool,
) -> Vec<usize> {
    let mut by_worth = set.to_vec();
    by_worth.sort_by(|&a, &b| {
        intervals[b]
            .weight
            .total_cmp(&intervals[a].weight)
            .then(a.cmp(&b))
    });
    let mut kept: Vec<usize> = Vec::new();
    for candidate in by_worth {
        if kept.iter().all(|&other| !are_similar(candidate, other)) {
            kept.push(candidate);
        }
    }
    kept.sort_by_key(|&i| intervals[i].start);
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_intervals() -> impl Strategy<Value = Vec<Interval>> {
        prop::collection::vec((0_u64..60, 1_u64..25, 1_u32..100), 0..11).prop_map(|rows| {
            rows.into_iter()
                .map(|(start, length, weight)| Interval {
                    start,
                    end: start + length,
                    weight: f64::from(weight),
                })
                .collect()
        })
    }

    fn brute_force(
        intervals: &[Interval],
        max_count: usize,
        are_similar: impl Fn(usize, usize) -> bool,
    ) -> f64 {
        (0_u32..1 << intervals.len())
            .map(|mask| {
                let set: Vec<usize> = (0..intervals.len())
                    .filter(|i| mask >> i & 1 == 1)
                    .collect();
                let apart = set.iter().enumerate().all(|(n, &a)| {
                    set[..n].iter().all(|&b| {
                        let (x, y) = (intervals[a], intervals[b]);
                        (x.end <= y.start || y.end <= x.start) && !are_similar(a, b)
                    })
                });
                if apart && set.len() <= max_count {
                    set.iter().map(|&i| intervals[i].weight).sum()
                } else {
                    0.0
                }
            })
            .fold(0.0, f64::max)
    }

    proptest! {
        #[test]
        fn no_set_of_disjoint_intervals_has_a_greater_weight(intervals in any_intervals(), max_count in 1_usize..5) {
            let set = best_schedule(&intervals, max_count, |_| true);
            let weight: f64 = set.iter().map(|&i| intervals[i].weight).sum();
            prop_assert!(set.len() <= max_count);
            prop_assert!(set.windows(2).all(|pair| intervals[pair[0]].end <= intervals[pair[1]].start));
            prop_assert!((weight - brute_force(&intervals, max_count, |_, _| false)).abs() < 1e-9);
        }

        #[test]
        fn no_set_without_similar_pairs_has_a_greater_weight(intervals in any_intervals(), max_count in 1_usize..5, kinds in prop::collection::vec(0_u8..4, 11)) {
            let are_similar = |a: usize, b: usize| kinds[a] == kinds[b] && kinds[a] > 0;
            let set = best_distinct_schedule(&intervals, max_count, are_similar);
            let weight: f64 = set.iter().map(|&i| intervals[i].weight).sum();
            prop_assert!((weight - brute_force(&intervals, max_count, are_similar)).abs() < 1e-9);
        }
    }
}
