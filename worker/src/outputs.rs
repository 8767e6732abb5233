//! Where a pipeline's files go: a folder, and for a job of the service the bucket behind it.

mod mirror;

use std::path::{Path, PathBuf};

use domain::{Failure, Fingerprint, Stage};
use serde::Serialize;
use tempfile::TempDir;

use crate::folder::{Folder, write_json};

pub(crate) use mirror::{Mirror, failure};

/// A job's outputs: written once, taken again only if made from the same.
#[derive(Debug)]
pub(crate) struct Outputs {
    folder: Folder,
    mirror: Option<Mirror>,
}

impl Outputs {
    /// Outputs that stay on this machine.
    pub(crate) fn here(folder: Folder) -> Self {
        Self {
            folder,
            mirror: None,
        }
    }

    /// Outputs of a job of the service; the folder is only where they are made.
    pub(crate) fn in_bucket(folder: Folder, mirror: Mirror) -> Self {
        Self {
            folder,
            mirror: Some(mirror),
        }
    }

    /// The folder that they lie in, or are made in.
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Gives the folder back.
    pub(crate) fn into_folder(self) -> Folder {
        self.folder
    }

    /// Where a file of this name is, or would be.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    /// A fresh folder for one stage's half-written files; it is removed when dropped.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn scratch_for(&self, stage: Stage) -> Result<TempDir, Failure> {
        self.folder.scratch_for(stage)
    }

    /// The files of an output, if they are all there and were made from `made_from`.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub(crate) async fn take(
        &self,
        stage: Stage,
        names: &[String],
        made_from: &Fingerprint,
    ) -> Result<Option<Vec<PathBuf>>, Failure> {
        if let (None, Some(mirror)) = (self.folder.take(names, made_from), &self.mirror) {
            let scratch = self.folder.scratch_for(stage)?;
            if let Some(files) = mirror
                .fetch(stage, names, made_from, scratch.path())
                .await?
            {
                self.folder.keep(stage, &files, made_from)?;
            }
        }
        Ok(self.folder.take(names, made_from))
    }

    /// The content of an output of one file, if it was made from `made_from`.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub(crate) async fn read(
        &self,
        stage: Stage,
        name: &str,
        made_from: &Fingerprint,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let paths = self.take(stage, &[name.to_owned()], made_from).await?;
        Ok(paths.and_then(|paths| std::fs::read(&paths[0]).ok()))
    }

    /// Moves finished files to their names, the first one last, and records what they were made from.
    ///
    /// # Errors
    /// When a file cannot be moved, the bucket does not answer, or a later attempt has made them from something else.
    pub(crate) async fn keep(
        &self,
        stage: Stage,
        files: &[(PathBuf, String)],
        made_from: &Fingerprint,
    ) -> Result<(), Failure> {
        self.folder.keep(stage, files, made_from)?;
        let Some(mirror) = &self.mirror else {
            return Ok(());
        };
        // the first file tells that an output is whole
        for (_, name) in files.iter().rev() {
            mirror
                .keep(stage, name, &self.folder.path(name), made_from)
                .await?;
        }
        Ok(())
    }

    /// Writes a value as JSON under a name and records what it was made from.
    ///
    /// # Errors
    /// As [`Outputs::keep`].
    pub(crate) async fn keep_json(
        &self,
        stage: Stage,
        name: &str,
        value: &impl Serialize,
        made_from: &Fingerprint,
    ) -> Result<(), Failure> {
        let scratch = self.scratch_for(stage)?;
        let temporary = scratch.path().join("value.json");
        write_json(stage, &temporary, value)?;
        self.keep(stage, &[(temporary, name.to_owned())], made_from)
            .await
    }

    /// Makes sure that everything taken and kept is still there, before it is told of.
    ///
    /// # Errors
    /// When the bucket does not answer, or a later attempt has replaced something.
    pub(crate) async fn confirm(&self, stage: Stage) -> Result<(), Failure> {
        match &self.mirror {
            Some(mirror) => mirror.confirm(stage, &self.folder).await,
            None => Ok(()),
        }
    }

    /// Removes clips of earlier runs that are not in `wanted`.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub(crate) async fn remove_others(
        &self,
        stage: Stage,
        prefix: &str,
        wanted: &[String],
    ) -> Result<(), Failure> {
        self.folder.remove_others(stage, prefix, wanted)?;
        match &self.mirror {
            Some(mirror) => mirror.remove_others(stage, prefix, wanted).await,
            None => Ok(()),
        }
    }
}

/// The name of a file without its ending.
fn stem(name: &str) -> &str {
    Path::new(name)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or(name)
}
