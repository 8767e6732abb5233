//! How libass renders the scripts, checked in the pixels of real frames.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::{path::Path, process::Command};

use captions::{FontFiles, Fonts, STYLES, SafeArea, Style, ass};
use domain::{AspectRatio, Size};

mod samples;

const HOME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.cache/clipwright");
/// Frames are rendered this many times smaller: libass scales the script.
const SHRINK: u32 = 3;
const GREY: u8 = 128;

/// RGB frames of a script over plain grey, four per second.
fn frames(script: &str, size: Size, seconds: u32) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("captions.ass"), script).unwrap();
    let (width, height) = (size.width / SHRINK, size.height / SHRINK);
    let fonts = std::fs::canonicalize(Path::new(HOME).join("fonts")).unwrap();
    std::os::unix::fs::symlink(fonts, folder.path().join("fonts")).unwrap();
    let ffmpeg = std::fs::canonicalize(Path::new(HOME).join("bin/ffmpeg")).unwrap();
    let output = Command::new(ffmpeg)
        .current_dir(folder.path())
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i"])
        .arg(format!(
            "color=c=0x808080:s={width}x{height}:r=4:d={seconds},format=rgb24"
        ))
        .args(["-vf", "ass=f=captions.ass:fontsdir=fonts,format=rgb24"])
        .args(["-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let frame = (width * height * 3) as usize;
    output
        .stdout
        .chunks_exact(frame)
        .map(<[u8]>::to_vec)
        .collect()
}

/// Left, right and bottom edge of everything drawn, in pixels at full size.
fn drawn(frames: &[Vec<u8>], size: Size) -> Option<(u32, u32, u32)> {
    let width = (size.width / SHRINK) as usize;
    let mut edges: Option<(u32, u32, u32)> = None;
    for (index, pixel) in frames
        .iter()
        .flat_map(|frame| frame.chunks_exact(3).enumerate())
    {
        if pixel.iter().any(|value| value.abs_diff(GREY) > 24) {
            let (x, y) = ((index % width) as u32, (index / width) as u32);
            let (left, right, low) = edges.unwrap_or((x, x, y));
            edges = Some((left.min(x), right.max(x), low.max(y)));
        }
    }
    edges.map(|(left, right, low)| (left * SHRINK, (right + 1) * SHRINK, (low + 1) * SHRINK))
}

fn script(style: &Style, size: Size, fonts: &Fonts, sample: usize) -> String {
    let (_, language, text) = samples::SAMPLES[sample];
    ass(&samples::timed(text), style, size, fonts, language)
}

fn assert_inside(style: &Style, ratio: AspectRatio, fonts: &Fonts, sample: usize) {
    let size = ratio.output_size();
    let frames = frames(&script(style, size, fonts, sample), size, 6);
    let what = format!("{} {ratio} {}", style.name, samples::SAMPLES[sample].0);
    let (left, right, low) =
        drawn(&frames, size).unwrap_or_else(|| panic!("{what}: nothing is drawn"));
    let area = SafeArea::of(size);
    let slack = f64::from(SHRINK);
    assert!(
        f64::from(left) >= area.left - slack,
        "{what}: begins at {left}"
    );
    assert!(
        f64::from(right) <= area.right + slack,
        "{what}: ends at {right}"
    );
    assert!(
        f64::from(low) <= area.bottom + slack,
        "{what}: reaches down to {low}"
    );
    assert!(
        f64::from(low) >= area.bottom - 0.2 * f64::from(size.height),
        "{what}: only reaches {low}"
    );
}

#[test]
fn text_stays_inside_the_safe_area_in_every_style_and_aspect_ratio() {
    let files = FontFiles::read(&Path::new(HOME).join("fonts")).unwrap();
    let fonts = Fonts::new(&files).unwrap();
    let long_words = 1;
    for style in &STYLES {
        for ratio in AspectRatio::ALL {
            assert_inside(style, ratio, &fonts, long_words);
        }
    }
}

#[test]
fn text_stays_inside_the_safe_area_in_every_script() {
    let files = FontFiles::read(&Path::new(HOME).join("fonts")).unwrap();
    let fonts = Fonts::new(&files).unwrap();
    for sample in 0..samples::SAMPLES.len() {
        assert_inside(
            &STYLES[sample % STYLES.len()],
            AspectRatio::Portrait,
            &fonts,
            sample,
        );
    }
}

#[test]
fn the_active_word_is_highlighted_and_silence_shows_nothing() {
    let files = FontFiles::read(&Path::new(HOME).join("fonts")).unwrap();
    let fonts = Fonts::new(&files).unwrap();
    let size = AspectRatio::Square.output_size();
    let frames = frames(&script(&STYLES[0], size, &fonts, 0), size, 4);
    let yellow = |frame: &Vec<u8>| {
        frame
            .chunks_exact(3)
            .filter(|p| p[0] > 200 && p[1] > 180 && p[2] < 80)
            .count()
    };
    assert_eq!(drawn(&frames[..1], size), None, "silence at 0 s");
    assert!(yellow(&frames[1]) > 200, "MOST is being spoken at 0.25 s");
    let white = |frame: &Vec<u8>| {
        frame
            .chunks_exact(3)
            .filter(|p| p.iter().all(|v| *v > 220))
            .count()
    };
    assert!(white(&frames[1]) > 200, "PEOPLE is not yet spoken");
}
