//! How far a job is, for the person who waits for it.

use std::{
    collections::HashMap,
    io::IsTerminal,
    sync::Mutex,
    time::{Duration, Instant},
};

use domain::{ClipOutput, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::watch;

/// How the whole of a job is shared between its stages, in percent; measured on talks of ten minutes.
const SHARES: [(Stage, f64); 5] = [
    (Stage::Download, 5.0),
    (Stage::Transcribe, 20.0),
    (Stage::Plan, 3.0),
    (Stage::Render, 71.0),
    (Stage::Upload, 1.0),
];

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows how far a job is: a bar on a terminal, a line now and then elsewhere, nothing at all where it is not wanted.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    lines: bool,
    last: Mutex<Last>,
    news: Option<watch::Sender<News>>,
}

/// How far a job is, for those who are told of it over the network.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct News {
    /// Percent of the whole.
    pub(crate) percent: f64,
    pub(crate) stage: Option<Stage>,
    pub(crate) step: String,
    /// The clips that are there.
    pub(crate) clips: Vec<ClipOutput>,
    /// How many there will be, once that is known.
    pub(crate) total_clips: Option<usize>,
    /// Grows with each step forward, also one that is too small to be told; what is only said again is none.
    pub(crate) moves: u64,
}

#[derive(Debug)]
struct Last {
    percent: f64,
    step: String,
    written: Option<Instant>,
    /// How far each stage is: two may be at work at once.
    furthest: HashMap<Stage, f64>,
}

impl Last {
    /// Whether a stage is further than it ever was.
    fn moves(&mut self, stage: Stage, fraction: f64) -> bool {
        let furthest = self.furthest.entry(stage).or_insert(f64::NEG_INFINITY);
        let moves = fraction > *furthest;
        *furthest = furthest.max(fraction);
        moves
    }
}

impl Progress {
    /// Progress on standard error, unless `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(
            Some(1000),
            if quiet {
                ProgressDrawTarget::hidden()
            } else {
                ProgressDrawTarget::stderr()
            },
        );
        let style = ProgressStyle::with_template(
            "{bar:30.cyan/dim} {percent:>3}% {elapsed_precise} {wide_msg}",
        );
        bar.set_style(style.expect("the template is fixed and tested"));
        if terminal && !quiet {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self {
            bar,
            lines: !quiet && !terminal,
            last: Mutex::new(Last {
                percent: 0.0,
                step: String::new(),
                written: None,
                furthest: HashMap::new(),
            }),
            news: None,
        }
    }

    /// Progress that nobody watches here and `news` hears of.
    pub(crate) fn told(news: watch::Sender<News>) -> Self {
        Self {
            news: Some(news),
            ..Self::new(true)
        }
    }

    /// Says how many clips there will be.
    pub(crate) fn clips_due(&self, clips: usize) {
        if let Some(news) = &self.news {
            news.send_modify(|news| {
                news.total_clips = Some(clips);
                news.moves += 1;
            });
        }
    }

    /// Says that a clip is there.
    pub(crate) fn clip(&self, clip: ClipOutput) {
        if let Some(news) = &self.news {
            news.send_modify(|news| {
                news.clips.push(clip);
                news.moves += 1;
            });
        }
    }

    /// Says that `fraction` (0 to 1) of a stage is done, and what is being done. Never goes back.
    pub(crate) fn at(&self, stage: Stage, fraction: f64, step: &str) {
        let Ok(mut last) = self.last.lock() else {
            return;
        };
        last.percent = last.percent.max(percent(stage, fraction));
        let moves = last.moves(stage, fraction);
        if let Some(told) = &self.news {
            told.send_if_modified(|news| {
                let is_other = news.stage != Some(stage) || news.step != step;
                news.percent = last.percent;
                news.stage = Some(stage);
                step.clone_into(&mut news.step);
                news.moves += u64::from(moves);
                moves || is_other
            });
        }
        let news = last.step != step;
        step.clone_into(&mut last.step);
        self.bar.set_position((last.percent * 10.0) as u64);
        self.bar.set_message(step.to_owned());
        if self.lines && (news || last.written.is_none_or(|at| at.elapsed() >= LINE_EVERY)) {
            last.written = Some(Instant::now());
            eprintln!("{:>3.0}% {step}", last.percent);
        }
    }

    /// Takes the bar away, so that a result can be printed.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// How much of the whole job is done when `fraction` of a stage is.
fn percent(stage: Stage, fraction: f64) -> f64 {
    let before: f64 = SHARES
        .iter()
        .take_while(|(other, _)| *other != stage)
        .map(|(_, share)| share)
        .sum();
    let share = SHARES
        .iter()
        .find(|(other, _)| *other == stage)
        .map_or(0.0, |(_, share)| *share);
    before + share * fraction.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stages_fill_the_whole() {
        assert!((percent(Stage::Upload, 1.0) - 100.0).abs() < 1e-9);
        assert!((percent(Stage::Plan, 0.0) - percent(Stage::Transcribe, 1.0)).abs() < 1e-9);
    }

    #[test]
    fn it_never_goes_back() {
        let progress = Progress::new(true);
        progress.at(Stage::Render, 0.5, "rendering");
        progress.at(Stage::Download, 0.1, "downloading");
        assert_eq!(progress.bar.position(), 635);
    }
}
