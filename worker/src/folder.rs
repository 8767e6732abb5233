//! The folder that a job's files go to: written once, under a name that depends only on the stage, taken again only if made from the same.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use domain::{ErrorCode, Failure, Fingerprint, Stage};
use serde::Serialize;

/// Where fingerprints and half-written files live.
const HIDDEN: &str = ".clipwright";

/// A folder of outputs, held by this process alone.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    /// The folders that this run made, outermost first; they are taken away again if nothing comes of it.
    made: Vec<PathBuf>,
    _lock: File,
}

impl Folder {
    /// Opens or makes a folder, takes its lock and clears away what a killed run left half-written.
    ///
    /// # Errors
    /// When it cannot be written to, or another process works in it.
    pub(crate) fn open(root: &Path, stage: Stage) -> Result<Self, Failure> {
        let failed = |why: io::Error| Failure::io(stage, root, &why);
        let mut made = Vec::new();
        let locked = make_folder(&root.join(HIDDEN), &mut made)
            .map_err(failed)
            .and_then(|()| lock(root, stage));
        let lock = locked.inspect_err(|_| take_away(&made))?;
        let root = fs::canonicalize(root).map_err(failed)?;
        let folder = Self {
            root,
            made,
            _lock: lock,
        };
        folder.clear_scratch().map_err(failed)?;
        Ok(folder)
    }

    /// Where a file of this name is, or would be.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Where downloaded sources are kept.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.root.join(HIDDEN).join("downloads")
    }

    /// The folder for half-written files, on the same file system as the finished ones.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.root.join(HIDDEN).join("scratch")
    }

    /// A fresh folder for one stage's half-written files; it is removed when dropped.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn scratch_for(&self, stage: Stage) -> Result<tempfile::TempDir, Failure> {
        let scratch = self.scratch();
        tempfile::Builder::new()
            .prefix(stage.name())
            .tempdir_in(&scratch)
            .map_err(|why| Failure::io(stage, &scratch, &why))
    }

    /// The files of an output, if they are all there and were made from `made_from`.
    pub(crate) fn take(&self, names: &[String], made_from: &Fingerprint) -> Option<Vec<PathBuf>> {
        let recorded = fs::read_to_string(self.record(names.first()?)).ok()?;
        let paths: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        // captions of a clip in which nobody speaks are empty; an output's first file never is
        let first = fs::metadata(&paths[0]).is_ok_and(|meta| meta.len() > 0);
        let whole = first && paths.iter().all(|path| path.is_file());
        (whole && Fingerprint::from_text(&recorded) == *made_from).then_some(paths)
    }

    /// Moves finished files to their names and records what they were made from.
    ///
    /// The record is taken away first, so that a run killed between two moves leaves no output that claims to be whole.
    ///
    /// # Errors
    /// When a file cannot be moved.
    pub(crate) fn keep(
        &self,
        stage: Stage,
        files: &[(PathBuf, String)],
        made_from: &Fingerprint,
    ) -> Result<(), Failure> {
        let Some((_, first)) = files.first() else {
            return Ok(());
        };
        let record = self.record(first);
        let failed = |why: io::Error| Failure::io(stage, &self.path(first), &why);
        remove_if_there(&record).map_err(failed)?;
        for (from, name) in files {
            let to = self.path(name);
            to.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .map_err(failed)?;
            fs::rename(from, &to).map_err(failed)?;
        }
        self.write_record(&record, made_from).map_err(failed)
    }

    /// Writes a value as JSON under a name and records what it was made from.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn keep_json(
        &self,
        stage: Stage,
        name: &str,
        value: &impl Serialize,
        made_from: &Fingerprint,
    ) -> Result<PathBuf, Failure> {
        let scratch = self.scratch_for(stage)?;
        let temporary = scratch.path().join("value.json");
        write_json(stage, &temporary, value)?;
        self.keep(stage, &[(temporary, name.to_owned())], made_from)?;
        Ok(self.path(name))
    }

    /// Removes outputs of earlier runs below `prefix` that are not in `wanted`.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub(crate) fn remove_others(
        &self,
        stage: Stage,
        prefix: &str,
        wanted: &[String],
    ) -> Result<(), Failure> {
        let failed = |why: io::Error| Failure::io(stage, &self.path(prefix), &why);
        for entry in self.recorded(prefix).map_err(failed)? {
            let base = entry.trim_end_matches(".mp4");
            if wanted
                .iter()
                .any(|name| name.trim_end_matches(".mp4") == base)
            {
                continue;
            }
            for extension in ["mp4", "srt", "vtt", "jpg"] {
                remove_if_there(&self.path(&format!("{base}.{extension}"))).map_err(failed)?;
            }
            remove_if_there(&self.record(&entry)).map_err(failed)?;
        }
        Ok(())
    }

    /// Removes an output of an earlier run that does not hold any longer; a file of that name which is not ours stays.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(crate) fn forget(&self, stage: Stage, name: &str) -> Result<(), Failure> {
        let record = self.record(name);
        if !record.exists() {
            return Ok(());
        }
        remove_if_there(&self.path(name))
            .and_then(|()| remove_if_there(&record))
            .map_err(|why| Failure::io(stage, &self.path(name), &why))
    }

    /// After a failure: what was downloaded is of no use if nothing was made of it.
    pub(crate) fn abandon(self) {
        if self.is_bare() {
            // the failure is what the user hears of
            let _ = fs::remove_dir_all(self.downloads());
        }
    }

    /// Whether it holds nothing but our own notes.
    fn is_bare(&self) -> bool {
        fs::read_dir(&self.root)
            .is_ok_and(|entries| entries.flatten().all(|entry| entry.file_name() == HIDDEN))
    }

    fn clear_scratch(&self) -> io::Result<()> {
        let scratch = self.scratch();
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir_all(scratch)
    }

    /// Where it is recorded what the output with this first file was made from.
    fn record(&self, name: &str) -> PathBuf {
        self.root.join(HIDDEN).join("made_from").join(name)
    }

    fn write_record(&self, record: &Path, made_from: &Fingerprint) -> io::Result<()> {
        let temporary = self.scratch().join("record");
        fs::write(&temporary, made_from.to_string())?;
        record.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::rename(temporary, record)
    }

    fn recorded(&self, prefix: &str) -> io::Result<Vec<String>> {
        let records = self.record(prefix);
        if !records.is_dir() {
            return Ok(Vec::new());
        }
        let names = fs::read_dir(records)?
            .map(|entry| Ok(format!("{prefix}/{}", entry?.file_name().to_string_lossy())));
        names.collect()
    }
}

