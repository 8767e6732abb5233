//! The views that a clip's shape allows of people at known places.

use domain::{Layout, Size, TimeRange};

use crate::{
    camera::{self, STEP_MS},
    compose::{Clip, shot},
    composition::{Keyframe, Rect, Shot, View, window},
    face::Face,
    people::Person,
    speaker,
};

/// How far the subject may stray from its place before the camera moves, as shares of the crop's width and height.
const DEAD_ZONE: [f64; 2] = [0.09, 0.06];
/// Height of the eyes in a crop and in the half of a split (rule of thirds), which leaves the captions room below the lower face.
const EYE_LINE: f64 = 1.0 / 3.0;
/// With less vertical room than this share of the crop's height, the camera keeps its height.
const LEAST_ROOM: f64 = 0.06;
/// Room beside the outer faces when several share a crop, in widths of a face.
const BESIDE: f64 = 0.35;
/// Share of samples in which all must fit to share a crop.
const FITTING: f64 = 0.9;
/// Split screen: both are seen in this share of the samples, this far apart (of the picture's width), for this long.
const BOTH_SEEN: f64 = 0.5;
const APART: f64 = 0.2;
const SHORTEST_SPLIT_MS: u64 = 2_500;
/// Height of a face in its half of a split.
const SPLIT_FACE: f64 = 0.34;
/// A half is not enlarged more than this.
const MOST_ENLARGED: f64 = 2.5;
/// Splits one above the other suit targets up to this ratio of width to height.
const WIDEST_SPLIT: f64 = 1.2;
/// Keyframes closer than this to the line between their neighbours are left out, in pixels.
const INVISIBLE_PX: f64 = 0.1;

/// A clip's shape, and the largest crop of the source that has it.
pub(crate) struct Stage<'a> {
    clip: &'a Clip<'a>,
    crop: Size,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(clip: &'a Clip<'a>) -> Self {
        let crop = window(clip.target, clip.source, f64::INFINITY);
        Self { clip, crop }
    }

    /// Whether the crop keeps this share of both sides of the source.
    pub(crate) fn keeps(&self, share: f64) -> bool {
        f64::from(self.crop.width) >= share * f64::from(self.clip.source.width)
            && f64::from(self.crop.height) >= share * f64::from(self.clip.source.height)
    }

    /// The crop at rest in the middle.
    pub(crate) fn still(&self) -> View {
        let [x, y] = self.room().map(|room| (room / 2.0).floor());
        View::Crop {
            size: self.crop,
            path: vec![Keyframe { time_ms: 0, x, y }],
        }
    }

    /// How far the crop can move right and down, in pixels.
    fn room(&self) -> [f64; 2] {
        let Size { width, height } = self.clip.source;
        [
            width.saturating_sub(self.crop.width),
            height.saturating_sub(self.crop.height),
        ]
        .map(f64::from)
    }

    /// Whether the crop can hold all of them most of the time.
    pub(crate) fn holds_all(&self, people: &[Person], times_ms: &[u64]) -> bool {
        let most = f64::from(self.crop.width) / f64::from(self.clip.source.width);
        let fits = |time_ms: &&u64| {
            let [left, right] = extent(people, **time_ms);
            right - left <= most
        };
        people.len() == 1
            || times_ms.iter().filter(fits).count() as f64 >= FITTING * times_ms.len() as f64
    }

    /// A camera that keeps all of them in view, with their eyes at a third of the height where there is room.
    pub(crate) fn follow(&self, people: &[Person], times_ms: &[u64], range: TimeRange) -> View {
        let Size { width, height } = self.clip.source;
        let [crop_width, crop_height] = [self.crop.width, self.crop.height].map(f64::from);
        let [room_x, room_y] = self.room();
        let centre = |time_ms: u64| match people {
            [person] => person.at(time_ms, Face::centre_x),
            _ => extent(people, time_ms).iter().sum::<f64>() / 2.0,
        };
        let eyes = |time_ms: u64| {
            let sum: f64 = people
                .iter()
                .map(|person| person.at(time_ms, |face| face.eye_line))
                .sum();
            sum / people.len() as f64
        };
        let wanted = |at: &dyn Fn(u64) -> f64| -> Vec<(u64, f64)> {
            times_ms
                .iter()
                .map(|&time_ms| (time_ms, at(time_ms)))
                .collect()
        };
        let across = wanted(&|time_ms| centre(time_ms) * f64::from(width) - crop_width / 2.0);
        let down = wanted(&|time_ms| eyes(time_ms) * f64::from(height) - crop_height * EYE_LINE);
        let down_zone = if room_y < LEAST_ROOM * crop_height {
            f64::INFINITY
        } else {
            DEAD_ZONE[1] * crop_height
        };
        let (start_ms, end_ms) = (range.start_ms(), range.end_ms());
        let x = camera::positions(&across, start_ms, end_ms, DEAD_ZONE[0] * crop_width, room_x);
        let y = camera::positions(&down, start_ms, end_ms, down_zone, room_y);
        View::Crop {
            size: self.crop,
            path: keyframes(start_ms, &x, &y),
        }
    }

    /// Shots on whoever speaks.
    pub(crate) fn speakers(
        &self,
        people: &[Person],
        times_ms: &[u64],
        range: TimeRange,
    ) -> Vec<Shot> {
        let turns = speaker::turns(people, times_ms, self.clip.speech);
        let starts = turns.iter().skip(1).map(|turn| turn.start_ms);
        let ends = starts.clone().chain([range.end_ms()]);
        [range.start_ms()]
            .into_iter()
            .chain(starts)
            .zip(ends)
            .zip(&turns)
            .filter_map(|((start_ms, end_ms), turn)| {
                let range = TimeRange::new(start_ms, end_ms).ok()?;
                let inside = |time_ms: &u64| (start_ms..end_ms).contains(time_ms);
                let times_ms: Vec<u64> = times_ms.iter().copied().filter(inside).collect();
                Some(shot(
                    range,
                    self.follow(&people[turn.who..=turn.who], &times_ms, range),
                ))
            })
            .collect()
    }

    /// Two people one above the other, if the layout, the shape and their places ask for it.
    pub(crate) fn split(
        &self,
        people: &[Person],
        times_ms: &[u64],
        range: TimeRange,
    ) -> Option<View> {
        let wanted = match self.clip.layout {
            Layout::Auto => !self.holds_all(people, times_ms),
            Layout::Split => true,
            Layout::Track | Layout::Fit => false,
        };
        let [left, right] = people else { return None };
        let both = |time_ms: &&u64| {
            left.seen_at(**time_ms).is_some() && right.seen_at(**time_ms).is_some()
        };
        let both_seen = times_ms.iter().filter(both).count() as f64;
        let suits = self.clip.target.ratio() <= WIDEST_SPLIT
            && range.duration_ms() >= SHORTEST_SPLIT_MS
            && both_seen >= BOTH_SEEN * times_ms.len() as f64
            && right.median(Face::centre_x) - left.median(Face::centre_x) >= APART;
        let size = (wanted && suits).then(|| self.half(left, right))??;
        Some(View::Split {
            top: self.rect(left, size),
            bottom: self.rect(right, size),
        })
    }

    /// Size of each half of a split: their faces fill it well, and neither shows the other's. None if they are too near for that.
    fn half(&self, left: &Person, right: &Person) -> Option<Size> {
        let Size { width, height } = self.clip.source;
        let (width, height) = (f64::from(width), f64::from(height));
        let target = Size {
            width: self.clip.target.width,
            height: self.clip.target.height / 4 * 2,
        };
        let mean = |value: fn(&Face) -> f64| f64::midpoint(left.median(value), right.median(value));
        let beside = 0.7 * mean(|face| face.width);
        // a half ends before the other's face; where its person is near the edge of the picture, all of it lies on the far side
        let alone = |centre: f64, other: f64| {
            let most = (other - beside).max(0.0);
            (2.0 * (most - centre)).min(most) * width
        };
        let (left_x, right_x) = (left.median(Face::centre_x), right.median(Face::centre_x));
        let alone = alone(left_x, right_x).min(alone(1.0 - right_x, 1.0 - left_x));
        let filled = mean(|face| face.height) * height / SPLIT_FACE * target.ratio();
        let least = f64::from(target.width) / MOST_ENLARGED;
        (alone >= least).then(|| window(target, self.clip.source, filled.clamp(least, alone)))
    }

    fn rect(&self, person: &Person, size: Size) -> Rect {
        let place = |centre: f64, side: u32, limit: u32| {
            let most = f64::from(limit.saturating_sub(side));
            (centre.clamp(0.0, most) as u32) & !1
        };
        let Size { width, height } = self.clip.source;
        let x = person.median(Face::centre_x) * f64::from(width) - f64::from(size.width) / 2.0;
        let y = person.median(|face| face.eye_line) * f64::from(height)
            - f64::from(size.height) * EYE_LINE;
        Rect {
            x: place(x, size.width, width),
            y: place(y, size.height, height),
            size,
        }
    }
}

