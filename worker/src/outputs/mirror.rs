//! The bucket behind a job's folder: finished stages are taken from it and kept in it, fenced by the attempt.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use aws::{Bucket, FencedWrite, Provenance, StoreError};
use domain::{AttemptId, ErrorCode, Failure, Fingerprint, Job, Stage, keys};

use super::stem;
use crate::folder::Folder;

/// The objects of one job, as one attempt sees them.
#[derive(Debug)]
pub(crate) struct Mirror {
    bucket: Bucket,
    of: AttemptId,
    /// Where this attempt's outputs go.
    revision: u32,
    /// Where the outputs lie that the owner has, if that is another edition: they are taken from there and never changed.
    finished: Option<u32>,
    /// What this attempt has taken or kept, and what it was made from.
    held: Mutex<BTreeMap<String, Fingerprint>>,
}

impl Mirror {
    /// The objects of a job's current attempt.
    pub(crate) fn new(bucket: Bucket, job: &Job) -> Self {
        let finished = bucket
            .finished_revision(job)
            .filter(|&finished| finished != job.revision);
        Self {
            bucket,
            of: AttemptId {
                job_id: job.id.clone(),
                attempt: job.attempt,
            },
            revision: job.revision,
            finished,
            held: Mutex::default(),
        }
    }

    /// Brings the files of an output to `to`, if they are all there and made from the same.
    pub(super) async fn fetch(
        &self,
        stage: Stage,
        names: &[String],
        made_from: &Fingerprint,
        to: &Path,
    ) -> Result<Option<Vec<(PathBuf, String)>>, Failure> {
        let own = self.fetch_from(self.revision, stage, names, made_from, to);
        if let Some(files) = own.await? {
            for name in names {
                self.hold(name, made_from);
            }
            return Ok(Some(files));
        }
        let Some(finished) = self.finished else {
            return Ok(None);
        };
        let there = self.fetch_from(finished, stage, names, made_from, to);
        let Some(files) = there.await? else {
            return Ok(None);
        };
        // each edition is whole by itself; the first file tells that an output is
        for (file, name) in files.iter().rev() {
            self.keep(stage, name, file, made_from).await?;
        }
        Ok(Some(files))
    }

    async fn fetch_from(
        &self,
        revision: u32,
        stage: Stage,
        names: &[String],
        made_from: &Fingerprint,
        to: &Path,
    ) -> Result<Option<Vec<(PathBuf, String)>>, Failure> {
        let mut files = Vec::with_capacity(names.len());
        for (number, name) in names.iter().enumerate() {
            let key = self.key_in(revision, name);
            // asked first, since what was made from something else would be brought here for nothing
            if !self.is_from(stage, &key, made_from).await? {
                return Ok(None);
            }
            let file = to.join(number.to_string());
            let fetched = self.bucket.download(&key, &file).await;
            let made_by = fetched.map_err(|why| failure(stage, &why))?;
            if made_by.is_none_or(|by| by.fingerprint != *made_from) {
                return Ok(None);
            }
            files.push((file, name.clone()));
        }
        Ok(Some(files))
    }

    /// Keeps a finished file.
    pub(super) async fn keep(
        &self,
        stage: Stage,
        name: &str,
        file: &Path,
        made_from: &Fingerprint,
    ) -> Result<(), Failure> {
        let by = Provenance {
            fingerprint: made_from.clone(),
            attempt: self.of.attempt,
        };
        let fence = self.key(keys::PLAN);
        match self
            .bucket
            .store_fenced(&self.key(name), file, &by, &fence)
            .await
        {
            Ok(FencedWrite::Written) => {
                self.hold(name, made_from);
                Ok(())
            }
            Ok(FencedWrite::Superseded) => Err(superseded(stage)),
            Err(why) => Err(failure(stage, &why)),
        }
    }

    /// Keeps once more what a worker of an older attempt has replaced since it was taken or kept: that one had looked at the fence before
    /// this attempt's plan was there. `folder` has the files.
    pub(super) async fn confirm(&self, stage: Stage, folder: &Folder) -> Result<(), Failure> {
        let held = self
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for (name, made_from) in held {
            if !self.is_from(stage, &self.key(&name), &made_from).await? {
                self.keep(stage, &name, &folder.path(&name), &made_from)
                    .await?;
            }
        }
        Ok(())
    }

    /// Removes objects below `prefix` that are not wanted, but for those that a later attempt has made.
    pub(super) async fn remove_others(
        &self,
        stage: Stage,
        prefix: &str,
        wanted: &[String],
    ) -> Result<(), Failure> {
        let failed = |why: StoreError| failure(stage, &why);
        let wanted: Vec<&str> = wanted.iter().map(|name| stem(name)).collect();
        let mut unwanted = Vec::new();
        for key in self
            .bucket
            .list(&self.key(&format!("{prefix}/")))
            .await
            .map_err(failed)?
        {
            if wanted.contains(&stem(&key)) {
                continue;
            }
            let made_by = self.bucket.provenance(&key).await.map_err(failed)?;
            if made_by.is_some_and(|by| by.attempt <= self.of.attempt) {
                unwanted.push(key);
            }
        }
        if unwanted.is_empty() {
            return Ok(());
        }
        // a later attempt may have another plan, and want clips that are older than this attempt
        let plan = self
            .bucket
            .provenance(&self.key(keys::PLAN))
            .await
            .map_err(failed)?;
        if plan.is_some_and(|by| by.attempt > self.of.attempt) {
            return Err(superseded(stage));
        }
        self.bucket.delete(&unwanted).await.map_err(failed)
    }

    /// Whether an object is there and was made from this.
    async fn is_from(
        &self,
        stage: Stage,
        key: &str,
        made_from: &Fingerprint,
    ) -> Result<bool, Failure> {
        let made_by = self.bucket.provenance(key).await;
        let made_by = made_by.map_err(|why| failure(stage, &why))?;
        Ok(made_by.is_some_and(|by| by.fingerprint == *made_from))
    }

    fn hold(&self, name: &str, made_from: &Fingerprint) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(name.to_owned(), made_from.clone());
    }

    fn key(&self, name: &str) -> String {
        self.key_in(self.revision, name)
    }

    fn key_in(&self, revision: u32, name: &str) -> String {
        keys::in_job(&self.of.job_id, &keys::in_revision(revision, name))
    }
}

/// A later attempt of the job is at work: this one has nothing more to say.
fn superseded(stage: Stage) -> Failure {
    Failure::transient(stage, ErrorCode::Canceled, "a later attempt has taken over")
}

/// A store that does not answer may do so the next time.
pub(crate) fn failure(stage: Stage, why: &StoreError) -> Failure {
    tracing::warn!(%why, %stage, "a store is not well");
    Failure::transient(stage, ErrorCode::Internal, "the store does not answer")
}
