//! Chooses the view for people at known positions: crop, camera path or split screen.

use domain::{Layout, Size, TimeRange};

use crate::{
    camera::{self, STEP_MS},
    composition::{Clip, Keyframe, Rect, Shot, View, largest_crop},
    face::Face,
    speaker,
    tracking::Person,
};

/// How far the subject may move before the camera does, as shares of the crop's width and height.
const DEAD_ZONE: [f64; 2] = [0.09, 0.06];
/// Height of the eyes in a crop and in each half of a split (rule of thirds); leaves room for captions below the lower face.
const EYE_LINE: f64 = 1.0 / 3.0;
/// With less vertical room than this share of the crop's height, the camera does not move vertically.
const MIN_ROOM: f64 = 0.06;
/// Margin beside the outer faces when several share a crop, in face widths.
const FACE_MARGIN: f64 = 0.35;
/// Share of samples in which all faces must fit to share a crop.
const MIN_FITTING: f64 = 0.9;
/// Conditions for a split screen: share of samples with both visible, distance as a share of the picture's width, duration.
const MIN_BOTH_VISIBLE: f64 = 0.5;
const MIN_DISTANCE: f64 = 0.2;
const MIN_SPLIT_MS: u64 = 2_500;
/// Height of a face in its half of a split.
const SPLIT_FACE_HEIGHT: f64 = 0.34;
/// Maximum enlargement of a half.
const MAX_ENLARGEMENT: f64 = 2.5;
/// Maximum ratio of width to height of a target for a split.
const MAX_SPLIT_RATIO: f64 = 1.2;
/// Keyframes closer than this to the line between their neighbours are dropped, in pixels.
const KEYFRAME_TOLERANCE_PX: f64 = 0.1;

/// Chooses views for one clip.
pub(crate) struct Framing<'a> {
    clip: &'a Clip<'a>,
    crop: Size,
}

impl<'a> Framing<'a> {
    pub(crate) fn new(clip: &'a Clip<'a>) -> Self {
        let crop = largest_crop(clip.target, clip.source, f64::INFINITY);
        Self { clip, crop }
    }

    /// Whether the largest crop keeps this share of both sides of the source.
    pub(crate) fn keeps_share(&self, share: f64) -> bool {
        f64::from(self.crop.width) >= share * f64::from(self.clip.source.width)
            && f64::from(self.crop.height) >= share * f64::from(self.clip.source.height)
    }

    /// A fixed crop in the middle.
    pub(crate) fn centred(&self) -> View {
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

    /// Whether the crop fits all people most of the time.
    pub(crate) fn fits_all(&self, people: &[Person], times_ms: &[u64]) -> bool {
        let most = f64::from(self.crop.width) / f64::from(self.clip.source.width);
        let fits = |time_ms: &&u64| {
            let [left, right] = extent(people, **time_ms);
            right - left <= most
        };
        people.len() == 1
            || times_ms.iter().filter(fits).count() as f64 >= MIN_FITTING * times_ms.len() as f64
    }

    /// A camera that keeps all people in view, with their eyes at a third of the height where there is room.
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
        let targets = |at: &dyn Fn(u64) -> f64| -> Vec<(u64, f64)> {
            times_ms
                .iter()
                .map(|&time_ms| (time_ms, at(time_ms)))
                .collect()
        };
        let across = targets(&|time_ms| centre(time_ms) * f64::from(width) - crop_width / 2.0);
        let down = targets(&|time_ms| eyes(time_ms) * f64::from(height) - crop_height * EYE_LINE);
        let down_zone = if room_y < MIN_ROOM * crop_height {
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

    /// Shots of the active speaker.
    pub(crate) fn follow_speakers(
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
                Some(Shot::new(
                    range,
                    self.follow(&people[turn.who..=turn.who], &times_ms, range),
                ))
            })
            .collect()
    }

