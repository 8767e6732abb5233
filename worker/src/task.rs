//! One attempt of a job of the service, from its claim to its outcome: what the container runs.

mod setting;
mod source;
mod words;

use std::{process::ExitCode, sync::Arc, time::Duration};

use aws::{Bucket, ChangeResult, Connection, JobTable, StoreError, TimeoutProfile};
use domain::{
    AttemptId, ErrorCode, Failure, FailureKind, Job, Outcome, OutcomeRecord, Stage, keys,
    limits::ATTEMPT_SECONDS,
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::sync::watch;
use tracing::Instrument;

use crate::{
    cli::Limits,
    config::Config,
    events::{Events, now},
    folder::Folder,
    leave_nothing,
    outputs::{Mirror, Outputs},
    pipeline::{self, Context},
    planner::LanguageModelConfig,
    progress::{News, Progress},
    setup::Home,
    stopped,
    supervise::Isolated,
    temporary::TemporaryFolder,
    watching,
};
use setting::Setting;

/// How long after a signal to stop everything has to be written; the machine is taken away soon after.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// How long the end may take to be told, with all that the receiver asks to wait for: Step Functions gives the task up ten minutes after the
/// attempt's own limit.
const LAST_EVENT: Duration = Duration::from_mins(9);

/// How the work on an attempt ended.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of them in a process"
)]
enum End {
    /// With something to write down.
    Outcome(Outcome),
    /// The job was stopped, deleted, or has a later attempt: nothing more is to be said of this one.
    Abandoned,
}

/// Runs a task to its end. It ends with 0 once the outcome is written or there is nothing to do, else with 1: then the attempt is
/// followed by another.
pub(crate) fn main(config: &Config) -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(config.log.as_deref().unwrap_or("info"))
        .init();
    let ended = watching().map_err(|why| why.to_string()).and_then(|runtime| {
        let setting = Setting::read(config).map_err(|why| why.to_string())?;
        let span = tracing::info_span!("task", job_id = %setting.of.job_id, attempt = setting.of.attempt);
        let ended = runtime.block_on(run(config, setting).instrument(span));
        // a name may still be looked up for a connection that nobody needs any more
        runtime.shutdown_background();
        ended.map_err(|why| why.to_string())
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!(%why, "the task ends without an outcome");
            ExitCode::FAILURE
        }
    }
}

/// Ends once a signal to stop has come, for everybody who waits for it, also later.
type Stop = Shared<BoxFuture<'static, ()>>;

/// Claims the attempt, works on it, writes the outcome, and only then says how it ended.
async fn run(config: &Config, setting: Setting) -> Result<(), StoreError> {
    let connection = Connection::open(TimeoutProfile::Task).await;
    let jobs = JobTable::new(&connection, &setting.jobs_table);
    let bucket = Bucket::new(&connection, &setting.bucket);
    let Some(job) = claim(&jobs, &setting).await? else {
        tracing::info!("the attempt is not ours to work on");
        return Ok(());
    };
    let mut events = setting.events();
    let stop: Stop = stopped().boxed().shared();
    let (setting, job) = (Arc::new(setting), Arc::new(job));
    let end = Box::pin(work(
        config,
        &setting,
        &job,
        &jobs,
        &bucket,
        events.as_mut(),
        stop.clone(),
    ))
    .await;
    let End::Outcome(outcome) = end else {
        tracing::info!("the job has no use for this attempt any more");
        leave_nothing_of_deleted(&jobs, &bucket, &setting).await;
        return Ok(());
    };
    let ended = OutcomeRecord {
        outcome,
        finished_at: now(),
    };
    let final_word = settles(&ended.outcome, &job);
    write_outcome(&bucket, &setting.of, &ended, stop.clone()).await?;
    tracing::info!(outcome = ?std::mem::discriminant(&ended.outcome), "outcome written");
    if let (true, Some(events)) = (final_word, events.as_mut()) {
        // what is not told in time is found in the outcome
        tokio::select! {
            () = events.end(&ended) => {}
            () = too_late(stop) => tracing::warn!("the task is stopped before its end was told"),
            () = tokio::time::sleep(LAST_EVENT) => tracing::warn!("the end was not told in time"),
        }
    }
    leave_nothing_of_deleted(&jobs, &bucket, &setting).await;
    Ok(())
}

/// A job that was deleted meanwhile has nothing stored, also not what was written since.
async fn leave_nothing_of_deleted(jobs: &JobTable, bucket: &Bucket, setting: &Setting) {
    let id = &setting.of.job_id;
    let left = async {
        // looked at before the question: a new job of the same id has stored none of it
        let stored = bucket.list(&keys::in_job(id, "")).await?;
        if matches!(claimed(jobs, setting).await?, ChangeResult::NotFound) {
            bucket.delete(&stored).await?;
        }
        Ok::<_, StoreError>(())
    };
    if let Err(why) = left.await {
        tracing::warn!(%why, "what a deleted job has stored may still be there");
    }
}