/// From the left of the leftmost to the right of the rightmost, with some room.
fn extent(people: &[Person], time_ms: u64) -> [f64; 2] {
    people.iter().fold([1.0, 0.0], |[left, right], person| {
        let from = person.at(time_ms, |face| face.left - BESIDE * face.width);
        let to = person.at(time_ms, |face| face.left + (1.0 + BESIDE) * face.width);
        [from.min(left), to.max(right)]
    })
}

/// Keyframes for positions every [`STEP_MS`], without those that straight lines between the others give anyway.
fn keyframes(start_ms: u64, x: &[f64], y: &[f64]) -> Vec<Keyframe> {
    let key = |step: usize| Keyframe {
        time_ms: start_ms + step as u64 * STEP_MS,
        x: x[step],
        y: y[step],
    };
    let last = x.len().min(y.len()) - 1;
    let mut path = vec![key(0)];
    let mut from = 0;
    while from < last {
        let straight = |to: usize| is_straight(&x[from..=to]) && is_straight(&y[from..=to]);
        let to = (from + 2..=last)
            .take_while(|&to| straight(to))
            .last()
            .unwrap_or(from + 1);
        path.push(key(to));
        from = to;
    }
    let still = |a: &Keyframe, b: &Keyframe| (a.x - b.x).abs() < 1e-6 && (a.y - b.y).abs() < 1e-6;
    if path.len() == 2 && still(&path[0], &path[1]) {
        path.pop();
    }
    path
}

fn is_straight(values: &[f64]) -> bool {
    let (first, last) = (values[0], values[values.len() - 1]);
    let slope = (last - first) / (values.len() - 1) as f64;
    values
        .iter()
        .enumerate()
        .all(|(i, value)| (value - first - slope * i as f64).abs() <= INVISIBLE_PX)
}
