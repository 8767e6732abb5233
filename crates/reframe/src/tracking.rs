//! Who is in a shot: detections joined over time into people, false ones left out.

use crate::{analysis::Sample, face::Face};

/// Someone not seen for longer is somebody else, in milliseconds.
const LONGEST_GAP_MS: u64 = 5_000;
/// How far a face may move between samples: in its own widths, or as a share of the picture for small ones.
const REACH: [f64; 2] = [1.5, 0.08];
/// A face that grows or shrinks by more than this between samples is another.
const GROWTH: f64 = 1.8;
/// Fewer sightings are a false detection (in a shot that is long enough for more).
const LEAST_SIGHTINGS: usize = 3;
/// Seen in a smaller share of a shot's samples, a face is a false detection or a passer-by.
const LEAST_SHARE: f64 = 0.15;
/// Faces smaller than this share of the largest are the audience.
const LEAST_SIZE: f64 = 0.4;

/// Somebody, as seen in the samples of a shot.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// When and how, in order, at least one.
    pub(crate) sightings: Vec<(u64, Face)>,
}

impl Person {
    fn last(&self) -> &(u64, Face) {
        &self.sightings[self.sightings.len() - 1]
    }

    fn first_ms(&self) -> u64 {
        self.sightings[0].0
    }

    /// Whether the person is seen in the sample of that time.
    pub(crate) fn seen_at(&self, time_ms: u64) -> Option<&Face> {
        let found = self
            .sightings
            .binary_search_by_key(&time_ms, |(time, _)| *time);
        found.ok().map(|i| &self.sightings[i].1)
    }

    /// A value of the face at any time: straight lines between sightings, still before and after.
    pub(crate) fn at(&self, time_ms: u64, value: impl Fn(&Face) -> f64) -> f64 {
        let after = self.sightings.partition_point(|(time, _)| *time <= time_ms);
        let before = &self.sightings[after.saturating_sub(1)];
        let Some(after) = self.sightings.get(after) else {
            return value(&before.1);
        };
        if after.0 <= before.0 || time_ms <= before.0 {
            return value(&before.1);
        }
        let share = (time_ms - before.0) as f64 / (after.0 - before.0) as f64;
        value(&before.1) * (1.0 - share) + value(&after.1) * share
    }

    /// Median of a value over all sightings.
    pub(crate) fn median(&self, value: impl Fn(&Face) -> f64) -> f64 {
        let mut values: Vec<f64> = self.sightings.iter().map(|(_, face)| value(face)).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }
}

/// The people in the samples of one shot, from left to right.
pub(crate) fn people(samples: &[Sample]) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    for sample in samples {
        join(&mut people, sample);
    }
    let share = (samples.len() as f64 * LEAST_SHARE).ceil() as usize;
    let least = LEAST_SIGHTINGS.min(samples.len().div_ceil(2)).max(share);
    let mut people = one_after_another(people);
    people.retain(|person| person.sightings.len() >= least);
    let size = |person: &Person| person.median(|face| face.height);
    let largest = people.iter().map(size).fold(0.0, f64::max);
    people.retain(|person| size(person) >= LEAST_SIZE * largest);
    people.sort_by(|a, b| {
        a.median(Face::centre_x)
            .total_cmp(&b.median(Face::centre_x))
    });
    people
}

/// Gives each face of a sample to the nearest person, or to a new one.
fn join(people: &mut Vec<Person>, sample: &Sample) {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (who, person) in people.iter().enumerate() {
        for (which, face) in sample.faces.iter().enumerate() {
            let distance = distance(person, sample.time_ms, face);
            pairs.extend(distance.map(|distance| (distance, who, which)));
        }
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let known = people.len();
    let (mut who_taken, mut which_taken) = (vec![false; known], vec![false; sample.faces.len()]);
    for (_, who, which) in pairs {
        if !who_taken[who] && !which_taken[which] {
            (who_taken[who], which_taken[which]) = (true, true);
            people[who]
                .sightings
                .push((sample.time_ms, sample.faces[which]));
        }
    }
    let new = sample
        .faces
        .iter()
        .zip(which_taken)
        .filter(|(_, taken)| !taken);
    people.extend(new.map(|(face, _)| Person {
        sightings: vec![(sample.time_ms, *face)],
    }));
}

/// How far a face is from where a person was last, 0 to 1; `None` if too far, too long ago or of another size.
fn distance(person: &Person, time_ms: u64, face: &Face) -> Option<f64> {
    let (last_ms, last) = person.last();
    let growth = (face.height / last.height).max(last.height / face.height);
    if time_ms - last_ms > LONGEST_GAP_MS || growth > GROWTH {
        return None;
    }
    let off = |by: f64, size: f64| by.abs() / (REACH[0] * size).max(REACH[1]);
    let across = off(face.centre_x() - last.centre_x(), last.width);
    let down = off(face.centre_y() - last.centre_y(), last.height);
    Some(across.hypot(down)).filter(|distance| *distance <= 1.0)
}

/// Joins those who are never seen together into one when the next appears soon after the one before went:
/// a person who moved fast or hid for a moment, whom the camera follows with a pan.
fn one_after_another(mut people: Vec<Person>) -> Vec<Person> {
    people.retain(|person| person.sightings.len() >= 2);
    people.sort_by_key(Person::first_ms);
    let mut joined: Vec<Person> = Vec::new();
    for person in people {
        let size = person.sightings[0].1.height;
        let before = joined.iter_mut().find(|other| {
            let (last_ms, last) = other.last();
            let growth = (size / last.height).max(last.height / size);
            let gap_ms = person.first_ms().checked_sub(*last_ms);
            gap_ms.is_some_and(|gap_ms| gap_ms > 0 && gap_ms <= 1_500) && growth <= GROWTH
        });
        match before {
            Some(other) => other.sightings.extend(person.sightings),
            None => joined.push(person),
        }
    }
    joined
}
