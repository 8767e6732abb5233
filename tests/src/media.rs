//! Short media for tests, made by ffmpeg, and eyes and ears for what comes out.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::home;

/// ffmpeg with its usual manners.
pub fn ffmpeg() -> Command {
    let mut command = Command::new(home().join("bin/ffmpeg"));
    command.args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y"]);
    command
}

/// Makes a file with the words of `arguments`.
///
/// # Panics
/// When ffmpeg fails.
pub fn make(path: &Path, arguments: &str) {
    let made = ffmpeg()
        .args(arguments.split_ascii_whitespace())
        .arg(path)
        .output()
        .expect("ffmpeg starts");
    assert!(
        made.status.success(),
        "{arguments}: {}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// A short talk: somebody's face over a busy ground, and real speech.
#[derive(Debug, Clone)]
pub struct Talk {
    /// Size of the picture.
    pub size: (u32, u32),
    /// Where the left edge of the portrait is, as an ffmpeg expression of `t`.
    pub x: String,
    /// Seconds of the whole.
    pub seconds: f64,
    /// Filters that the finished picture goes through.
    pub picture: String,
    /// Filters that the speech goes through.
    pub voice: String,
    /// Words for ffmpeg that say how the picture is coded.
    pub video: String,
    /// Words for ffmpeg that say how the sound is coded.
    pub sound: String,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            size: (640, 360),
            x: "(W-w)/2".into(),
            seconds: 11.0,
            picture: "null".into(),
            voice: "anull".into(),
            video: "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -r 25".into(),
            sound: "-c:a aac".into(),
        }
    }
}

impl Talk {
    /// Makes it.
    ///
    /// # Panics
    /// When ffmpeg fails.
    pub fn make(&self, path: &Path) {
        let (width, height) = self.size;
        let ground = format!(
            "gradients=s={width}x{height}:c0=0x31485a:c1=0x6d8a96:d={}:speed=0.01:r=25:seed=1",
            self.seconds
        );
        let graph = format!(
            "[1:v]scale=-2:{}[face];[0:v][face]overlay=x='{}':y=H-h,{}[v];[2:a]{}[a]",
            height * 8 / 10 / 2 * 2,
            self.x,
            self.picture,
            self.voice
        );
        let mut command = ffmpeg();
        command
            .args(["-f", "lavfi", "-i", &ground, "-loop", "1", "-i"])
            .arg(fixture("astronaut.jpg"));
        command.arg("-i").arg(fixture("speech.flac")).args([
            "-filter_complex",
            &graph,
            "-map",
            "[v]",
            "-map",
            "[a]",
        ]);
        command.args(["-t", &self.seconds.to_string()]);
        command
            .args(self.video.split_ascii_whitespace())
            .args(self.sound.split_ascii_whitespace());
        let made = command.arg(path).output().expect("ffmpeg starts");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
    }
}

/// A file of `tests/fixtures`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// What `ffprobe` says of a file.
///
/// # Panics
/// When it cannot be read.
pub fn probe(path: &Path) -> serde_json::Value {
    let mut command = Command::new(home().join("bin/ffprobe"));
    command
        .args([
            "-loglevel",
            "error",
            "-print_format",
            "json",
            "-show_streams",
            "-show_format",
        ])
        .arg(path);
    let output = command.output().expect("ffprobe starts");
    serde_json::from_slice(&output.stdout).expect("ffprobe writes JSON")
}

/// One picture in RGB.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Red, green and blue of each pixel, row by row.
    pub rgb: Vec<u8>,
}

impl Frame {
    /// The colour at a place.
    pub fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let start = (y * self.width + x) * 3;
        [self.rgb[start], self.rgb[start + 1], self.rgb[start + 2]]
    }

    /// Whether two pictures differ, in how many of their pixels by more than `by` in any colour.
    pub fn differing(&self, other: &Self, by: u8) -> usize {
        let pixels = self.rgb.chunks_exact(3).zip(other.rgb.chunks_exact(3));
        pixels
            .filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > by))
            .count()
    }
}

/// The picture that a video shows at a time.
///
/// # Panics
/// When there is none.
pub fn frame_at(path: &Path, seconds: f64) -> Frame {
    let media = probe(path);
    let video = media["streams"]
        .as_array()
        .and_then(|all| all.iter().find(|s| s["codec_type"] == "video"))
        .expect("a picture");
    let side = |name: &str| video[name].as_u64().expect("a size") as usize;
    let (width, height) = (side("width"), side("height"));
    let mut command = ffmpeg();
    command.args(seconds_in(seconds)).arg("-i").arg(path).args([
        "-frames:v",
        "1",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]);
    let rgb = command.output().expect("ffmpeg starts").stdout;
    assert_eq!(rgb.len(), width * height * 3, "no picture at {seconds} s");
    Frame { width, height, rgb }
}

/// A still picture cannot be sought in, not even to its beginning.
fn seconds_in(seconds: f64) -> Vec<String> {
    if seconds > 0.0 {
        vec!["-ss".into(), seconds.to_string()]
    } else {
        Vec::new()
    }
}

/// Integrated loudness in LUFS and true peak in dBTP.
///
/// # Panics
/// When it cannot be measured.
pub fn loudness(path: &Path) -> (f64, f64) {
    let mut command = Command::new(home().join("bin/ffmpeg"));
    command
        .args(["-hide_banner", "-nostdin", "-nostats", "-i"])
        .arg(path)
        .args(["-af", "ebur128=peak=true", "-f", "null", "-"]);
    let said =
        String::from_utf8_lossy(&command.output().expect("ffmpeg starts").stderr).into_owned();
    let summary = said
        .rsplit("Summary:")
        .next()
        .expect("a summary")
        .to_owned();
    let number = |label: &str| {
        let rest = summary.split(label).nth(1)?;
        rest.split_ascii_whitespace().next()?.parse().ok()
    };
    (
        number("I:").expect("loudness"),
        number("Peak:").expect("peak"),
    )
}

/// Samples of the left channel, 48,000 a second as clips have them.
///
/// # Panics
/// When ffmpeg does not start.
pub fn samples(path: &Path) -> Vec<f32> {
    let pcm = ffmpeg()
        .arg("-i")
        .arg(path)
        .args(["-af", "pan=mono|c0=c0", "-f", "f32le", "-"])
        .output();
    let pcm = pcm.expect("ffmpeg starts").stdout;
    pcm.chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}