    /// Two people one above the other: if the layout allows it, the target is not too wide, and exactly two people are visible together for
    /// most of the range, far enough apart. `None` otherwise.
    pub(crate) fn split(
        &self,
        people: &[Person],
        times_ms: &[u64],
        range: TimeRange,
    ) -> Option<View> {
        let is_requested = match self.clip.layout {
            Layout::Auto => !self.fits_all(people, times_ms),
            Layout::Split => true,
            Layout::Track | Layout::Fit => false,
        };
        let [left, right] = people else { return None };
        let both = |time_ms: &&u64| {
            left.face_at(**time_ms).is_some() && right.face_at(**time_ms).is_some()
        };
        let both_visible = times_ms.iter().filter(both).count() as f64;
        let is_suitable = self.clip.target.ratio() <= MAX_SPLIT_RATIO
            && range.duration_ms() >= MIN_SPLIT_MS
            && both_visible >= MIN_BOTH_VISIBLE * times_ms.len() as f64
            && right.median(Face::centre_x) - left.median(Face::centre_x) >= MIN_DISTANCE;
        let size = (is_requested && is_suitable).then(|| self.split_size(left, right))??;
        Some(View::Split {
            top: self.split_rect(left, size),
            bottom: self.split_rect(right, size),
        })
    }

    /// Size of the halves of a split: large enough faces, and neither half shows the other's face. `None` if the faces are too close.
    fn split_size(&self, left: &Person, right: &Person) -> Option<Size> {
        let Size { width, height } = self.clip.source;
        let (width, height) = (f64::from(width), f64::from(height));
        let target = Size {
            width: self.clip.target.width,
            height: self.clip.target.height / 4 * 2,
        };
        let mean = |value: fn(&Face) -> f64| f64::midpoint(left.median(value), right.median(value));
        let beside = 0.7 * mean(|face| face.width);
        // a half ends before the other face: centred, it reaches `most - centre` to each side; at the edge of the picture it is `most` wide
        let alone = |centre: f64, other: f64| {
            let most = (other - beside).max(0.0);
            (2.0 * (most - centre)).min(most) * width
        };
        let (left_x, right_x) = (left.median(Face::centre_x), right.median(Face::centre_x));
        let alone = alone(left_x, right_x).min(alone(1.0 - right_x, 1.0 - left_x));
        let filled = mean(|face| face.height) * height / SPLIT_FACE_HEIGHT * target.ratio();
        let least = f64::from(target.width) / MAX_ENLARGEMENT;
        (alone >= least).then(|| largest_crop(target, self.clip.source, filled.clamp(least, alone)))
    }

    fn split_rect(&self, person: &Person, size: Size) -> Rect {
        let offset = |centre: f64, side: u32, limit: u32| {
            let most = f64::from(limit.saturating_sub(side));
            (centre.clamp(0.0, most) as u32) & !1
        };
        let Size { width, height } = self.clip.source;
        let x = person.median(Face::centre_x) * f64::from(width) - f64::from(size.width) / 2.0;
        let y = person.median(|face| face.eye_line) * f64::from(height)
            - f64::from(size.height) * EYE_LINE;
        Rect {
            x: offset(x, size.width, width),
            y: offset(y, size.height, height),
            size,
        }
    }
}

/// From the left edge of the leftmost face to the right edge of the rightmost, with margins.
fn extent(people: &[Person], time_ms: u64) -> [f64; 2] {
    people.iter().fold([1.0, 0.0], |[left, right], person| {
        let from = person.at(time_ms, |face| face.left - FACE_MARGIN * face.width);
        let to = person.at(time_ms, |face| face.left + (1.0 + FACE_MARGIN) * face.width);
        [from.min(left), to.max(right)]
    })
}

/// Keyframes for positions every [`STEP_MS`], without those that linear interpolation reproduces.
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
        .all(|(i, value)| (value - first - slope * i as f64).abs() <= KEYFRAME_TOLERANCE_PX)
}
