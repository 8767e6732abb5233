//! The virtual camera on one axis: it holds still, pans or follows, and never shakes.
//!
//! As the whole shot is known, the motion is planned rather than reacted: the fewest holds and straight rides that keep
//! the subject within a dead zone (dynamic programming), joined by a smooth window, so nothing overshoots or lags.

/// The camera's positions are computed at this step, in milliseconds.
pub(crate) const STEP_MS: u64 = 40;
/// Length of the window that smooths the plan, in milliseconds: a pan lasts as long.
const PAN_MS: u64 = 1_200;
/// Samples of the median filter against single bad detections.
const MEDIAN: usize = 5;
/// Costs of the plan's parts: a hold, a ride, and a move between parts for each dead zone moved.
const HOLD_COST: f64 = 1.0;
const RIDE_COST: f64 = 1.8;
const MOVE_COST: f64 = 0.3;
/// Samples in the shortest ride: anything shorter is a pan.
const SHORTEST_RIDE: usize = 6;

/// A part of the plan: a straight line over the samples from `first` to `last`.
#[derive(Debug, Clone, Copy)]
struct Part {
    first: usize,
    last: usize,
    from: f64,
    to: f64,
    cost: f64,
}

/// Positions from `start_ms` to `end_ms` every [`STEP_MS`], all within 0 to `limit`, for wanted positions `(time, position)`
/// in order, at least one; while the wanted position stays within `dead_zone` of the camera it does not move.
pub(crate) fn positions(
    wanted: &[(u64, f64)],
    start_ms: u64,
    end_ms: u64,
    dead_zone: f64,
    limit: f64,
) -> Vec<f64> {
    let values: Vec<f64> = median(wanted)
        .iter()
        .map(|value| value.clamp(0.0, limit))
        .collect();
    let parts = plan(&values, dead_zone.max(1e-6));
    let steps = (end_ms.saturating_sub(start_ms) / STEP_MS) as usize + 1;
    let planned: Vec<f64> = (0..steps)
        .map(|step| planned_at(&parts, wanted, start_ms + step as u64 * STEP_MS).clamp(0.0, limit))
        .collect();
    smooth(&planned)
}

fn median(wanted: &[(u64, f64)]) -> Vec<f64> {
    (0..wanted.len())
        .map(|i| {
            // a window that shrinks towards the ends stays centred
            let reach = (MEDIAN / 2).min(i).min(wanted.len() - 1 - i);
            let mut near: Vec<f64> = wanted[i - reach..=i + reach]
                .iter()
                .map(|(_, value)| *value)
                .collect();
            near.sort_by(f64::total_cmp);
            near[near.len() / 2]
        })
        .collect()
}

/// The cheapest sequence of parts that covers all samples.
fn plan(values: &[f64], dead_zone: f64) -> Vec<Part> {
    // best[n]: cheapest plan of the first n samples, by its last part and its cost
    let mut best: Vec<Option<(Part, f64)>> = vec![None; values.len() + 1];
    for first in 0..values.len() {
        let before = best[first];
        for part in parts_from(values, first, dead_zone) {
            let travel = before.map_or(0.0, |(before, _)| (part.from - before.to).abs());
            let cost =
                before.map_or(0.0, |(_, cost)| cost) + part.cost + MOVE_COST * travel / dead_zone;
            let slot = &mut best[part.last + 1];
            if slot.is_none_or(|(_, other)| cost < other) {
                *slot = Some((part, cost));
            }
        }
    }
    let mut parts = Vec::new();
    let mut end = values.len();
    while let Some((part, _)) = best[end] {
        parts.push(part);
        end = part.first;
    }
    parts.reverse();
    parts
}

/// All holds and rides that begin at a sample and keep within the dead zone.
fn parts_from(values: &[f64], first: usize, dead_zone: f64) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut failed = 0;
    for last in first..values.len() {
        (low, high) = (low.min(values[last]), high.max(values[last]));
        let still = high - low <= 2.0 * dead_zone;
        if still {
            let middle = f64::midpoint(low, high);
            parts.push(Part {
                first,
                last,
                from: middle,
                to: middle,
                cost: HOLD_COST,
            });
            continue;
        }
        match ride(&values[first..=last], dead_zone) {
            Some([from, to]) if last - first >= SHORTEST_RIDE => {
                failed = 0;
                parts.push(Part {
                    first,
                    last,
                    from,
                    to,
                    cost: RIDE_COST,
                });
            }
            Some(_) => {}
            None => failed += 1,
        }
        if failed > SHORTEST_RIDE {
            break;
        }
    }
    parts
}

/// The line along the chord of the values, moved to their middle, if all are within the dead zone of it.
fn ride(values: &[f64], dead_zone: f64) -> Option<[f64; 2]> {
    let (from, to) = (values[0], values[values.len() - 1]);
    let slope = (to - from) / (values.len() - 1) as f64;
    let off = values
        .iter()
        .enumerate()
        .map(|(i, value)| value - from - slope * i as f64);
    let (low, high) = off.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    let middle = f64::midpoint(low, high);
    (high - low <= 2.0 * dead_zone).then_some([from + middle, to + middle])
}

/// The planned position at a time: along the part whose samples are nearest.
fn planned_at(parts: &[Part], wanted: &[(u64, f64)], time_ms: u64) -> f64 {
    let until = |part: &Part| match wanted.get(part.last + 1) {
        Some((next_ms, _)) => u64::midpoint(wanted[part.last].0, *next_ms),
        None => u64::MAX,
    };
    let Some(part) = parts
        .iter()
        .find(|part| time_ms < until(part))
        .or(parts.last())
    else {
        return 0.0;
    };
    let (from_ms, to_ms) = (wanted[part.first].0, wanted[part.last].0);
    if to_ms <= from_ms {
        return part.from;
    }
    let share = (time_ms as f64 - from_ms as f64) / (to_ms - from_ms) as f64;
    part.from + (part.to - part.from) * share.clamp(0.0, 1.0)
}

/// The mean under a raised-cosine window of [`PAN_MS`]; beyond the ends the first and last values go on.
fn smooth(planned: &[f64]) -> Vec<f64> {
    let reach = (PAN_MS / STEP_MS / 2) as usize;
    let weights: Vec<f64> = (1..=2 * reach + 1)
        .map(|i| 1.0 - (std::f64::consts::TAU * i as f64 / (2 * reach + 2) as f64).cos())
        .collect();
    let total: f64 = weights.iter().sum();
    let same = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let value = |at: usize| planned[at.saturating_sub(reach).min(planned.len() - 1)];
    (0..planned.len())
        .map(|i| {
            let first = value(i);
            if (i..=i + 2 * reach).all(|at| same(value(at), first)) {
                return first;
            }
            weights
                .iter()
                .enumerate()
                .map(|(k, weight)| weight * value(i + k))
                .sum::<f64>()
                / total
        })
        .collect()
}