/// Whether the attempt is still this task's.
async fn claimed(jobs: &JobTable, setting: &Setting) -> Result<ChangeResult, StoreError> {
    let nothing = Job::verify_claim(&setting.of, &setting.task);
    jobs.change(&setting.of.job_id, &nothing).await
}

/// Ends when the attempt is of no use any more. Only the table knows: an answer to an event may be that of anything.
async fn of_no_use(jobs: &JobTable, setting: &Setting, told: impl Future<Output = ()>) {
    told.await;
    match claimed(jobs, setting).await {
        Ok(ChangeResult::Rejected(_) | ChangeResult::NotFound) => return,
        Ok(ChangeResult::Applied(_)) => {
            tracing::warn!(
                "the receiver of events is wrong about the job; progress is not told any more"
            );
        }
        Err(why) => tracing::warn!(%why, "it is not known whether the job goes on, so it does"),
    }
    std::future::pending::<()>().await;
}

/// Takes the attempt up; none if it is not the current one, or another task has it.
async fn claim(jobs: &JobTable, setting: &Setting) -> Result<Option<Job>, StoreError> {
    let change = Job::claim(&setting.of, &setting.task, now());
    Ok(match jobs.change(&setting.of.job_id, &change).await? {
        ChangeResult::Applied(job) => Some(*job),
        ChangeResult::Rejected(_) | ChangeResult::NotFound => None,
    })
}

/// The pipeline, on threads of its own, until it is done or something else ends it.
async fn work(
    config: &Config,
    setting: &Arc<Setting>,
    job: &Arc<Job>,
    jobs: &JobTable,
    bucket: &Bucket,
    events: Option<&mut Events>,
    stop: Stop,
) -> End {
    let (sender, news) = watch::channel(News::default());
    let address = |name: &str| {
        let name = keys::in_revision(job.revision, name);
        bucket.address(&keys::in_job(&job.id, &name))
    };
    let told = async {
        match events {
            Some(events) => events.follow(news.clone(), address).await,
            None => std::future::pending().await,
        }
    };
    let mut pipeline = {
        let (config, setting, job) = (config.clone(), setting.clone(), job.clone());
        let span = tracing::Span::current();
        Isolated::begin(move || async move {
            let progress = Progress::told(sender);
            clip(&config, &setting, &job, progress)
                .instrument(span)
                .await
        })
    };
    let mut is_done = false;
    let ended = tokio::select! {
        ended = pipeline.end() => {
            is_done = true;
            ended.unwrap_or_else(|why| Err(Failure::internal(stage_of(&news), why)))
        }
        () = of_no_use(jobs, setting, told) => Err(Failure::transient(stage_of(&news), ErrorCode::Canceled, "the attempt is of no use")),
        why = overdue(news.clone(), setting.stall) => Err(why),
        () = stop => Err(Failure::transient(stage_of(&news), ErrorCode::Internal, "the task was stopped before it was done")),
    };
    if !is_done && pipeline.stop().await.is_err() {
        tracing::warn!(stage = %stage_of(&news), "a stage does not stop; it ends with the process");
        leave_nothing();
    }
    match ended {
        Ok(outcome) => End::Outcome(with_urls(outcome, &address)),
        Err(failure) if failure.code == ErrorCode::Canceled => End::Abandoned,
        Err(failure) => {
            tracing::warn!(stage = %failure.stage, code = %failure.code, why = failure.message, "the attempt failed");
            End::Outcome(Outcome::from(&for_others(failure)))
        }
    }
}

/// Brings the source here and runs the pipeline, with the bucket behind its folder.
///
/// It has connections of its own: they are looked after by the runtime that opened them.
async fn clip(
    config: &Config,
    setting: &Setting,
    job: &Job,
    progress: Progress,
) -> Result<Outcome, Failure> {
    let connection = Connection::open(TimeoutProfile::Task).await;
    let bucket = &Bucket::new(&connection, &setting.bucket);
    let home = Home::find(config.home.clone());
    let model = home.speech_model()?;
    let internal = |why| Failure::internal(Stage::Download, why);
    let folder = TemporaryFolder::new().map_err(internal)?;
    let work = folder.path().canonicalize().map_err(internal)?;
    let context = Context {
        home,
        limits: Limits {
            allow_private_networks: setting.allow_private_sources,
            ..Limits::usual()
        },
        progress,
    };
    let folder = Folder::open(&work.join("out"), Stage::Download)?;
    let planned =
        pipeline::Job {
            source: source::bring(job, bucket, &work).await?,
            options: job.options.clone(),
            model,
            language_model: config.task.planner.clone().map(|(base_url, model)| {
                LanguageModelConfig {
                    base_url,
                    model,
                    api_key: config.planner_key.clone(),
                }
            }),
            edited_plan: source::edited_plan(job, bucket).await?,
        };
    let outputs = Outputs::in_bucket(folder, Mirror::new(bucket.clone(), job));
    let clipped = pipeline::clip(&context, &planned, &outputs).await;
    clipped.map_err(|failure| Failure {
        message: words::without_folder(&failure.message, &work),
        ..failure
    })
}

