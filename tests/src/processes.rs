//! Processes that are left over.

use std::{fs, path::Path};

/// Command lines of the running processes that name `path`, other than that of the tests.
pub fn processes_naming(path: &Path) -> Vec<String> {
    let wanted = path.to_string_lossy().into_owned();
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|name| name != own && name.bytes().all(|b| b.is_ascii_digit()))
        })
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&wanted))
        .collect()
}