impl Drop for Folder {
    /// Takes it away if nothing came of it; a download is kept, so that a run that was stopped goes on with it.
    fn drop(&mut self) {
        let downloaded = fs::read_dir(self.downloads()).is_ok_and(|mut all| all.next().is_some());
        if self.is_bare() && !downloaded {
            let _ = fs::remove_dir_all(self.root.join(HIDDEN));
            take_away(&self.made);
        }
    }
}

/// Makes a folder and those above it, and notes which were not there, outermost first.
fn make_folder(path: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let missing: Vec<&Path> = path
        .ancestors()
        .take_while(|above| !above.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            Ok(()) => made.push(folder.to_owned()),
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

/// Removes folders that this run made; one that somebody else has begun to use in the meantime stays.
fn take_away(made: &[PathBuf]) {
    for folder in made.iter().rev() {
        let _ = fs::remove_dir(folder);
    }
}

fn lock(root: &Path, stage: Stage) -> Result<File, Failure> {
    let failed = |why: io::Error| Failure::io(stage, root, &why);
    let lock = File::create(root.join(HIDDEN).join("lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let busy = "another clipwright is at work in this folder";
            Err(Failure::internal(
                stage,
                format!("{}: {busy}", root.display()),
            ))
        }
        Err(TryLockError::Error(why)) => Err(failed(why)),
    }
}

/// Writes a value as indented JSON with a line end.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_json(stage: Stage, path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|why| Failure::internal(stage, why))?;
    text.push(b'\n');
    fs::write(path, text).map_err(|why| Failure::io(stage, path, &why))
}

/// Whether a failure is that the disk is full, by what a program said of it.
pub(crate) fn disk_full(stage: Stage, path: &Path) -> Failure {
    Failure {
        stage,
        kind: domain::FailureKind::Internal,
        code: ErrorCode::DiskFull,
        message: format!("{}: no space left on the disk", path.display()),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn an_output_is_taken_again_only_if_made_from_the_same() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(&temporary.path().join("out"), Stage::Plan).unwrap();
        let (old, new) = (Fingerprint::of(&"old"), Fingerprint::of(&"new"));
        folder
            .keep_json(Stage::Plan, "plan.json", &1, &old)
            .unwrap();
        assert!(folder.take(&names(&["plan.json"]), &old).is_some());
        assert!(folder.take(&names(&["plan.json"]), &new).is_none());
        fs::write(folder.path("plan.json"), "").unwrap();
        assert!(folder.take(&names(&["plan.json"]), &old).is_none());
    }

    #[test]
    fn a_second_process_is_kept_out_and_a_killed_one_leaves_nothing_half_written() {
        let temporary = tempfile::tempdir().unwrap();
        let first = Folder::open(temporary.path(), Stage::Plan).unwrap();
        assert!(
            Folder::open(temporary.path(), Stage::Plan)
                .unwrap_err()
                .message
                .contains("another")
        );
        fs::write(first.scratch().join("half"), "x").unwrap();
        drop(first);
        let second = Folder::open(temporary.path(), Stage::Plan).unwrap();
        assert_eq!(fs::read_dir(second.scratch()).unwrap().count(), 0);
    }

    #[test]
    fn an_abandoned_folder_goes_away_only_if_it_is_ours_and_empty() {
        let temporary = tempfile::tempdir().unwrap();
        let ours = temporary.path().join("ours");
        Folder::open(&ours.join("deep/er"), Stage::Plan)
            .unwrap()
            .abandon();
        assert!(!ours.exists());
        let theirs = temporary.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        Folder::open(&theirs, Stage::Plan).unwrap().abandon();
        assert_eq!(fs::read_dir(&theirs).unwrap().count(), 0);
    }

    #[test]
    fn clips_that_are_no_longer_wanted_go_and_strange_files_stay() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path(), Stage::Render).unwrap();
        for name in ["clips/clip_00", "clips/clip_01"] {
            let scratch = folder.scratch_for(Stage::Render).unwrap();
            let file = scratch.path().join("x");
            fs::write(&file, "x").unwrap();
            folder
                .keep(
                    Stage::Render,
                    &[(file, format!("{name}.mp4"))],
                    &Fingerprint::of(&name),
                )
                .unwrap();
        }
        fs::write(folder.path("clips/mine.mp4"), "x").unwrap();
        folder
            .remove_others(Stage::Render, "clips", &names(&["clips/clip_00.mp4"]))
            .unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path("clips"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["clip_00.mp4", "mine.mp4"]);
    }
}
