//! What is known of the jobs that are followed, so that nothing is shown twice.

use std::collections::HashMap;

use super::frames::Shown;

/// Which jobs are followed, and where each stood when it was told of last.
#[derive(Debug, Default)]
pub(super) struct Seen {
    only: Option<String>,
    /// Attempt and sequence by the job's id.
    last: HashMap<String, (u32, u32)>,
    /// The same of those that had ended before.
    ended_before: HashMap<String, (u32, u32)>,
    snapshots: usize,
}

impl Seen {
    /// Nothing yet; of one job, or of all of the owner's.
    pub(super) fn new(only: Option<String>) -> Self {
        Self {
            only,
            ..Self::default()
        }
    }

    /// The one job that is followed.
    pub(super) fn only(&self) -> Option<&str> {
        self.only.as_deref()
    }

    /// How many snapshots have come as a whole.
    pub(super) fn snapshots(&self) -> usize {
        self.snapshots
    }

    /// What is new in a part of a snapshot; `more` parts are to come. Jobs that had ended before all watching began are of no interest,
    /// unless one of them was asked for; one that ended just then is told of besides.
    pub(super) fn snapshot(&mut self, jobs: Vec<Shown>, more: bool) -> Vec<Shown> {
        if self.only.is_none() && self.snapshots == 0 {
            let is_over = |shown: &&Shown| {
                shown.job.status.is_terminal() && !self.last.contains_key(&shown.job.id)
            };
            let ended = jobs.iter().filter(is_over);
            let places = ended.map(|shown| (shown.job.id.clone(), place(shown)));
            self.ended_before.extend(places);
        }
        self.snapshots += usize::from(!more);
        let is_old = |shown: &Shown| self.ended_before.get(&shown.job.id) == Some(&place(shown));
        let (_, jobs): (Vec<_>, Vec<_>) = jobs.into_iter().partition(is_old);
        jobs.into_iter()
            .filter_map(|shown| self.news(shown))
            .collect()
    }

    /// Gives what is told back if it was not known.
    pub(super) fn news(&mut self, shown: Shown) -> Option<Shown> {
        let last = self.last.get(&shown.job.id);
        if last.is_some_and(|last| *last >= place(&shown)) {
            return None;
        }
        self.last.insert(shown.job.id.clone(), place(&shown));
        Some(shown)
    }
}

fn place(shown: &Shown) -> (u32, u32) {
    (shown.attempt, shown.sequence)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(id: &str, sequence: u32, status: &str) -> Shown {
        let job = json!({"id": id, "status": status, "progressPercent": 0, "progressStage": null, "currentStep": "", "source": {"title": null},
            "clips": [], "errorMessage": null, "errorCode": null});
        serde_json::from_value(json!({"attempt": 1, "sequence": sequence, "job": job}))
            .expect("a job")
    }

    fn ids(shown: &[Shown]) -> Vec<&str> {
        shown.iter().map(|shown| shown.job.id.as_str()).collect()
    }

    #[test]
    fn what_is_told_again_or_late_is_not_new() {
        let mut seen = Seen::new(None);
        assert!(seen.news(shown("a", 11, "running")).is_some());
        assert!(seen.news(shown("a", 11, "running")).is_none());
        assert!(seen.news(shown("a", 1, "running")).is_none());
        assert!(seen.news(shown("b", 1, "running")).is_some());
        assert!(seen.news(shown("a", 102, "succeeded")).is_some());
    }

    #[test]
    fn what_ended_before_is_passed_over_and_what_ended_meanwhile_is_not() {
        let mut seen = Seen::new(None);
        let first = vec![shown("old", 102, "failed"), shown("a", 1, "running")];
        assert_eq!(ids(&seen.snapshot(first, true)), ["a"]);
        let rest = vec![shown("older", 102, "failed")];
        assert_eq!(ids(&seen.snapshot(rest, false)), [""; 0]);
        let just_then = seen.news(shown("older", 102, "failed"));
        assert!(just_then.is_some(), "it ended while the snapshot was made");
        let again = vec![
            shown("new", 102, "succeeded"),
            shown("a", 102, "succeeded"),
            shown("old", 102, "failed"),
        ];
        assert_eq!(ids(&seen.snapshot(again, false)), ["new", "a"]);
    }

    #[test]
    fn what_ends_while_its_first_snapshot_comes_in_parts_is_shown() {
        let mut seen = Seen::new(None);
        assert_eq!(
            ids(&seen.snapshot(vec![shown("a", 1, "running")], true)),
            ["a"]
        );
        let again = vec![shown("a", 102, "failed"), shown("old", 102, "failed")];
        assert_eq!(ids(&seen.snapshot(again, false)), ["a"]);
    }

    #[test]
    fn the_one_job_is_shown_even_if_it_has_ended() {
        let mut seen = Seen::new(Some("a".to_owned()));
        let ended = vec![shown("a", 102, "failed")];
        assert_eq!(ids(&seen.snapshot(ended, false)), ["a"]);
    }
}
