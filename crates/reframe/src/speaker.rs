//! Active speaker detection: the face whose mouth moves most during speech, without restless switching.

use domain::TimeRange;

use crate::tracking::Person;

/// Cost of switching to another face, in samples of full evidence (three per second).
const SWITCH_COST: f64 = 2.0;
/// Minimum time a face is shown, in milliseconds.
const MIN_TURN_MS: u64 = 1_800;
/// Motion of a mouth that certainly speaks, in grey levels per frame; smaller ranges are not normalised to full evidence.
const CLEAR_MOTION: f64 = 2.0;
/// Evidence for a face that is not visible.
const ABSENT_PENALTY: f64 = -0.6;
/// Evidence for the largest face, which is therefore shown while nobody speaks.
const LARGEST_BONUS: f64 = 0.05;

/// A range of a shot in which one person is shown, up to the next turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) start_ms: u64,
    /// Index of the person.
    pub(crate) who: usize,
}

/// Decides whom to show when, for samples at `times_ms`; `people` must not be empty.
///
/// Evidence is each face's mouth motion over about a second, relative to its own usual range and gated by `speech`; the best sequence
/// with a cost per switch is found by the Viterbi algorithm.
pub(crate) fn turns(people: &[Person], times_ms: &[u64], speech: &[TimeRange]) -> Vec<Turn> {
    let shown = best_sequence(people.len(), &evidence(people, times_ms, speech));
    let mut turns: Vec<Turn> = Vec::new();
    for (&start_ms, who) in times_ms.iter().zip(shown) {
        if turns.last().is_none_or(|turn| turn.who != who) {
            turns.push(Turn { start_ms, who });
        }
    }
    drop_short_turns(&turns, times_ms)
}

/// For each sample, the evidence for showing each person.
fn evidence(people: &[Person], times_ms: &[u64], speech: &[TimeRange]) -> Vec<Vec<f64>> {
    let motions: Vec<Vec<f64>> = people
        .iter()
        .map(|person| smoothed_motion(person, times_ms))
        .collect();
    let ranges: Vec<[f64; 2]> = motions.iter().map(|motion| usual_range(motion)).collect();
    let widest = ranges
        .iter()
        .map(|[low, high]| high - low)
        .fold(CLEAR_MOTION, f64::max);
    let size = |person: &Person| person.median(|face| face.height);
    let largest = people.iter().map(size).fold(0.0, f64::max);
    let of_person = |who: usize, i: usize| {
        let [low, high] = ranges[who];
        // a face that never speaks has a narrow range, which must not be normalised to look like speech
        let range = (high - low).max(0.5 * widest);
        let moving = ((motions[who][i] - low) / range).clamp(0.0, 1.0);
        let bonus = if size(&people[who]) >= largest {
            LARGEST_BONUS
        } else {
            0.0
        };
        let moving_in_speech = if is_speech(speech, times_ms[i]) {
            moving
        } else {
            0.0
        };
        let seen = people[who].face_at(times_ms[i]).is_some();
        moving_in_speech + bonus + if seen { 0.0 } else { ABSENT_PENALTY }
    };
    (0..times_ms.len())
        .map(|i| (0..people.len()).map(|who| of_person(who, i)).collect())
        .collect()
}

/// Mouth motion at each time, averaged with its neighbours.
fn smoothed_motion(person: &Person, times_ms: &[u64]) -> Vec<f64> {
    let raw: Vec<Option<f64>> = times_ms
        .iter()
        .map(|&time_ms| person.face_at(time_ms).map(|face| face.mouth_motion))
        .collect();
    (0..raw.len())
        .map(|i| {
            let near = &raw[i.saturating_sub(1)..(i + 2).min(raw.len())];
            let (sum, count) = near
                .iter()
                .flatten()
                .fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
            if count > 0.0 { sum / count } else { 0.0 }
        })
        .collect()
}

/// The 20th and the 90th percentile.
fn usual_range(motion: &[f64]) -> [f64; 2] {
    let mut sorted = motion.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| {
        sorted
            .get((sorted.len() as f64 * share) as usize)
            .copied()
            .unwrap_or(0.0)
    };
    [at(0.2), at(0.9)]
}

/// Whether there is speech at that time; always, if `speech` is empty.
fn is_speech(speech: &[TimeRange], time_ms: u64) -> bool {
    speech.is_empty()
        || speech
            .iter()
            .any(|range| range.start_ms() <= time_ms && time_ms < range.end_ms())
}

/// The person to show at each sample, by dynamic programming over evidence minus switching costs.
fn best_sequence(people: usize, evidence: &[Vec<f64>]) -> Vec<usize> {
    let best = |scores: &[f64]| {
        let better = |a: usize, b: usize| if scores[b] > scores[a] { b } else { a };
        (0..people).fold(0, better)
    };
    let mut scores = vec![0.0; people];
    let mut came_from: Vec<Vec<usize>> = Vec::with_capacity(evidence.len());
    for sample in evidence {
        let leader = best(&scores);
        let from: Vec<usize> = (0..people)
            .map(|who| {
                if scores[leader] - SWITCH_COST > scores[who] {
                    leader
                } else {
                    who
                }
            })
            .collect();
        scores = (0..people)
            .map(|who| {
                let cost = if from[who] == who { 0.0 } else { SWITCH_COST };
                scores[from[who]] - cost + sample[who]
            })
            .collect();
        came_from.push(from);
    }
    let mut who = best(&scores);
    let mut shown: Vec<usize> = came_from
        .iter()
        .rev()
        .map(|from| {
            let before = from[who];
            std::mem::replace(&mut who, before)
        })
        .collect();
    shown.reverse();
    shown
}

/// Drops turns that are too short; the previous turn continues instead.
fn drop_short_turns(turns: &[Turn], times_ms: &[u64]) -> Vec<Turn> {
    let end_ms = times_ms.last().copied().unwrap_or(0);
    let ends: Vec<u64> = turns
        .iter()
        .skip(1)
        .map(|turn| turn.start_ms)
        .chain([end_ms])
        .collect();
    let mut held: Vec<Turn> = Vec::new();
    for (turn, end) in turns.iter().zip(ends) {
        let long_enough = end - turn.start_ms >= MIN_TURN_MS;
        if held
            .last()
            .is_none_or(|last| long_enough && last.who != turn.who)
        {
            held.push(*turn);
        }
    }
    if let [first, second, ..] = held[..]
        && second.start_ms - first.start_ms < MIN_TURN_MS
    {
        held[1].start_ms = first.start_ms;
        held.remove(0);
    }
    held
}
