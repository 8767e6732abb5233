//! A machine that is not as it should be: no room, no right to write, parts of the set-up missing or altered.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use domain::ErrorCode::{DiskFull, Internal, SetupMissing};
use tests::home;

use crate::trial::{Trial, talk};

/// A small file system of its own, gone at the end.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// None where the user may not mount anything.
    pub(crate) fn mount(path: PathBuf, options: &str) -> Option<Self> {
        fs::create_dir(&path).expect("a folder");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "none"])
            .arg(&path)
            .output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(Self(path));
        }
        eprintln!("skipped: only root may mount a file system of {options}");
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

/// Fills up in the middle of the encoding; the transcript and the plan still fit, and stay for the next run.
#[test]
fn a_disk_that_fills_up_while_a_clip_is_made() {
    let trial = Trial::new();
    let Some(_disk) = Disk::mount(trial.path("disk"), "size=200k") else {
        return;
    };
    let source = talk().to_str().expect("a plain path");
    let args = ["clip", source, "--out", "disk/out", "--aspect-ratio", "1:1"];
    let line = trial.refused_but(&mut trial.command(args), DiskFull, |left| {
        let visible: Vec<_> = left
            .iter()
            .filter(|path| !path.to_string_lossy().contains(".clipwright"))
            .collect();
        assert_eq!(
            visible,
            [
                Path::new("disk"),
                Path::new("disk/out"),
                Path::new("disk/out/plan.json"),
                Path::new("disk/out/transcript.json"),
                Path::new("tmp")
            ]
        );
        assert!(
            !left
                .iter()
                .any(|path| path.to_string_lossy().contains("scratch/")),
            "{left:?}"
        );
    });
    assert!(line.contains("no space left"), "{line}");
}

#[test]
fn a_disk_that_is_full_from_the_start() {
    let trial = Trial::new();
    let Some(_disk) = Disk::mount(trial.path("disk"), "size=16k") else {
        return;
    };
    trial.write("disk/filler", [0; 16 << 10]);
    let source = talk().to_str().expect("a plain path");
    trial.refused(
        &mut trial.command(["clip", source, "--out", "disk/out"]),
        DiskFull,
    );
    trial.refused(
        &mut trial.command(["transcribe", source, "-o", "disk/transcript.json"]),
        DiskFull,
    );
}

#[test]
fn a_folder_that_cannot_be_written_to() {
    let trial = Trial::new();
    trial.write("file", "");
    let source = talk().to_str().expect("a plain path");
    for out in ["file", "file/out", "/proc/out", "/proc/self/fd/out"] {
        trial.refused(&mut trial.command(["clip", source, "--out", out]), Internal);
    }
    for out in [
        "file/transcript.json",
        "tmp",
        "no/such/folder/transcript.json",
    ] {
        trial.refused(
            &mut trial.command(["transcribe", source, "-o", out]),
            Internal,
        );
    }
    let Some(_disk) = Disk::mount(trial.path("disk"), "ro") else {
        return;
    };
    let line = trial.refused(
        &mut trial.command(["clip", source, "--out", "disk/out"]),
        Internal,
    );
    assert!(
        line.contains("disk/out: ") && line.contains("Read-only"),
        "{line}"
    );
}

#[test]
fn a_set_up_with_parts_missing() {
    let trial = Trial::new();
    let source = talk().to_str().expect("a plain path");
    for part in [
        "bin/ffmpeg",
        "bin/ffprobe",
        "models/whisper-base",
        "models/whisper-base/model.bin",
        "models/silero-vad",
        "models/minilm",
        "fonts",
    ] {
        let home = trial.path("home");
        copy_by_links(&self::home(), &home, part);
        let mut command = trial.command(["clip", source, "--out", "out"]);
        let line = trial.refused_but(command.env("CLIPWRIGHT_HOME", "home"), SetupMissing, |_| {});
        let name = part.rsplit('/').next().expect("a name");
        assert!(line.contains(name), "{part}: {line}");
        fs::remove_dir_all(&home).expect("it was there");
        let _ = fs::remove_dir_all(trial.path("out"));
    }
    let mut command = trial.command(["clip", source, "--out", "out"]);
    let line = trial.refused(command.env("CLIPWRIGHT_HOME", "nowhere"), SetupMissing);
    assert!(line.contains("make setup"), "{line}");
}

#[test]
fn a_model_that_is_not_the_one_released() {
    let trial = Trial::new();
    let source = talk().to_str().expect("a plain path");
    for part in [
        "models/whisper-base/model.bin",
        "models/whisper-base/config.json",
        "models/silero-vad/model.onnx",
    ] {
        let home = trial.path("home");
        copy_by_links(&self::home(), &home, part);
        let mut altered = fs::read(self::home().join(part)).expect("a model");
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        fs::write(home.join(part), altered).expect("a file");
        let mut command = trial.command(["clip", source, "--out", "out"]);
        let line = trial.refused(command.env("CLIPWRIGHT_HOME", "home"), SetupMissing);
        assert!(line.contains(part) && line.contains("make setup"), "{line}");
        fs::remove_dir_all(&home).expect("it was there");
    }
}

#[test]
fn a_model_folder_of_the_user_without_a_model() {
    let trial = Trial::new();
    let source = talk().to_str().expect("a plain path");
    for model in ["nowhere", "tmp"] {
        let args = ["clip", source, "--out", "out", "--model", model];
        trial.refused(&mut trial.command(args), SetupMissing);
    }
}

/// The set-up again, by links, without the file or folder `without`.
fn copy_by_links(from: &Path, to: &Path, without: &str) {
    fs::create_dir(to).expect("a folder");
    let (first, rest) = without
        .split_once('/')
        .map_or((without, None), |(first, rest)| (first, Some(rest)));
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let copy = to.join(entry.file_name());
        if entry.file_name() != *first {
            symlink(entry.path(), copy).expect("a link");
        } else if let Some(rest) = rest {
            copy_by_links(&entry.path(), &copy, rest);
        }
    }
}

/// The kernels of MKL divide by zero on some virtual processors, so they are used on none.
#[test]
fn the_speech_library_never_computes_with_mkl() {
    let trial = Trial::new();
    let source = talk().to_str().expect("a plain path");
    let mut command = trial.command(["transcribe", source, "-o", "words.json"]);
    command.env_remove("CT2_USE_MKL").env("CT2_VERBOSE", "1");
    let ran = tests::Ran::of(&mut command).well();
    assert!(
        ran.stderr.contains("Use Intel MKL: false"),
        "{}",
        ran.stderr
    );
}
