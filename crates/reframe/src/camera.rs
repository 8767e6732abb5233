//! Plans the virtual camera on one axis: it holds, pans or follows, and never shakes.
//!
//! The whole shot is known, so the motion is planned: dynamic programming finds the fewest holds and linear ramps that keep the subject
//! within a dead zone, and a smoothing window joins them. Nothing overshoots or lags.

use crate::median::median;

/// Interval between computed positions, in milliseconds.
pub(crate) const STEP_MS: u64 = 40;
/// Length of the smoothing window, which is also the duration of a pan, in milliseconds.
const PAN_MS: u64 = 1_200;
/// Window of the median filter against single bad detections, in samples.
const MEDIAN_WINDOW: usize = 5;
/// Costs of the plan: a hold, a ramp, and a move between segments per dead zone of distance.
const HOLD_COST: f64 = 1.0;
const RAMP_COST: f64 = 1.8;
const MOVE_COST: f64 = 0.3;
/// Minimum samples in a ramp: anything shorter is a pan.
const MIN_RAMP_SAMPLES: usize = 6;

/// A segment of the plan: linear over the samples from `first` to `last`.
#[derive(Debug, Clone, Copy)]
struct Segment {
    first: usize,
    last: usize,
    from: f64,
    to: f64,
    cost: f64,
}

/// Positions from `start_ms` to `end_ms` every [`STEP_MS`], all within 0 to `limit`.
///
/// `targets` are `(time, position)` in order, at least one; the camera does not move while the target stays within `dead_zone` of it.
pub(crate) fn positions(
    targets: &[(u64, f64)],
    start_ms: u64,
    end_ms: u64,
    dead_zone: f64,
    limit: f64,
) -> Vec<f64> {
    let values: Vec<f64> = median_filter(targets)
        .iter()
        .map(|value| value.clamp(0.0, limit))
        .collect();
    let segments = plan(&values, dead_zone.max(1e-6));
    let steps = (end_ms.saturating_sub(start_ms) / STEP_MS) as usize + 1;
    let planned: Vec<f64> = (0..steps)
        .map(|step| {
            planned_at(&segments, targets, start_ms + step as u64 * STEP_MS).clamp(0.0, limit)
        })
        .collect();
    smooth(&planned)
}

fn median_filter(targets: &[(u64, f64)]) -> Vec<f64> {
    (0..targets.len())
        .map(|i| {
            // a window that shrinks towards the ends stays centred
            let reach = (MEDIAN_WINDOW / 2).min(i).min(targets.len() - 1 - i);
            median(
                targets[i - reach..=i + reach]
                    .iter()
                    .map(|(_, value)| *value),
            )
        })
        .collect()
}

/// Finds the cheapest sequence of segments that covers all samples.
fn plan(values: &[f64], dead_zone: f64) -> Vec<Segment> {
    // best[n]: last segment and cost of the cheapest plan of the first n samples
    let mut best: Vec<Option<(Segment, f64)>> = vec![None; values.len() + 1];
    for first in 0..values.len() {
        let before = best[first];
        for segment in segments_from(values, first, dead_zone) {
            let travel = before.map_or(0.0, |(before, _)| (segment.from - before.to).abs());
            let cost = before.map_or(0.0, |(_, cost)| cost)
                + segment.cost
                + MOVE_COST * travel / dead_zone;
            let slot = &mut best[segment.last + 1];
            if slot.is_none_or(|(_, other)| cost < other) {
                *slot = Some((segment, cost));
            }
        }
    }
    let mut segments = Vec::new();
    let mut end = values.len();
    while let Some((segment, _)) = best[end] {
        segments.push(segment);
        end = segment.first;
    }
    segments.reverse();
    segments
}

/// All holds and ramps that begin at a sample and stay within the dead zone.
fn segments_from(values: &[f64], first: usize, dead_zone: f64) -> Vec<Segment> {
    let mut segments = Vec::new();
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut failed = 0;
    for last in first..values.len() {
        (low, high) = (low.min(values[last]), high.max(values[last]));
        let still = high - low <= 2.0 * dead_zone;
        if still {
            let middle = f64::midpoint(low, high);
            segments.push(Segment {
                first,
                last,
                from: middle,
                to: middle,
                cost: HOLD_COST,
            });
            continue;
        }
        match ramp(&values[first..=last], dead_zone) {
            Some([from, to]) if last - first >= MIN_RAMP_SAMPLES => {
                failed = 0;
                segments.push(Segment {
                    first,
                    last,
                    from,
                    to,
                    cost: RAMP_COST,
                });
            }
            Some(_) => {}
            None => failed += 1,
        }
        if failed > MIN_RAMP_SAMPLES {
            break;
        }
    }
    segments
}

/// The chord of the values, shifted to their middle, if all values are within the dead zone of it.
fn ramp(values: &[f64], dead_zone: f64) -> Option<[f64; 2]> {
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

/// The planned position at a time: on the segment whose samples are nearest.
fn planned_at(segments: &[Segment], targets: &[(u64, f64)], time_ms: u64) -> f64 {
    let until = |segment: &Segment| match targets.get(segment.last + 1) {
        Some((next_ms, _)) => u64::midpoint(targets[segment.last].0, *next_ms),
        None => u64::MAX,
    };
    let Some(segment) = segments
        .iter()
        .find(|segment| time_ms < until(segment))
        .or(segments.last())
    else {
        return 0.0;
    };
    let (from_ms, to_ms) = (targets[segment.first].0, targets[segment.last].0);
    if to_ms <= from_ms {
        return segment.from;
    }
    let share = (time_ms as f64 - from_ms as f64) / (to_ms - from_ms) as f64;
    segment.from + (segment.to - segment.from) * share.clamp(0.0, 1.0)
}

/// Smooths with a raised-cosine window of [`PAN_MS`]; the first and last values extend beyond the ends.
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
