//! Scores of a candidate, each with the evidence for it.

use domain::{Evidence, Score, ScoreBreakdown};

use crate::{candidates::Run, standing::Opening, stats::sigmoid, talk::Talk};

/// How much of the whole each score makes, in the order hook, flow, value, emotion.
const WEIGHTS: [f64; 4] = [0.2, 0.33, 0.37, 0.1];
/// What being close to the topics asked for can add, or being far from them take away, twice over.
const STEERING: f64 = 0.8;
/// Lengths that viewers like best, in seconds.
const LIKED_S: (f64, f64) = (25.0, 50.0);
/// How fast a length outside those is liked less, per second.
const LENGTH_COST: f64 = 0.02;
/// Milliseconds at the beginning that decide whether one stays.
const OPENING_MS: u64 = 8_000;

/// A candidate with its score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scored {
    /// The run of sentences.
    pub(crate) run: Run,
    /// What sets it apart from the other candidates.
    pub(crate) standing: Standing,
    /// All scores in one, and how close it is to the topics asked for; mostly 0 to 1.
    pub(crate) total: f64,
    /// Why it does not stand alone, if it does not.
    pub(crate) flaw: Option<&'static str>,
}

/// A run against the other candidates, in standard deviations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// How much it brings up in its time.
    pub(crate) density: f64,
    /// How close it is to the topics asked for, if any are.
    pub(crate) on_topic: Option<f64>,
}

/// A score that grows with the signals found, and their names where they are asked for: there are millions of candidates, and a
/// plan tells of a few.
struct Signals {
    sum: f64,
    found: Option<Vec<String>>,
}

impl Signals {
    fn new(base: f64, told: bool) -> Self {
        Self {
            sum: base,
            found: told.then(Vec::new),
        }
    }

    fn add(&mut self, holds: bool, worth: f64, name: &str) {
        if holds {
            self.sum += worth;
            if let Some(found) = &mut self.found {
                found.push(name.to_owned());
            }
        }
    }
}

/// Scores `run`.
pub(crate) fn score(talk: &Talk<'_>, run: Run, standing: Standing) -> Scored {
    let parts = scores(&signals(talk, run, standing, false));
    let steering = standing
        .on_topic
        .map_or(0.0, |closeness| STEERING * (sigmoid(closeness) - 0.5));
    let total = steering
        + parts
            .iter()
            .zip(WEIGHTS)
            .map(|(part, weight)| part * weight)
            .sum::<f64>();
    Scored {
        run,
        standing,
        total,
        flaw: flaw(talk, run),
    }
}

/// The four scores of a candidate, and what made them.
pub(crate) fn explained(talk: &Talk<'_>, one: &Scored) -> (ScoreBreakdown, Evidence) {
    let signals = signals(talk, one.run, one.standing, true);
    let [hook, flow, value, emotion] = scores(&signals).map(Score::clamped);
    let breakdown = ScoreBreakdown {
        hook,
        flow,
        value,
        emotion,
    };
    let [hook, flow, value, emotion] = signals.map(|one| one.found.unwrap_or_default());
    let evidence = Evidence {
        hook,
        flow,
        value,
        emotion,
    };
    (breakdown, evidence)
}

/// In the order hook, flow, value, emotion.
fn signals(talk: &Talk<'_>, run: Run, standing: Standing, told: bool) -> [Signals; 4] {
    [
        hook(talk, run, told),
        flow(talk, run, told),
        value(talk, run, standing, told),
        emotion(talk, run, told),
    ]
}

fn scores([hook, flow, value, emotion]: &[Signals; 4]) -> [f64; 4] {
    [
        sigmoid(hook.sum),
        flow.sum,
        sigmoid(value.sum),
        sigmoid(emotion.sum),
    ]
}

