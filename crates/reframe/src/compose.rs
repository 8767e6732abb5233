//! From what is seen to what is shown: shot by shot, a crop, a split or the whole picture.

use domain::{Layout, Size, TimeRange};

use crate::{
    analysis::{Analysis, Sample},
    composition::{Keyframe, Shot, View},
    people::{self, Person},
    sizes,
    stage::Stage,
};

/// Shots shorter than this join a neighbour, in milliseconds.
const SHORTEST_SHOT_MS: u64 = 400;
/// Without a face for longer, the whole picture is shown.
const FACELESS_MS: u64 = 2_000;
/// Somebody seen for less between two faceless stretches is not worth a change of view.
const SHORTEST_VIEW_MS: u64 = 1_500;
/// How long one sample stands for the picture, in milliseconds.
const SAMPLE_MS: u64 = 333;
/// A face of more than this share of the picture's height is no inset beside a slide.
const INSET_FACE: f64 = 0.15;
/// A crop that keeps at least this share of each side loses nothing that another layout would show.
const WHOLE: f64 = 0.93;

/// What is to be made of a source range.
#[derive(Debug, Clone, Copy)]
pub struct Clip<'a> {
    /// Length of the range in milliseconds.
    pub duration_ms: u64,
    /// Size of the source picture as displayed.
    pub source: Size,
    /// Size of the clip.
    pub target: Size,
    /// The layout asked for.
    pub layout: Layout,
    /// When somebody speaks, from the start of the clip; empty if unknown.
    pub speech: &'a [TimeRange],
}

/// The shots of a clip: contiguous, from 0 to its duration, none empty.
///
/// `auto` shows people by a camera that holds them in view, two people far apart one above the other, and slides or
/// pictures without people whole; `track` always uses the camera, on whoever speaks; `split` is `track` wherever there
/// are not two people; `fit` shows everything whole.
pub fn compose(analysis: &Analysis, clip: &Clip<'_>) -> Vec<Shot> {
    let Ok(whole) = TimeRange::new(0, clip.duration_ms) else {
        return Vec::new();
    };
    if clip.layout == Layout::Fit {
        return vec![shot(whole, View::Fit)];
    }
    let stage = Stage::new(clip);
    if clip.layout != Layout::Split && stage.keeps(WHOLE) {
        return vec![shot(whole, stage.still())];
    }
    let shots = shot_ranges(&analysis.cuts_ms, clip.duration_ms);
    let views = shots.into_iter().flat_map(|range| {
        let samples = within(&analysis.samples, range);
        match clip.layout {
            Layout::Auto => auto(range, samples, &stage),
            _ => people_shots(range, samples, &stage)
                .unwrap_or_else(|| vec![shot(range, stage.still())]),
        }
    });
    let mut shots = joined(views);
    sizes::few(&mut shots);
    shots
}

pub(crate) fn shot(range: TimeRange, view: View) -> Shot {
    Shot {
        start_ms: range.start_ms(),
        end_ms: range.end_ms(),
        view,
    }
}

/// The ranges between the cuts; too short ones belong to the shot before, or to the one after at the start.
fn shot_ranges(cuts_ms: &[u64], duration_ms: u64) -> Vec<TimeRange> {
    let mut starts = vec![0];
    for &cut_ms in cuts_ms {
        let last = starts[starts.len() - 1];
        let leaves_enough = cut_ms + SHORTEST_SHOT_MS <= duration_ms;
        if cut_ms >= last + SHORTEST_SHOT_MS && leaves_enough {
            starts.push(cut_ms);
        } else if leaves_enough && last < cut_ms {
            // the shot before is too short: it is shown as this one
            let last = starts.len() - 1;
            if last > 0 {
                starts[last] = cut_ms;
            }
        }
    }
    let ends = starts[1..].iter().copied().chain([duration_ms]);
    starts
        .iter()
        .zip(ends)
        .filter_map(|(&start, end)| TimeRange::new(start, end).ok())
        .collect()
}

fn within(samples: &[Sample], range: TimeRange) -> &[Sample] {
    let first = samples.partition_point(|sample| sample.time_ms < range.start_ms());
    let end = samples.partition_point(|sample| sample.time_ms < range.end_ms());
    &samples[first..end]
}

