//! The work runs on threads of its own, so that whoever watches over it hears of a stop, a cancellation or a limit whatever
//! the work does, even if it never waits for anything.

use std::{future::Future, time::Duration};

use tokio::{
    runtime::Builder,
    sync::oneshot::{self, error::RecvError},
};

/// How long work has to end after it was asked to; it ends at its next step, and only one that computes for longer does not.
pub(crate) const GRACE: Duration = Duration::from_millis(1500);

/// Work that goes on by itself. Dropped, it is asked to stop and not waited for.
#[derive(Debug)]
pub(crate) struct Isolated<T> {
    ended: oneshot::Receiver<T>,
    stop: oneshot::Sender<()>,
}

/// Work ended without a result: its thread panicked or could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the work broke off")]
pub(crate) struct ConnectionLost;

/// Work does not stop.
#[derive(Debug, thiserror::Error)]
#[error("the work does not stop")]
pub(crate) struct Unresponsive;

impl<T: Send + 'static> Isolated<T> {
    /// Begins work on threads of its own, with a runtime of its own.
    pub(crate) fn begin<F>(work: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = T>,
    {
        let (end, ended) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let began = std::thread::Builder::new()
            .name("work".to_owned())
            .spawn(move || {
                if let Some(result) = run(work, stopped) {
                    // nobody waits for work that was given up
                    let _ = end.send(result);
                }
            });
        if let Err(why) = began {
            tracing::error!(%why, "no thread can be started");
        }
        Self { ended, stop }
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When there is no result.
    pub(crate) async fn end(&mut self) -> Result<T, ConnectionLost> {
        (&mut self.ended)
            .await
            .map_err(|RecvError { .. }| ConnectionLost)
    }

    /// Asks the work to stop, by dropping it, and gives its result if it came to its end before it heard of that.
    ///
    /// # Errors
    /// When it has not heard of it within the [`GRACE`]: the process has to end for the work to end.
    pub(crate) async fn stop(self) -> Result<Option<T>, Unresponsive> {
        // it may have ended just now
        let _ = self.stop.send(());
        match tokio::time::timeout(GRACE, self.ended).await {
            Ok(ended) => Ok(ended.ok()),
            Err(_) => Err(Unresponsive),
        }
    }
}

/// Runs work to its end, or until it is told to stop or nobody is left to tell: then there is no result.
fn run<T, F: Future<Output = T>>(
    work: impl FnOnce() -> F,
    stopped: oneshot::Receiver<()>,
) -> Option<T> {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .inspect_err(|why| tracing::error!(%why, "no runtime can be started"))
        .ok()?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = work() => Some(result),
            _ = stopped => None,
        }
    });
    // recognition runs on a thread of its own and may be in the middle of a batch
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc,
        thread,
        time::{Duration, Instant},
    };

    use super::*;

    /// More than the grace, by as much as a busy machine needs.
    const SOON: Duration = Duration::from_secs(10);
    const LONG: Duration = Duration::from_mins(10);

    /// Work that never waits for anything.
    fn busy(begun: &mpsc::Sender<()>) {
        begun.send(()).unwrap();
        let until = Instant::now() + LONG;
        while Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[tokio::test]
    async fn work_that_ends_gives_its_result() {
        let mut work = Isolated::begin(|| async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            7
        });
        assert_eq!(work.end().await.unwrap(), 7);
        let mut broken = Isolated::<()>::begin(|| async { panic!("as a stage never should") });
        assert!(broken.end().await.is_err());
    }

    #[tokio::test]
    async fn work_that_comes_to_its_end_all_the_same_has_its_result() {
        let (sender, begun) = mpsc::channel();
        let work = Isolated::begin(move || async move {
            sender.send(()).unwrap();
            thread::sleep(Duration::from_millis(200));
            7
        });
        begun.recv().unwrap();
        assert_eq!(work.stop().await.unwrap(), Some(7));
    }

    #[tokio::test]
    async fn a_stop_is_heard_while_the_work_waits_for_nothing() {
        let (sender, begun) = mpsc::channel();
        let mut work = Isolated::begin(move || async move { busy(&sender) });
        begun.recv().unwrap();
        let asked = Instant::now();
        tokio::select! {
            _ = work.end() => panic!("it goes on for long"),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        assert!(work.stop().await.is_err(), "it cannot have stopped");
        assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    }

    #[tokio::test]
    async fn work_that_waits_is_dropped_and_what_it_holds_with_it() {
        struct Held(mpsc::Sender<()>);
        impl Drop for Held {
            fn drop(&mut self) {
                self.0.send(()).unwrap();
            }
        }
        let (sender, dropped) = mpsc::channel();
        let work = Isolated::begin(move || async move {
            let _held = Held(sender);
            std::future::pending::<()>().await;
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(work.stop().await.unwrap().is_none());
        dropped.recv_timeout(SOON).unwrap();
    }
}
