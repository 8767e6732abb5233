//! The programs that this one starts: what each may use, and that none outlives its use.

use std::{
    collections::BTreeSet,
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::limits::{
    CHILD_BASE_SECONDS, CHILD_SECONDS_PER_AUDIO_SECOND, CHILD_SECONDS_PER_VIDEO_SECOND,
};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getrlimit, kill_process_group, set_parent_process_death_signal,
    setrlimit,
};
use tokio::{
    process::{Child, Command},
    task::JoinHandle,
};

/// The process groups at work, by their leaders.
static AT_WORK: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// How long a program may take that only looks at a file.
pub(crate) fn time_to_look() -> Duration {
    Duration::from_secs(CHILD_BASE_SECONDS)
}

/// How long a program may take that goes through so many milliseconds of pictures.
pub(crate) fn time_for_pictures(ms: u64) -> Duration {
    time_to_look() + Duration::from_millis(ms.saturating_mul(CHILD_SECONDS_PER_VIDEO_SECOND))
}

/// How long a program may take that goes through so many milliseconds of sound, at the pace of whoever listens.
pub(crate) fn time_for_sound(ms: u64) -> Duration {
    time_to_look() + Duration::from_millis(ms.saturating_mul(CHILD_SECONDS_PER_AUDIO_SECOND))
}

/// A program with whatever it started, which end with this.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
    leader: Option<Pid>,
}

impl Group {
    /// Starts a program as a group of its own that has `memory_bytes` at most in each of its processes.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(command: &mut Command, memory_bytes: u64) -> std::io::Result<Self> {
        hold(command, memory_bytes);
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let leader = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(leader) = leader {
            at_work(|groups| groups.insert(leader.as_raw_nonzero().get()));
        }
        Ok(Self { child, leader })
    }

    /// Ends the group once it has been at work for `time`.
    pub(crate) fn end_after(&self, time: Duration) -> Timer {
        let passed = Arc::new(AtomicBool::new(false));
        let (leader, told) = (self.leader, passed.clone());
        let task = tokio::spawn(async move {
            tokio::time::sleep(time).await;
            told.store(true, Ordering::Relaxed);
            if let Some(leader) = leader {
                at_work(|groups| end_if(groups.contains(&leader.as_raw_nonzero().get()), leader));
            }
        });
        Timer { time, passed, task }
    }
}

impl Deref for Group {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for Group {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let Some(leader) = self.leader else { return };
        at_work(|groups| {
            groups.remove(&leader.as_raw_nonzero().get());
            // once it has been waited for, its number may be somebody else's
            end_if(self.child.id().is_some(), leader);
        });
    }
}

/// Ends a group when its time has passed.
#[derive(Debug)]
pub(crate) struct Timer {
    /// The time that it has.
    pub(crate) time: Duration,
    passed: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Timer {
    /// Whether the time has passed.
    pub(crate) fn has_passed(&self) -> bool {
        self.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends every program at work, whoever holds it: what is left to do where its holder does not answer any more.
pub(crate) fn end_all() {
    at_work(|groups| {
        for leader in groups.iter().filter_map(|&leader| Pid::from_raw(leader)) {
            end_if(true, leader);
        }
    });
}

fn at_work<T>(change: impl FnOnce(&mut BTreeSet<i32>) -> T) -> T {
    change(&mut AT_WORK.lock().unwrap_or_else(PoisonError::into_inner))
}

fn end_if(wanted: bool, leader: Pid) {
    if wanted {
        // it may have ended by itself just now
        let _ = kill_process_group(leader, Signal::KILL);
    }
}

/// Makes a program end when this one is killed, which leaves it no time to end anything itself, and bounds its memory.
///
/// The system looks at the thread that starts the program; those of the runtime last as long as it does. What is bounded is
/// the data that a process writes, not its address space, most of which threads and allocators only set aside.
#[expect(
    unsafe_code,
    reason = "what runs between fork and exec must not touch memory that other threads may hold locks on"
)]
fn hold(command: &mut Command, memory_bytes: u64) {
    // a lower limit that somebody set before stays
    let most = getrlimit(Resource::Data)
        .maximum
        .map_or(memory_bytes, |before| before.min(memory_bytes));
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    let ask = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        Ok(setrlimit(Resource::Data, limit)?)
    };
    // SAFETY: two system calls, which allocate nothing and take no lock
    unsafe { command.pre_exec(ask) };
}

#[cfg(test)]
mod tests {
    use std::{process::Stdio, time::Instant};

    use domain::limits::CHILD_MEMORY_BYTES;
    use tokio::io::AsyncReadExt;

    use super::*;

    fn shell(script: &str, memory_bytes: u64) -> Group {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        Group::start(&mut command, memory_bytes).unwrap()
    }

    async fn said(group: &mut Group) -> String {
        let mut text = String::new();
        let mut stdout = group.stdout.take().unwrap();
        stdout.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn a_program_has_the_memory_of_the_limit_and_no_more() {
        let mut group = shell("ulimit -d", CHILD_MEMORY_BYTES);
        assert_eq!(
            said(&mut group).await.trim(),
            (CHILD_MEMORY_BYTES / 1024).to_string()
        );
        let doubled = "x=0123456789abcdef; while :; do x=$x$x; done";
        let mut group = shell(doubled, 64 << 20);
        assert!(!group.wait().await.unwrap().success());
    }

    #[tokio::test]
    async fn a_program_has_the_time_of_its_source_and_no_more() {
        assert_eq!(
            time_for_pictures(0),
            Duration::from_secs(CHILD_BASE_SECONDS)
        );
        assert_eq!(
            time_for_pictures(2_000),
            Duration::from_secs(CHILD_BASE_SECONDS + 2 * CHILD_SECONDS_PER_VIDEO_SECOND)
        );
        assert_eq!(
            time_for_sound(2_000),
            Duration::from_secs(CHILD_BASE_SECONDS + 2 * CHILD_SECONDS_PER_AUDIO_SECOND)
        );
        let mut group = shell("sleep 60", CHILD_MEMORY_BYTES);
        let timer = group.end_after(Duration::from_millis(100));
        let begun = Instant::now();
        assert!(!group.wait().await.unwrap().success());
        assert!(timer.has_passed() && begun.elapsed() < Duration::from_secs(30));
    }

    #[tokio::test]
    async fn a_timer_that_is_dropped_ends_nothing() {
        let mut group = shell("sleep 0.3", CHILD_MEMORY_BYTES);
        drop(group.end_after(Duration::from_millis(50)));
        assert!(group.wait().await.unwrap().success());
    }

    #[tokio::test]
    async fn what_a_program_started_ends_with_it() {
        let mut group = shell("sleep 60 & echo $!; wait", CHILD_MEMORY_BYTES);
        let mut number = [0; 16];
        let read = group.stdout.as_mut().unwrap().read(&mut number).await;
        let number = String::from_utf8_lossy(&number[..read.unwrap()]).into_owned();
        drop(group);
        let status = format!("/proc/{}/status", number.trim());
        let gone = || std::fs::read_to_string(&status).map_or(true, |text| text.contains("Z (zo"));
        let until = Instant::now() + Duration::from_secs(10);
        while !gone() {
            assert!(Instant::now() < until, "{number} is still there");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
