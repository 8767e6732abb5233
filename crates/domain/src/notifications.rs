//! Notifications to the owner's open connections and callbacks: which changes of a job are published, and in which order.

use crate::{EventKind, Job, Status};

/// Sequence number of an ended job, above that of every running one (1 + percentage).
const ENDED: u32 = 102;

impl Job {
    /// Returns the position of this state among the notifications of its attempt. It increases with every change that [`notification`]
    /// publishes, so that a client can drop a message whose `(attempt, sequence)` is at or below the last it has seen.
    pub fn sequence(&self) -> u32 {
        match self.status {
            Status::Queued => 0,
            Status::Running => 1 + self.progress_percent.min(100),
            Status::Succeeded | Status::Failed | Status::Canceled => ENDED,
        }
    }
}

/// Returns the kind of event that a change of a job's record is published as: a start, each tenth of progress, an end; `None` if it is
/// not published. `before` is the record before the change.
pub fn notification(before: Option<&Job>, now: &Job) -> Option<EventKind> {
    let before = before.filter(|before| before.attempt == now.attempt);
    let tenth = |job: &Job| job.progress_percent / 10;
    match (before.map(|before| before.status), now.status) {
        (_, Status::Queued) => None,
        (Some(was), _) if was.is_terminal() => None,
        (Some(Status::Running), Status::Running) => before
            .is_some_and(|before| tenth(before) < tenth(now))
            .then_some(EventKind::Progress),
        (_, Status::Running) => Some(EventKind::Started),
        (_, Status::Succeeded) => Some(EventKind::Completed),
        (_, Status::Failed | Status::Canceled) => Some(EventKind::Failed),
    }
}

/// Returns whether a running attempt has progressed by at least one percent.
pub fn has_progressed(before: Option<&Job>, now: &Job) -> bool {
    let before = before.filter(|before| before.attempt == now.attempt);
    now.status == Status::Running
        && before.is_some_and(|before| before.progress_percent < now.progress_percent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::queued;

    fn at(attempt: u32, status: Status, progress_percent: u32) -> Job {
        Job {
            status,
            attempt,
            progress_percent,
            ..queued()
        }
    }

    #[test]
    fn only_starts_tenths_and_ends_are_published() {
        use EventKind::{Completed, Failed, Progress, Started};
        use Status::{Canceled, Queued, Running, Succeeded};
        let running = |percent| at(1, Running, percent);
        let published = |before: Option<Job>, now: Job| notification(before.as_ref(), &now);
        assert_eq!(published(None, at(1, Queued, 0)), None);
        assert_eq!(published(Some(at(1, Queued, 0)), running(0)), Some(Started));
        assert_eq!(published(Some(running(9)), running(10)), Some(Progress));
        assert_eq!(published(Some(running(10)), running(19)), None);
        assert_eq!(published(Some(running(10)), running(45)), Some(Progress));
        assert_eq!(published(Some(running(45)), running(45)), None);
        assert_eq!(
            published(Some(running(45)), at(1, Succeeded, 100)),
            Some(Completed)
        );
        assert_eq!(
            published(Some(running(45)), at(1, Canceled, 45)),
            Some(Failed)
        );
        assert_eq!(
            published(Some(at(1, Canceled, 45)), at(1, Canceled, 45)),
            None
        );
        assert_eq!(published(Some(running(45)), at(2, Queued, 0)), None);
        assert_eq!(
            published(Some(at(1, Canceled, 45)), at(2, Running, 0)),
            Some(Started)
        );
    }

    #[test]
    fn sequence_numbers_increase_within_an_attempt() {
        let course = [
            at(1, Status::Queued, 0),
            at(1, Status::Running, 0),
            at(1, Status::Running, 10),
            at(1, Status::Running, 100),
            at(1, Status::Canceled, 100),
        ];
        assert!(course.is_sorted_by(|one, next| one.sequence() < next.sequence()));
    }
}
