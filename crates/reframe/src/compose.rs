//! From an analysis to the views of a clip: for each shot a crop, a split or the whole picture.

use domain::{Layout, TimeRange};

use crate::{
    analysis::{Analysis, Sample},
    composition::{Clip, Keyframe, Shot, View},
    framing::Framing,
    split_sizes::limit_split_sizes,
    tracking::{Person, track_people},
};

/// Shots shorter than this are merged with a neighbour, in milliseconds.
const MIN_SHOT_MS: u64 = 400;
/// Without a face for longer than this, the whole picture is shown, in milliseconds.
const MAX_FACELESS_MS: u64 = 2_000;
/// People visible for less than this between two faceless ranges do not change the view, in milliseconds.
const MIN_VIEW_MS: u64 = 1_500;
/// The time that one sample represents, in milliseconds.
const SAMPLE_MS: u64 = 333;
/// Maximum height of a face, as a share of the picture's height, in an inset beside a slide.
const MAX_INSET_FACE: f64 = 0.15;
/// A crop that keeps at least this share of each side is used as it is, whatever the picture shows.
const NEARLY_ALL: f64 = 0.93;

/// Composes the shots of a clip: contiguous, from 0 to its duration, none empty.
///
/// `auto` follows people with a camera, shows two people far apart one above the other, and shows slides and pictures without
/// people whole; `track` always uses the camera, on the active speaker; `split` is `track` wherever there are not two people;
/// `fit` always shows the whole picture.
pub fn compose(analysis: &Analysis, clip: &Clip<'_>) -> Vec<Shot> {
    let Ok(whole) = TimeRange::new(0, clip.duration_ms) else {
        return Vec::new();
    };
    if clip.layout == Layout::Fit {
        return vec![Shot::new(whole, View::Fit)];
    }
    let framing = Framing::new(clip);
    if clip.layout != Layout::Split && framing.keeps_share(NEARLY_ALL) {
        return vec![Shot::new(whole, framing.centred())];
    }
    let shots = shot_ranges(&analysis.cuts_ms, clip.duration_ms);
    let views = shots.into_iter().flat_map(|range| {
        let samples = within(&analysis.samples, range);
        match clip.layout {
            Layout::Auto => auto_shots(range, samples, &framing),
            _ => people_shots(range, samples, &framing)
                .unwrap_or_else(|| vec![Shot::new(range, framing.centred())]),
        }
    });
    let mut shots = merge_equal(views);
    limit_split_sizes(&mut shots);
    shots
}

/// The ranges between cuts; one that is too short is merged with the previous shot, or at the start with the next.
fn shot_ranges(cuts_ms: &[u64], duration_ms: u64) -> Vec<TimeRange> {
    let mut starts = vec![0];
    for &cut_ms in cuts_ms {
        let last = starts[starts.len() - 1];
        let leaves_enough = cut_ms + MIN_SHOT_MS <= duration_ms;
        if cut_ms >= last + MIN_SHOT_MS && leaves_enough {
            starts.push(cut_ms);
        } else if leaves_enough && last < cut_ms {
            // the previous shot is too short: it is merged with this one
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

/// The shots of a range in the layout `auto`.
fn auto_shots(range: TimeRange, samples: &[Sample], framing: &Framing<'_>) -> Vec<Shot> {
    let people = track_people(samples);
    if is_slide(samples, &people) {
        return vec![Shot::new(range, View::Fit)];
    }
    let peopled = ranges_with_people(range, samples, &people);
    let faceless = range
        .without(&peopled)
        .into_iter()
        .map(|range| vec![Shot::new(range, View::Fit)]);
    let with_people = peopled.iter().map(|&range| {
        people_shots(range, within(samples, range), framing)
            .unwrap_or_else(|| vec![Shot::new(range, View::Fit)])
    });
    let mut shots: Vec<Shot> = faceless.chain(with_people).flatten().collect();
    shots.sort_by_key(|shot| shot.start_ms);
    shots
}

/// Whether most samples show a screen and everybody is in a small inset.
fn is_slide(samples: &[Sample], people: &[Person]) -> bool {
    let drawn = samples.iter().filter(|sample| sample.screen).count();
    let inset = |person: &Person| person.median(|face| face.height) < MAX_INSET_FACE;
    !samples.is_empty() && drawn * 2 > samples.len() && people.iter().all(inset)
}

/// The ranges in which somebody is visible; short gaps are bridged.
fn ranges_with_people(range: TimeRange, samples: &[Sample], people: &[Person]) -> Vec<TimeRange> {
    let seen = samples
        .iter()
        .map(|sample| sample.time_ms)
        .filter(|&time_ms| {
            people
                .iter()
                .any(|person| person.face_at(time_ms).is_some())
        });
    let mut stretches: Vec<[u64; 2]> = Vec::new();
    for time_ms in seen {
        let end_ms = (time_ms + SAMPLE_MS).min(range.end_ms());
        match stretches.last_mut() {
            Some(last) if time_ms <= last[1] + MAX_FACELESS_MS => last[1] = end_ms,
            None if time_ms <= range.start_ms() + MAX_FACELESS_MS => {
                stretches.push([range.start_ms(), end_ms]);
            }
            _ => stretches.push([time_ms, end_ms]),
        }
    }
    if let Some(last) = stretches.last_mut()
        && range.end_ms() <= last[1] + MAX_FACELESS_MS
    {
        last[1] = range.end_ms();
    }
    let whole = |stretch: &TimeRange| *stretch == range;
    stretches
        .into_iter()
        .filter_map(|[start_ms, end_ms]| TimeRange::new(start_ms, end_ms).ok())
        .filter(|stretch| stretch.duration_ms() >= MIN_VIEW_MS || whole(stretch))
        .collect()
}

/// The shots of a range with people; `None` if there are none.
fn people_shots(range: TimeRange, samples: &[Sample], framing: &Framing<'_>) -> Option<Vec<Shot>> {
    let people = track_people(samples);
    let times_ms: Vec<u64> = samples.iter().map(|sample| sample.time_ms).collect();
    if people.is_empty() {
        return None;
    }
    if let Some(split) = framing.split(&people, &times_ms, range) {
        return Some(vec![Shot::new(range, split)]);
    }
    if framing.fits_all(&people, &times_ms) {
        return Some(vec![Shot::new(
            range,
            framing.follow(&people, &times_ms, range),
        )]);
    }
    Some(framing.follow_speakers(&people, &times_ms, range))
}

/// Merges neighbouring shots that show the same.
fn merge_equal(shots: impl Iterator<Item = Shot>) -> Vec<Shot> {
    let mut joined: Vec<Shot> = Vec::new();
    for shot in shots {
        match joined.last_mut() {
            Some(last) if looks_same(&last.view, &shot.view) => last.end_ms = shot.end_ms,
            _ => joined.push(shot),
        }
    }
    joined
}

/// Whether two views look the same: the time of a single keyframe does not matter.
fn looks_same(a: &View, b: &View) -> bool {
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
