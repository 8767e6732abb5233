//! Scores of a candidate, each with the evidence for it.

use domain::{Evidence, Score, ScoreBreakdown};

use crate::{candidates::Run, sound::SentenceSound, standing::Opening, stats::sigmoid, talk::Talk};

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

/// A candidate with its scores.
#[derive(Debug, Clone)]
pub(crate) struct Scored {
    /// The run of sentences.
    pub(crate) run: Run,
    /// The four scores.
    pub(crate) breakdown: ScoreBreakdown,
    /// All of them in one, and how close it is to the topics asked for; mostly 0 to 1.
    pub(crate) total: f64,
    /// What made them.
    pub(crate) evidence: Evidence,
    /// Why it does not stand alone, if it does not.
    pub(crate) flaw: Option<&'static str>,
}

/// A score that grows with the signals found, and their names.
struct Signals {
    sum: f64,
    found: Vec<String>,
}

impl Signals {
    fn new(base: f64) -> Self {
        Self {
            sum: base,
            found: Vec::new(),
        }
    }

    fn add(&mut self, holds: bool, worth: f64, name: impl Into<String>) {
        if holds {
            self.sum += worth;
            self.found.push(name.into());
        }
    }
}

/// Scores `run`; `density` is how much it brings up in its time against the other candidates, in standard deviations, and
/// `on_topic` how close it is to the topics asked for, likewise.
pub(crate) fn score(talk: &Talk<'_>, run: Run, density: f64, on_topic: Option<f64>) -> Scored {
    let (hook, flow) = (hook(talk, run), flow(talk, run));
    let (value, emotion) = (value(talk, run, density, on_topic), emotion(talk, run));
    let parts = [
        sigmoid(hook.sum),
        flow.sum,
        sigmoid(value.sum),
        sigmoid(emotion.sum),
    ];
    let steering = on_topic.map_or(0.0, |closeness| STEERING * (sigmoid(closeness) - 0.5));
    let total = steering
        + parts
            .iter()
            .zip(WEIGHTS)
            .map(|(part, weight)| part * weight)
            .sum::<f64>();
    Scored {
        run,
        breakdown: ScoreBreakdown {
            hook: Score::clamped(parts[0]),
            flow: Score::clamped(parts[1]),
            value: Score::clamped(parts[2]),
            emotion: Score::clamped(parts[3]),
        },
        total,
        evidence: Evidence {
            hook: hook.found,
            flow: flow.found,
            value: value.found,
            emotion: emotion.found,
        },
        flaw: flaw(talk, run),
    }
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

fn hook(talk: &Talk<'_>, run: Run) -> Signals {
    let until = talk.segments[run.first].start_ms + OPENING_MS;
    let last = (run.first..=run.last)
        .take_while(|&at| talk.segments[at].start_ms < until)
        .last()
        .unwrap_or(run.first);
    let cues = talk.cues(run.first, last);
    let mut signals = Signals::new(-1.5 + 2.0 * talk.salience[run.first]);
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
    if let Some(sound) = sound_of(talk, run.first, last) {
        signals.add(sound.loudness > 1.0, 0.4, "a loud opening");
        signals.add(sound.movement > 1.0, 0.3, "a lively voice in the opening");
    }
    signals
}

fn flow(talk: &Talk<'_>, run: Run) -> Signals {
    // the chance that nothing new begins inside
    let one_matter: f64 = talk.changes[run.first + 1..=run.last]
        .iter()
        .map(|p| 1.0 - p)
        .product();
    let seconds = run.range.duration_ms() as f64 / 1000.0;
    let off = (LIKED_S.0 - seconds).max(seconds - LIKED_S.1).max(0.0);
    let length = (1.0 - LENGTH_COST * off).max(0.3);
    let start = talk.openings[run.first];
    let opens = if start == Opening::Fresh { 1.0 } else { 0.95 };
    let stands = if flaw(talk, run).is_none() { 1.0 } else { 0.6 };
    let mut signals = Signals::new(one_matter * length * opens * stands);
    signals.add(one_matter > 0.6, 0.0, "stays with one matter");
    signals.add(
        talk.changes[run.first] > 0.2,
        0.0,
        "begins where a matter begins",
    );
    signals.add(stands >= 1.0, 0.0, "needs nothing said before");
    signals.add(off <= 0.0, 0.0, format!("{seconds:.0} seconds long"));
    signals
}

fn value(talk: &Talk<'_>, run: Run, density: f64, on_topic: Option<f64>) -> Signals {
    let cues = talk.cues(run.first, run.last);
    let mut signals = Signals::new(0.8 * density - 1.0);
    signals.add(density > 0.5, 0.0, "brings up much of what is talked about");
    signals.add(
        on_topic.is_some_and(|closeness| closeness > 1.0),
        0.5,
        "close to the topics asked for",
    );
    signals.add(cues.per_hundred(cues.lesson) > 3.0, 0.2, "explains");
    signals.add(cues.numbers >= 2, 0.2, "gives numbers");
    signals
}

fn emotion(talk: &Talk<'_>, run: Run) -> Signals {
    let cues = talk.cues(run.first, run.last);
    let mut signals = Signals::new(-1.5);
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
    if let Some(sound) = sound_of(talk, run.first, run.last) {
        signals.add(sound.loudness > 0.7, 0.5, "a raised voice");
        signals.add(sound.movement > 0.7, 0.5, "a lively voice");
        signals.add(sound.rate > 0.7, 0.3, "fast speech");
        signals.add(sound.reaction_s > 0.0, 1.0, "laughter or applause");
    }
    signals
}

/// The loudest, liveliest, fastest and most answered of the sentences `first` to `last`, a mean over them for all but the reaction.
fn sound_of(talk: &Talk<'_>, first: usize, last: usize) -> Option<SentenceSound> {
    let sound = &talk.sound.as_ref()?[first..=last];
    let mean =
        |of: fn(&SentenceSound) -> f64| sound.iter().map(of).sum::<f64>() / sound.len() as f64;
    Some(SentenceSound {
        loudness: mean(|one| one.loudness),
        movement: mean(|one| one.movement),
        rate: mean(|one| one.rate),
        reaction_s: sound.iter().map(|one| one.reaction_s).sum(),
    })
}
