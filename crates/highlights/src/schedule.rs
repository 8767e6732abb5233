//! The best set of candidates that do not overlap: weighted interval scheduling with a limit on their number.

use std::collections::BTreeSet;

/// A candidate as the schedule sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Where it begins (inclusive).
    pub start: u64,
    /// Where it ends (exclusive).
    pub end: u64,
    /// What taking it is worth; only positive ones are ever taken.
    pub worth: f64,
}

/// Trials before [`best_distinct`] settles for the best set it has.
const MAX_TRIALS: usize = 400;
/// Entries of tables that the trials may fill: all of them for the candidates of a talk of two hours.
const MOST_ENTRIES: usize = 200_000_000;

/// Indices of the at most `most` disjoint intervals with the greatest sum of worth, in order of time.
///
/// Exact: Kleinberg & Tardos, weighted interval scheduling, with the number taken as a second dimension.
/// `allowed` says which candidates may be taken.
pub fn best(intervals: &[Interval], most: usize, allowed: impl Fn(usize) -> bool) -> Vec<usize> {
    Schedule::new(intervals).best(most, allowed)
}

/// Intervals in the order that they are decided on.
struct Schedule<'a> {
    intervals: &'a [Interval],
    /// Indices by end.
    order: Vec<usize>,
    /// For each of them how many of the earlier ones end before it begins.
    free: Vec<usize>,
}

impl<'a> Schedule<'a> {
    fn new(intervals: &'a [Interval]) -> Self {
        let mut order: Vec<usize> = (0..intervals.len())
            .filter(|&i| intervals[i].worth > 0.0)
            .collect();
        order.sort_by_key(|&i| (intervals[i].end, intervals[i].start, i));
        let ends: Vec<u64> = order.iter().map(|&i| intervals[i].end).collect();
        let free = order
            .iter()
            .map(|&i| ends.partition_point(|&end| end <= intervals[i].start))
            .collect();
        Self {
            intervals,
            order,
            free,
        }
    }

    /// Entries of the table that [`Self::best`] fills.
    fn entries(&self, most: usize) -> usize {
        (self.order.len() + 1) * (most + 1)
    }

    fn best(&self, most: usize, allowed: impl Fn(usize) -> bool) -> Vec<usize> {
        let (order, free) = (&self.order, &self.free);
        // what is not allowed is never worth taking
        let worth = |&i: &usize| {
            if allowed(i) {
                self.intervals[i].worth
            } else {
                f64::NEG_INFINITY
            }
        };
        let worth: Vec<f64> = order.iter().map(worth).collect();
        // value[k][n]: the most that k of the first n can be worth
        let mut value = vec![vec![0.0_f64; order.len() + 1]; most + 1];
        for k in 1..=most {
            let [fewer, these] = &mut value[k - 1..=k] else {
                unreachable!("two rows");
            };
            let mut best = 0.0_f64;
            for (n, (&free, worth)) in free.iter().zip(&worth).enumerate() {
                best = best.max(fewer[free] + worth);
                these[n + 1] = best;
            }
        }
        let (mut k, mut n) = (most, order.len());
        let mut chosen = Vec::new();
        while k > 0 && n > 0 {
            if value[k][n] > value[k][n - 1] {
                chosen.push(order[n - 1]);
                n = free[n - 1];
                k -= 1;
            } else {
                n -= 1;
            }
        }
        chosen.reverse();
        chosen
    }
}

/// As [`best`], but no two of those taken may be `alike`.
///
/// Branch and bound: the best set without that rule bounds every set with it; where it holds a pair that is alike, one or the other is
/// forbidden. Exact unless the trials are used up, then the best set found with the worse of each alike pair left out.
pub(crate) fn best_distinct(
    intervals: &[Interval],
    most: usize,
    alike: impl Fn(usize, usize) -> bool,
) -> Vec<usize> {
    let schedule = Schedule::new(intervals);
    let total = |set: &[usize]| set.iter().map(|&i| intervals[i].worth).sum::<f64>();
    let solve = |forbidden: &BTreeSet<usize>| schedule.best(most, |i| !forbidden.contains(&i));
    // each one solves twice
    let trials = (MOST_ENTRIES / schedule.entries(most) / 2).clamp(1, MAX_TRIALS);
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
        let Some((a, b)) = first_alike(&set, &alike) else {
            return set;
        };
        let thinned = without_alike(&set, intervals, &alike);
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

fn first_alike(set: &[usize], alike: impl Fn(usize, usize) -> bool) -> Option<(usize, usize)> {
    let pairs = (0..set.len()).flat_map(|b| (0..b).map(move |a| (set[a], set[b])));
    pairs.into_iter().find(|&(a, b)| alike(a, b))
}

fn without_alike(
    set: &[usize],
    intervals: &[Interval],
    alike: impl Fn(usize, usize) -> bool,
) -> Vec<usize> {
    let mut by_worth = set.to_vec();
    by_worth.sort_by(|&a, &b| {
        intervals[b]
            .worth
            .total_cmp(&intervals[a].worth)
            .then(a.cmp(&b))
    });
    let mut kept: Vec<usize> = Vec::new();
    for candidate in by_worth {
        if kept.iter().all(|&other| !alike(candidate, other)) {
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
                .map(|(start, length, worth)| Interval {
                    start,
                    end: start + length,
                    worth: f64::from(worth),
                })
                .collect()
        })
    }

    fn brute_force(
        intervals: &[Interval],
        most: usize,
        alike: impl Fn(usize, usize) -> bool,
    ) -> f64 {
        (0_u32..1 << intervals.len())
            .map(|mask| {
                let set: Vec<usize> = (0..intervals.len())
                    .filter(|i| mask >> i & 1 == 1)
                    .collect();
                let apart = set.iter().enumerate().all(|(n, &a)| {
                    set[..n].iter().all(|&b| {
                        let (x, y) = (intervals[a], intervals[b]);
                        (x.end <= y.start || y.end <= x.start) && !alike(a, b)
                    })
                });
                if apart && set.len() <= most {
                    set.iter().map(|&i| intervals[i].worth).sum()
                } else {
                    0.0
                }
            })
            .fold(0.0, f64::max)
    }

    proptest! {
        #[test]
        fn no_set_of_disjoint_intervals_is_worth_more(intervals in any_intervals(), most in 1_usize..5) {
            let set = best(&intervals, most, |_| true);
            let worth: f64 = set.iter().map(|&i| intervals[i].worth).sum();
            prop_assert!(set.len() <= most);
            prop_assert!(set.windows(2).all(|pair| intervals[pair[0]].end <= intervals[pair[1]].start));
            prop_assert!((worth - brute_force(&intervals, most, |_, _| false)).abs() < 1e-9);
        }

        #[test]
        fn no_set_without_alike_pairs_is_worth_more(intervals in any_intervals(), most in 1_usize..5, kinds in prop::collection::vec(0_u8..4, 11)) {
            let alike = |a: usize, b: usize| kinds[a] == kinds[b] && kinds[a] > 0;
            let set = best_distinct(&intervals, most, alike);
            let worth: f64 = set.iter().map(|&i| intervals[i].worth).sum();
            prop_assert!((worth - brute_force(&intervals, most, alike)).abs() < 1e-9);
        }
    }
}
