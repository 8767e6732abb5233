//! Files that commands read and write, and what they print.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

use domain::{Failure, Stage, Transcript};

use crate::{
    folder::write_json,
    source::{unreadable, unusable},
    temporary::{Noted, TemporaryFolder},
};

/// Reads a `transcript.json`.
///
/// # Errors
/// When it cannot be read or is no transcript.
pub(super) fn read_transcript(path: &Path) -> Result<Transcript, Failure> {
    read(path).and_then(|bytes| {
        Transcript::from_json(&bytes).map_err(|why| unusable(Stage::Plan, path, &why))
    })
}

/// Reads a file that the user named.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|why| unreadable(Stage::Plan, path, &why))
}

/// Creates a folder for downloads that is removed at the end.
///
/// # Errors
/// When there is no room for it.
pub(super) fn temporary_folder(stage: Stage) -> Result<TemporaryFolder, Failure> {
    TemporaryFolder::new().map_err(|why| Failure::internal(stage, why))
}

/// An output file that appears whole or not at all. It is opened before the work begins, so that a path that cannot be written fails at
/// once and not after minutes.
pub(super) struct OutputFile<'a> {
    stage: Stage,
    path: &'a Path,
    file: tempfile::NamedTempFile,
    _noted: Noted,
}

impl<'a> OutputFile<'a> {
    /// Opens a temporary file beside `path`.
    ///
    /// # Errors
    /// When the folder is not there or cannot be written.
    pub(super) fn open(stage: Stage, path: &'a Path) -> Result<Self, Failure> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = tempfile::Builder::new()
            .prefix(".clipwright-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(|why| Failure::io(stage, path, &why))?;
        let noted = Noted::new(file.path());
        Ok(Self {
            stage,
            path,
            file,
            _noted: noted,
        })
    }

    /// Writes the value as JSON and gives the file its name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(self, value: &impl serde::Serialize) -> Result<(), Failure> {
        write_json(self.stage, self.file.path(), value)?;
        self.file
            .persist(self.path)
            .map(drop)
            .map_err(|why| Failure::io(self.stage, self.path, &why.error))
    }
}

/// Prints a value as JSON on standard output.
///
/// # Errors
/// When it is no JSON.
pub(super) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|why| Failure::internal(Stage::Upload, why))?;
    println!("{text}");
    Ok(())
}
