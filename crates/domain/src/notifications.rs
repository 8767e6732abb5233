//! What the owner's open connections hear of a job: which changes are told, and their order.

use crate::{EventKind, Job, Status};

/// Above every running job's: a percentage and one.
const AT_ITS_END: u32 = 102;

impl Job {
    /// Place of the record among all that is told of its attempt. It rises with everything that [`notification`] tells, whichever way it came to
    /// the record, so that a listener drops what has an `(attempt, sequence)` at or below its last.
    pub fn sequence(&self) -> u32 {
        match self.status {
            Status::Queued => 0,
            Status::Running => 1 + self.progress_percent.min(100),
            Status::Succeeded | Status::Failed | Status::Canceled => AT_ITS_END,
        }
    }
}

/// What a change of a job's record is told as, if it is told: a start, a tenth of the way passed, an end. `before` is the record as it was.
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

/// Whether an attempt that runs is further than it was, if only by a percent.
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
    fn starts_tenths_and_ends_are_told_and_nothing_else() {
        use EventKind::{Completed, Failed, Progress, Started};
        use Status::{Canceled, Queued, Running, Succeeded};
        let running = |percent| at(1, Running, percent);
        let told = |before: Option<Job>, now: Job| notification(before.as_ref(), &now);
        assert_eq!(told(None, at(1, Queued, 0)), None);
        assert_eq!(told(Some(at(1, Queued, 0)), running(0)), Some(Started));
        assert_eq!(told(Some(running(9)), running(10)), Some(Progress));
        assert_eq!(told(Some(running(10)), running(19)), None);
        assert_eq!(told(Some(running(10)), running(45)), Some(Progress));
        assert_eq!(told(Some(running(45)), running(45)), None);
        assert_eq!(
            told(Some(running(45)), at(1, Succeeded, 100)),
            Some(Completed)
        );
        assert_eq!(told(Some(running(45)), at(1, Canceled, 45)), Some(Failed));
        assert_eq!(told(Some(at(1, Canceled, 45)), at(1, Canceled, 45)), None);
        assert_eq!(told(Some(running(45)), at(2, Queued, 0)), None);
        assert_eq!(
            told(Some(at(1, Canceled, 45)), at(2, Running, 0)),
            Some(Started)
        );
    }

    #[test]
    fn what_is_told_of_an_attempt_rises() {
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
