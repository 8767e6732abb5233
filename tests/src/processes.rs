//! Processes that are left over.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Command lines of the running processes that name `path`, other than that of the tests.
pub fn processes_naming(path: &Path) -> Vec<String> {
    naming(path).map(|(_, line)| line).collect()
}

/// The most memory that one of the running processes that name `path` has held so far, in bytes; 0 if there are none.
pub fn most_resident_bytes(path: &Path) -> u64 {
    let peaks = naming(path).filter_map(|(process, _)| {
        let status = fs::read_to_string(process.join("status")).ok()?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib = peak.split_whitespace().next()?.parse::<u64>().ok()?;
        Some(kib * 1024)
    });
    peaks.max().unwrap_or(0)
}

/// Folders in `/proc` of the processes that name `path`, and their command lines.
fn naming(path: &Path) -> impl Iterator<Item = (PathBuf, String)> {
    let wanted = path.to_string_lossy().into_owned();
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(move |entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| name != own && name.bytes().all(|b| b.is_ascii_digit()))
        })
        .filter_map(|entry| {
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            Some((entry.path(), line))
        })
        .filter(move |(_, line)| line.contains(&wanted))
}