/// A shot in the layout `auto`.
fn auto(range: TimeRange, samples: &[Sample], stage: &Stage<'_>) -> Vec<Shot> {
    let people = people::people(samples);
    if is_slide(samples, &people) {
        return vec![shot(range, View::Fit)];
    }
    let peopled = peopled(range, samples, &people);
    let faceless = range
        .without(&peopled)
        .into_iter()
        .map(|range| vec![shot(range, View::Fit)]);
    let with_people = peopled.iter().map(|&range| {
        people_shots(range, within(samples, range), stage)
            .unwrap_or_else(|| vec![shot(range, View::Fit)])
    });
    let mut shots: Vec<Shot> = faceless.chain(with_people).flatten().collect();
    shots.sort_by_key(|shot| shot.start_ms);
    shots
}

/// Whether most of the shot is drawn and nobody is more than a small inset in it.
fn is_slide(samples: &[Sample], people: &[Person]) -> bool {
    let drawn = samples.iter().filter(|sample| sample.screen).count();
    let inset = |person: &Person| person.median(|face| face.height) < INSET_FACE;
    !samples.is_empty() && drawn * 2 > samples.len() && people.iter().all(inset)
}

/// The stretches in which somebody is seen, over gaps that are short.
fn peopled(range: TimeRange, samples: &[Sample], people: &[Person]) -> Vec<TimeRange> {
    let seen = samples
        .iter()
        .map(|sample| sample.time_ms)
        .filter(|&time_ms| {
            people
                .iter()
                .any(|person| person.seen_at(time_ms).is_some())
        });
    let mut stretches: Vec<[u64; 2]> = Vec::new();
    for time_ms in seen {
        let end_ms = (time_ms + SAMPLE_MS).min(range.end_ms());
        match stretches.last_mut() {
            Some(last) if time_ms <= last[1] + FACELESS_MS => last[1] = end_ms,
            None if time_ms <= range.start_ms() + FACELESS_MS => {
                stretches.push([range.start_ms(), end_ms]);
            }
            _ => stretches.push([time_ms, end_ms]),
        }
    }
    if let Some(last) = stretches.last_mut()
        && range.end_ms() <= last[1] + FACELESS_MS
    {
        last[1] = range.end_ms();
    }
    let whole = |stretch: &TimeRange| *stretch == range;
    stretches
        .into_iter()
        .filter_map(|[start_ms, end_ms]| TimeRange::new(start_ms, end_ms).ok())
        .filter(|stretch| stretch.duration_ms() >= SHORTEST_VIEW_MS || whole(stretch))
        .collect()
}

/// A stretch with people in it; `None` if there are none.
fn people_shots(range: TimeRange, samples: &[Sample], stage: &Stage<'_>) -> Option<Vec<Shot>> {
    let people = people::people(samples);
    let times_ms: Vec<u64> = samples.iter().map(|sample| sample.time_ms).collect();
    if people.is_empty() {
        return None;
    }
    if let Some(split) = stage.split(&people, &times_ms, range) {
        return Some(vec![shot(range, split)]);
    }
    if stage.holds_all(&people, &times_ms) {
        return Some(vec![shot(range, stage.follow(&people, &times_ms, range))]);
    }
    Some(stage.speakers(&people, &times_ms, range))
}

/// Neighbours that show the same become one shot.
fn joined(shots: impl Iterator<Item = Shot>) -> Vec<Shot> {
    let mut joined: Vec<Shot> = Vec::new();
    for shot in shots {
        match joined.last_mut() {
            Some(last) if same(&last.view, &shot.view) => last.end_ms = shot.end_ms,
            _ => joined.push(shot),
        }
    }
    joined
}

/// Whether two views look alike: the time of a single keyframe does not matter.
fn same(a: &View, b: &View) -> bool {
    match (a, b) {
        (
            View::Crop {
                size: a,
                path: from,
            },
            View::Crop { size: b, path: to },
        ) => {
            let still = |path: &[Keyframe]| match path {
                [key] => Some([key.x, key.y]),
                _ => None,
            };
            a == b && still(from).is_some() && still(from) == still(to)
        }
        _ => a == b,
    }
}
