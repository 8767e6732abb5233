//! Scores candidates, with the evidence for each score.

use domain::{Evidence, Score, ScoreBreakdown};

use crate::{candidates::Run, standalone::Opening, stats::sigmoid, talk::Talk};

/// Weights of the scores in the total, in the order hook, flow, value, emotion.
const WEIGHTS: [f64; 4] = [0.2, 0.33, 0.37, 0.1];
/// Twice what relevance to the requested topics can add to the total or subtract from it.
const RELEVANCE_WEIGHT: f64 = 0.8;
/// Preferred lengths, in seconds.
const PREFERRED_S: (f64, f64) = (25.0, 50.0);
/// Penalty per second outside the preferred lengths.
const LENGTH_COST: f64 = 0.02;
/// The opening that decides whether viewers stay, in milliseconds.
const HOOK_MS: u64 = 8_000;

/// A candidate with its score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scored {
    /// The run of sentences.
    pub(crate) run: Run,
    /// Its features relative to the other candidates.
    pub(crate) features: RelativeFeatures,
    /// Weighted sum of the scores, plus relevance to the requested topics; mostly 0 to 1.
    pub(crate) total: f64,
    /// Why it is not understandable on its own, if so.
    pub(crate) flaw: Option<&'static str>,
}

/// Features of a run relative to the other candidates, in standard deviations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RelativeFeatures {
    /// Subjects introduced per time.
    pub(crate) density: f64,
    /// Relevance to the requested topics, if any.
    pub(crate) relevance: Option<f64>,
}

/// Accumulates a score from signals. The names of signals are collected only for an explanation: there are millions of candidates,
/// and a plan explains a few.
struct Signals {
    sum: f64,
    found: Option<Vec<String>>,
}

impl Signals {
    fn new(base: f64, explain: bool) -> Self {
        Self {
            sum: base,
            found: explain.then(Vec::new),
        }
    }

    fn add(&mut self, holds: bool, weight: f64, name: &str) {
        if holds {
            self.sum += weight;
            if let Some(found) = &mut self.found {
                found.push(name.to_owned());
            }
        }
    }
}

/// Scores `run`.
pub(crate) fn score(talk: &Talk<'_>, run: Run, features: RelativeFeatures) -> Scored {
    let parts = scores(&signals(talk, run, features, false));
    let steering = features.relevance.map_or(0.0, |relevance| {
        RELEVANCE_WEIGHT * (sigmoid(relevance) - 0.5)
    });
    let total = steering
        + parts
            .iter()
            .zip(WEIGHTS)
            .map(|(part, weight)| part * weight)
            .sum::<f64>();
    Scored {
        run,
        features,
        total,
        flaw: flaw(talk, run),
    }
}

/// The four scores of a candidate with their evidence.
pub(crate) fn explained(talk: &Talk<'_>, one: &Scored) -> (ScoreBreakdown, Evidence) {
    let signals = signals(talk, one.run, one.features, true);
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

/// The signals in the order hook, flow, value, emotion.
fn signals(talk: &Talk<'_>, run: Run, features: RelativeFeatures, explain: bool) -> [Signals; 4] {
    [
        hook(talk, run, explain),
        flow(talk, run, explain),
        value(talk, run, features, explain),
        emotion(talk, run, explain),
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

/// Why a run is not understandable on its own, if so.
pub(crate) fn flaw(talk: &Talk<'_>, run: Run) -> Option<&'static str> {
    if !run.whole {
        return Some("cut out of a sentence that is too long");
    }
    match talk.openings[run.first] {
        Opening::Continuation => return Some("begins in the middle of a thought"),
        Opening::Reference => return Some("begins with a word for something said before"),
        Opening::Independent | Opening::Linked => {}
    }
    (!talk.finished[run.last]).then_some("ends on an unfinished thought")
}

fn hook(talk: &Talk<'_>, run: Run, explain: bool) -> Signals {
    let until = talk.segments[run.first].start_ms + HOOK_MS;
    let opening = talk.segments[run.first..=run.last].partition_point(|one| one.start_ms < until);
    let last = run.first + opening.saturating_sub(1);
    let cues = talk.cues(run.first, last);
    let mut signals = Signals::new(-1.5 + 2.0 * talk.salience[run.first], explain);
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
        signals.add(
            sound.pitch_variation > 1.0,
            0.3,
            "a lively voice in the opening",
        );
    }
    signals
}

fn flow(talk: &Talk<'_>, run: Run, explain: bool) -> Signals {
    // the probability that no new topic begins inside
    let topic_continuity = talk.topic_continuity(run.first, run.last);
    let seconds = run.range.duration_ms() as f64 / 1000.0;
    let off = (PREFERRED_S.0 - seconds)
        .max(seconds - PREFERRED_S.1)
        .max(0.0);
    let length = (1.0 - LENGTH_COST * off).max(0.3);
    let start = talk.openings[run.first];
    let opens = if start == Opening::Independent {
        1.0
    } else {
        0.95
    };
    let stands = if flaw(talk, run).is_none() { 1.0 } else { 0.6 };
    let mut signals = Signals::new(topic_continuity * length * opens * stands, explain);
    signals.add(topic_continuity > 0.6, 0.0, "stays with one matter");
    signals.add(
        talk.topic_boundaries[run.first] > 0.2,
        0.0,
        "begins where a matter begins",
    );
    signals.add(stands >= 1.0, 0.0, "needs nothing said before");
    if explain {
        signals.add(off <= 0.0, 0.0, &format!("{seconds:.0} seconds long"));
    }
    signals
}

fn value(talk: &Talk<'_>, run: Run, features: RelativeFeatures, explain: bool) -> Signals {
    let cues = talk.cues(run.first, run.last);
    let mut signals = Signals::new(0.8 * features.density - 1.0, explain);
    signals.add(
        features.density > 0.5,
        0.0,
        "brings up much of what is talked about",
    );
    signals.add(
        features.relevance.is_some_and(|relevance| relevance > 1.0),
        0.5,
        "close to the topics asked for",
    );
    signals.add(cues.per_hundred(cues.lesson) > 3.0, 0.2, "explains");
    signals.add(cues.numbers >= 2, 0.2, "gives numbers");
    signals
}

fn emotion(talk: &Talk<'_>, run: Run, explain: bool) -> Signals {
    let cues = talk.cues(run.first, run.last);
    let mut signals = Signals::new(-1.5, explain);
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
        signals.add(sound.pitch_variation > 0.7, 0.5, "a lively voice");
        signals.add(sound.rate > 0.7, 0.3, "fast speech");
        signals.add(sound.reaction_s > 0.0, 1.0, "laughter or applause");
    }
    signals
}