fn with_urls(outcome: Outcome, address: &impl Fn(&str) -> String) -> Outcome {
    match outcome {
        Outcome::Succeeded {
            output,
            stages,
            tools,
        } => Outcome::Succeeded {
            output: output.with_urls(address),
            stages,
            tools,
        },
        failed @ Outcome::Failed { .. } => failed,
    }
}

/// What an owner reads: of our own faults, that they are ours; the log has the rest.
fn for_others(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::Internal => {
            Failure::internal(failure.stage, "something went wrong on our side")
        }
        FailureKind::Input | FailureKind::Transient => failure,
    }
}

/// Whether nothing more will be tried after this outcome.
fn settles(outcome: &Outcome, job: &Job) -> bool {
    match outcome {
        Outcome::Succeeded { .. } => true,
        Outcome::Failed { retryable, .. } => !retryable || job.automatic_attempts_left == 0,
    }
}

async fn write_outcome(
    bucket: &Bucket,
    of: &AttemptId,
    ended: &OutcomeRecord,
    stop: Stop,
) -> Result<(), StoreError> {
    let key = keys::in_job(&of.job_id, &keys::attempt_outcome(of.attempt));
    let text =
        serde_json::to_vec_pretty(ended).map_err(|why| StoreError::Rejected(why.to_string()))?;
    tokio::select! {
        written = bucket.write_if_absent(&key, text) => written.map(drop),
        () = too_late(stop) => Err(StoreError::Timeout("the outcome is not written in time".to_owned())),
    }
}

/// Waits for the time by which everything has to be said after a signal to stop.
async fn too_late(stop: Stop) {
    stop.await;
    tokio::time::sleep(LAST_WORDS).await;
}

/// Waits until a stage stands still for `limit`, or all of it has taken too long.
async fn overdue(news: watch::Receiver<News>, limit: Duration) -> Failure {
    let timed_out = |stage, why| Failure::transient(stage, ErrorCode::TimedOut, why);
    tokio::select! {
        stage = stall(news.clone(), limit) => timed_out(stage, "nothing moved for too long"),
        () = tokio::time::sleep(Duration::from_secs(ATTEMPT_SECONDS)) => {
            timed_out(stage_of(&news), "the job took too long")
        }
    }
}

/// Waits until a stage stands still for `limit`; gives the stage.
async fn stall(mut news: watch::Receiver<News>, limit: Duration) -> Stage {
    loop {
        let before = news.borrow().moves;
        let moved = async { news.wait_for(|news| news.moves != before).await.map(drop) };
        match tokio::time::timeout(limit, moved).await {
            Ok(Ok(())) => {}
            // the pipeline is at its end
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => return stage_of(&news),
        }
    }
}

fn stage_of(news: &watch::Receiver<News>) -> Stage {
    news.borrow().stage.unwrap_or(Stage::Download)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_attempt_ends_at_its_limit() {
        let (sender, news) = watch::channel(News::default());
        let moving = async {
            loop {
                tokio::time::sleep(Duration::from_secs(50)).await;
                sender.send_modify(|news| news.moves += 1);
            }
        };
        let begun = tokio::time::Instant::now();
        let why = tokio::select! {
            why = overdue(news, Duration::from_mins(1)) => why,
            () = moving => unreachable!("it never ends"),
        };
        assert_eq!(
            (why.code, begun.elapsed().as_secs()),
            (ErrorCode::TimedOut, ATTEMPT_SECONDS)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stage_is_stuck_only_when_nothing_moves() {
        let (sender, news) = watch::channel(News::default());
        let progress = Progress::told(sender);
        let moving = async {
            for done in 1..=5 {
                tokio::time::sleep(Duration::from_secs(50)).await;
                progress.at(Stage::Render, f64::from(done) / 10.0, "Rendering...");
            }
            // a program that hangs may go on saying how far it is
            for second in 0.. {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let step = ["Rendering...", "Still rendering..."][second % 2];
                progress.at(Stage::Render, 0.5, step);
            }
        };
        let begun = tokio::time::Instant::now();
        let stuck = tokio::select! {
            stage = stall(news, Duration::from_mins(1)) => stage,
            () = moving => unreachable!("it never ends"),
        };
        assert_eq!(
            (stuck, begun.elapsed().as_secs()),
            (Stage::Render, 5 * 50 + 60)
        );
    }
}
