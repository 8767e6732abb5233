//! Face tracking: joins the detections of a shot into people and drops false detections.

use crate::{analysis::Sample, face::Face, median::median};

/// A face that appears after a longer gap is a different person, in milliseconds.
const MAX_GAP_MS: u64 = 5_000;
/// How far a face may move between samples: in its own widths, or for small faces as a share of the picture.
const MAX_MOVE: [f64; 2] = [1.5, 0.08];
/// A face that changes size by more than this factor between samples is a different person.
const MAX_GROWTH: f64 = 1.8;
/// Fewer sightings are a false detection, in a shot that is long enough for more.
const MIN_SIGHTINGS: usize = 3;
/// A face in a smaller share of a shot's samples is a false detection or a passer-by.
const MIN_SHARE: f64 = 0.15;
/// Faces smaller than this share of the largest are considered the audience.
const MIN_SIZE: f64 = 0.4;

/// The face track of one person in a shot.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Times and faces, in order; at least one.
    pub(crate) sightings: Vec<(u64, Face)>,
}

impl Person {
    fn last(&self) -> &(u64, Face) {
        &self.sightings[self.sightings.len() - 1]
    }

    fn first_ms(&self) -> u64 {
        self.sightings[0].0
    }

    /// The person's face in the sample at exactly that time.
    pub(crate) fn face_at(&self, time_ms: u64) -> Option<&Face> {
        let found = self
            .sightings
            .binary_search_by_key(&time_ms, |(time, _)| *time);
        found.ok().map(|i| &self.sightings[i].1)
    }

    /// A value of the face at any time: linear between sightings, constant before and after.
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
        median(self.sightings.iter().map(|(_, face)| value(face)))
    }
}

/// Finds the people in the samples of one shot, ordered from left to right.
pub(crate) fn track_people(samples: &[Sample]) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    for sample in samples {
        assign_faces(&mut people, sample);
    }
    let share = (samples.len() as f64 * MIN_SHARE).ceil() as usize;
    let least = MIN_SIGHTINGS.min(samples.len().div_ceil(2)).max(share);
    let mut people = merge_consecutive(people);
    people.retain(|person| person.sightings.len() >= least);
    let size = |person: &Person| person.median(|face| face.height);
    let largest = people.iter().map(size).fold(0.0, f64::max);
    people.retain(|person| size(person) >= MIN_SIZE * largest);
    people.sort_by(|a, b| {
        a.median(Face::centre_x)
            .total_cmp(&b.median(Face::centre_x))
    });
    people
}

/// Assigns each face of a sample to the nearest person, or to a new one.
fn assign_faces(people: &mut Vec<Person>, sample: &Sample) {
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

/// Distance of a face from a person's last position, 0 to 1; `None` if it is too far, too late or of a different size.
fn distance(person: &Person, time_ms: u64, face: &Face) -> Option<f64> {
    let (last_ms, last) = person.last();
    let growth = (face.height / last.height).max(last.height / face.height);
    if time_ms - last_ms > MAX_GAP_MS || growth > MAX_GROWTH {
        return None;
    }
    let off = |by: f64, size: f64| by.abs() / (MAX_MOVE[0] * size).max(MAX_MOVE[1]);
    let across = off(face.centre_x() - last.centre_x(), last.width);
    let down = off(face.centre_y() - last.centre_y(), last.height);
    Some(across.hypot(down)).filter(|distance| *distance <= 1.0)
}

/// Merges tracks where one starts soon after the other ended: a person who moved fast or was hidden for a moment, whom the camera
/// follows with a pan.
fn merge_consecutive(mut people: Vec<Person>) -> Vec<Person> {
    people.retain(|person| person.sightings.len() >= 2);
    people.sort_by_key(Person::first_ms);
    let mut merged: Vec<Person> = Vec::new();
    for person in people {
        let size = person.sightings[0].1.height;
        let before = merged.iter_mut().find(|other| {
            let (last_ms, last) = other.last();
            let growth = (size / last.height).max(last.height / size);
            let gap_ms = person.first_ms().checked_sub(*last_ms);
            gap_ms.is_some_and(|gap_ms| gap_ms > 0 && gap_ms <= 1_500) && growth <= MAX_GROWTH
        });
        match before {
            Some(other) => other.sightings.extend(person.sightings),
            None => merged.push(person),
        }
    }
    merged
}
