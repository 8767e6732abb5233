//! What a person sees of jobs that are followed: a bar each on a terminal, lines elsewhere, JSON for machines.

use std::{collections::HashMap, io::IsTerminal, time::Duration};

use domain::Status;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::frames::{Job, Shown};
use crate::report;

const TITLE_WIDTH: usize = 24;

/// Where it is shown.
#[derive(Debug)]
pub(super) struct Screen {
    json: bool,
    terminal: bool,
    all: MultiProgress,
    bars: HashMap<String, ProgressBar>,
    is_lost: bool,
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        Self {
            json,
            terminal: !json && std::io::stderr().is_terminal(),
            all: MultiProgress::new(),
            bars: HashMap::new(),
            is_lost: false,
        }
    }

    /// Says once that the connection is lost.
    pub(super) fn lost(&mut self, why: &str) {
        if !std::mem::replace(&mut self.is_lost, true) && !self.json {
            self.line(&format!("{why}; connecting again..."));
        }
    }

    /// Says once that it is there again.
    pub(super) fn found(&mut self) {
        if std::mem::take(&mut self.is_lost) && !self.json {
            self.line("connected again");
        }
    }

    /// Shows where a job stands.
    pub(super) fn show(&mut self, shown: &Shown) {
        if self.json {
            println!("{}", serde_json::json!(shown));
        } else if !self.terminal {
            eprintln!("{}", line(&shown.job));
        } else if shown.job.status.is_terminal() {
            if let Some(bar) = self.bars.remove(&shown.job.id) {
                bar.finish_and_clear();
            }
            self.line(&line(&shown.job));
        } else {
            self.bar(&shown.job);
        }
    }

    fn bar(&mut self, job: &Job) {
        let all = &self.all;
        let bar = self.bars.entry(job.id.clone()).or_insert_with(|| {
            let bar = all.add(ProgressBar::new(100));
            let style = ProgressStyle::with_template(
                "{prefix} {bar:30.cyan/dim} {percent:>3}% {elapsed_precise} {wide_msg}",
            );
            bar.set_style(style.expect("the template is fixed and tested"));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        bar.set_prefix(name(job));
        bar.set_position(u64::from(job.progress_percent));
        bar.set_message(job.current_step.replace(char::is_control, " "));
    }

    fn line(&self, text: &str) {
        if self.terminal {
            // above the bars
            let _ = self.all.println(text);
        } else {
            eprintln!("{text}");
        }
    }

    /// Takes the bars away, so that a result can be printed.
    pub(super) fn finish(&self) {
        let _ = self.all.clear();
    }

    /// The clips of a job that has ended well.
    pub(super) fn table(&self, job: &Job) {
        if !self.json {
            let clips = job.clips.iter().map(|clip| report::Row {
                rank: clip.rank.unwrap_or(0),
                start_ms: clip.start_ms.unwrap_or(0),
                end_ms: clip.end_ms.unwrap_or(0),
                duration_ms: clip.duration_ms,
                score: clip.virality_score,
                title: clip.title.as_deref().unwrap_or(""),
                file: None,
            });
            print!("{}", report::rows(clips.collect()));
        }
    }
}

fn line(job: &Job) -> String {
    let what = match job.status {
        Status::Failed | Status::Canceled => job.error_message.as_deref().unwrap_or(""),
        _ => &job.current_step,
    };
    let what = what.replace(char::is_control, " ");
    format!(
        "{} {:>3}% {:<9} {what}",
        name(job),
        job.progress_percent,
        job.status.name()
    )
}

/// What the source calls itself, else the last part of its address, else the end of the job's id.
fn name(job: &Job) -> String {
    let source = &job.source;
    let address = source
        .video_url
        .as_deref()
        .or(source.youtube_url.as_deref());
    let last_part = address.and_then(|address| address.trim_end_matches('/').rsplit('/').next());
    let id_end = job.id.rsplit('-').next();
    let name = source.title.as_deref().or(last_part).or(id_end);
    let name = name.unwrap_or(&job.id).replace(char::is_control, " ");
    let short: String = match name.char_indices().nth(TITLE_WIDTH) {
        Some(_) => name.chars().take(TITLE_WIDTH - 1).chain(['…']).collect(),
        None => name,
    };
    format!("{short:<TITLE_WIDTH$}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_has_a_name_before_its_title_is_known() {
        let named = |source: serde_json::Value| {
            let job = json!({"id": "0193-ab-cdef", "status": "failed", "progressPercent": 7, "progressStage": null, "currentStep": "",
                "source": source, "clips": [], "errorMessage": "no\nspeech", "errorCode": null});
            line(&serde_json::from_value(job).expect("a job"))
        };
        let tail = "  7% failed    no speech";
        let wanted = |name: &str| format!("{name:<TITLE_WIDTH$} {tail}");
        assert_eq!(named(json!({"title": "A talk"})), wanted("A talk"));
        let video = json!({"title": null, "videoUrl": "https://x.test/a/talk.mp4"});
        assert_eq!(named(video), wanted("talk.mp4"));
        assert_eq!(
            named(json!({"title": null, "uploadId": "u"})),
            wanted("cdef")
        );
        let long = json!({"title": "A second one that has a long title"});
        assert_eq!(named(long), wanted("A second one that has a…"));
    }
}
