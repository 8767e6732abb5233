//! Folders and files that are gone at the end, also at one where their holder does not answer any more.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Those that are there.
static THERE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Notes a path that has to be gone at the end, for as long as this is held.
#[derive(Debug)]
pub(crate) struct Noted(PathBuf);

impl Noted {
    pub(crate) fn new(path: &Path) -> Self {
        there(|paths| paths.insert(path.to_owned()));
        Self(path.to_owned())
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        there(|paths| paths.remove(&self.0));
    }
}

/// A folder that is removed when dropped.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    folder: tempfile::TempDir,
    _noted: Noted,
}

impl TemporaryFolder {
    /// Makes one where the system keeps such folders.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn new() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let noted = Noted::new(folder.path());
        Ok(Self {
            folder,
            _noted: noted,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes all that is there, right before the process ends.
pub(crate) fn remove_all() {
    for path in there(std::mem::take) {
        // what is left then is what a killed process leaves
        let _ = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
    }
}

fn there<T>(change: impl FnOnce(&mut BTreeSet<PathBuf>) -> T) -> T {
    change(&mut THERE.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_noted(path: &Path) -> bool {
        there(|paths| paths.contains(path))
    }

    #[test]
    fn a_folder_is_noted_for_as_long_as_it_is_there() {
        let folder = TemporaryFolder::new().unwrap();
        let path = folder.path().to_owned();
        assert!(path.is_dir() && is_noted(&path));
        drop(folder);
        assert!(!path.exists() && !is_noted(&path));
    }
}