/// Why a run does not stand alone.
pub(crate) fn flaw(talk: &Talk<'_>, run: Run) -> Option<&'static str> {
    if !run.whole {
        return Some("cut out of a sentence that is too long");
    }
    match talk.openings[run.first] {
        Opening::CarriesOn => return Some("begins in the middle of a thought"),
        Opening::StandsFor => return Some("begins with a word for something said before"),
        Opening::Fresh | Opening::Linked => {}
    }
    (!talk.finished[run.last]).then_some("ends on an unfinished thought")
}

fn hook(talk: &Talk<'_>, run: Run, told: bool) -> Signals {
    let until = talk.segments[run.first].start_ms + OPENING_MS;
    let opening = talk.segments[run.first..=run.last].partition_point(|one| one.start_ms < until);
    let last = run.first + opening.saturating_sub(1);
    let cues = talk.cues(run.first, last);
    let mut signals = Signals::new(-1.5 + 2.0 * talk.salience[run.first], told);
    signals.add(cues.questions > 0, 0.9, "a question in the opening");
    signals.add(cues.numbers > 0, 0.4, "a number in the opening");
    signals.add(cues.strong > 0, 0.3, "a strong claim in the opening");
    signals.add(cues.contrast > 0, 0.3, "a contrast in the opening");
    signals.add(cues.address > 0, 0.4, "speaks to the listener at once");
    signals.add(
        talk.salience[run.first] > 0.5,
        0.2,
        "opens with a central sentence",
    );
    if let Some(sound) = talk.sound(run.first, last) {
        signals.add(sound.loudness > 1.0, 0.4, "a loud opening");
        signals.add(sound.movement > 1.0, 0.3, "a lively voice in the opening");
    }
    signals
}

fn flow(talk: &Talk<'_>, run: Run, told: bool) -> Signals {
    // the chance that nothing new begins inside
    let one_matter = talk.one_matter(run.first, run.last);
    let seconds = run.range.duration_ms() as f64 / 1000.0;
    let off = (LIKED_S.0 - seconds).max(seconds - LIKED_S.1).max(0.0);
    let length = (1.0 - LENGTH_COST * off).max(0.3);
    let start = talk.openings[run.first];
    let opens = if start == Opening::Fresh { 1.0 } else { 0.95 };
    let stands = if flaw(talk, run).is_none() { 1.0 } else { 0.6 };
    let mut signals = Signals::new(one_matter * length * opens * stands, told);
    signals.add(one_matter > 0.6, 0.0, "stays with one matter");
    signals.add(
        talk.changes[run.first] > 0.2,
        0.0,
        "begins where a matter begins",
    );
    signals.add(stands >= 1.0, 0.0, "needs nothing said before");
    if told {
        signals.add(off <= 0.0, 0.0, &format!("{seconds:.0} seconds long"));
    }
    signals
}

fn value(talk: &Talk<'_>, run: Run, standing: Standing, told: bool) -> Signals {
    let cues = talk.cues(run.first, run.last);
    let mut signals = Signals::new(0.8 * standing.density - 1.0, told);
    signals.add(
        standing.density > 0.5,
        0.0,
        "brings up much of what is talked about",
    );
    signals.add(
        standing.on_topic.is_some_and(|closeness| closeness > 1.0),
        0.5,
        "close to the topics asked for",
    );
    signals.add(cues.per_hundred(cues.lesson) > 3.0, 0.2, "explains");
    signals.add(cues.numbers >= 2, 0.2, "gives numbers");
    signals
}

fn emotion(talk: &Talk<'_>, run: Run, told: bool) -> Signals {
    let cues = talk.cues(run.first, run.last);
    let mut signals = Signals::new(-1.5, told);
    signals.add(
        cues.feeling > 0,
        0.5 * cues.feeling.min(4) as f64,
        "words of feeling",
    );
    signals.add(cues.exclamations > 0, 0.4, "an exclamation");
    signals.add(
        cues.per_hundred(cues.story) > 6.0,
        0.4,
        "told in the first person",
    );
    if let Some(sound) = talk.sound(run.first, run.last) {
        signals.add(sound.loudness > 0.7, 0.5, "a raised voice");
        signals.add(sound.movement > 0.7, 0.5, "a lively voice");
        signals.add(sound.rate > 0.7, 0.3, "fast speech");
        signals.add(sound.reaction_s > 0.0, 1.0, "laughter or applause");
    }
    signals
}
