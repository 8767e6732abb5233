//! Media files with streams that cannot be clipped.

use std::time::{Duration, Instant};

use domain::ErrorCode::{
    NoSpeech, SourceTooLarge, SourceTooLong, SourceUnsupported, SpeechUnclear,
};

use crate::trial::{Running, Trial};

const PICTURE: &str = "-f lavfi -i testsrc2=s=320x180:d=6";
const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
/// Three notes that swell, over a beat.
const MUSIC: &str = "-f lavfi -i aevalsrc=0.2*(sin(2*PI*220*t)+sin(2*PI*277*t)+sin(2*PI*330*t)*sin(PI*t))+0.3*random(0)*exp(-20*mod(t\\,0.5)):d=6";

#[test]
fn sound_without_a_picture() {
    let trial = Trial::new();
    trial.make("sound.wav", "-f lavfi -i sine=d=3");
    trial.make(
        "covered.mp3",
        "-f lavfi -i sine=d=3 -f lavfi -i color=red:s=300x300 -map 0 -map 1 -c:v mjpeg -frames:v 1 -disposition:v attached_pic",
    );
    for name in ["sound.wav", "covered.mp3"] {
        let line = trial.refuses(name, SourceUnsupported);
        assert!(line.contains("no picture"), "{line}");
    }
}

#[test]
fn nobody_speaks() {
    let trial = Trial::new();
    trial.make("soundless.mp4", &format!("{PICTURE} {X264}"));
    let line = trial.refuses("soundless.mp4", NoSpeech);
    assert!(line.contains("no sound"), "{line}");
    let loud = |sound: &str| format!("{PICTURE} {sound} {X264} -c:a aac -shortest");
    trial.make("silence.mp4", &loud("-f lavfi -i anullsrc=d=6"));
    trial.make(
        "hiss.mp4",
        &loud("-f lavfi -i anoisesrc=d=6:c=pink:a=0.1:seed=1"),
    );
    trial.make("music.mp4", &loud(MUSIC));
    for name in ["silence.mp4", "hiss.mp4", "music.mp4"] {
        trial.refuses(name, NoSpeech);
        let args = ["transcribe", name, "-o", "transcript.json"];
        trial.refused(&mut trial.command(args), NoSpeech);
    }
}

#[test]
fn speech_that_nobody_can_understand() {
    let trial = Trial::new();
    let speech = tests::fixture("speech.flac");
    trial.make(
        "reversed.mp4",
        &format!(
            "{PICTURE} -i {} -af areverse {X264} -c:a aac -shortest",
            speech.display()
        ),
    );
    let line = trial.refuses("reversed.mp4", SpeechUnclear);
    assert!(line.contains("name the language"), "{line}");
}

#[test]
fn a_picture_stream_without_frames() {
    let trial = Trial::new();
    trial.make(
        "none.mp4",
        &format!("-f lavfi -i testsrc2=s=320x180 -frames:v 0 {X264}"),
    );
    // an index after which all the pictures have been cut off
    let whole = format!("{PICTURE} {X264} -movflags +faststart");
    trial.make("whole.mp4", &whole);
    let bytes = std::fs::read(trial.path("whole.mp4")).expect("a video");
    let pictures = bytes.windows(4).position(|name| name == b"mdat");
    trial.write("index.mp4", &bytes[..pictures.expect("pictures") + 4]);
    for name in ["none.mp4", "index.mp4"] {
        trial.refuses(name, SourceUnsupported);
    }
}

#[test]
fn a_single_pixel() {
    let trial = Trial::new();
    trial.make(
        "pixel.mkv",
        "-f lavfi -i color=red:s=2x2:d=3 -f lavfi -i sine=d=3 -vf format=bgr0,crop=1:1 -c:v ffv1 -c:a pcm_s16le",
    );
    let line = trial.refuses("pixel.mkv", SourceUnsupported);
    assert!(line.contains("1x1"), "{line}");
}

/// Each is some hundred kilobytes, and its first picture alone would take more memory than the run is given.
#[test]
fn pixel_bombs_are_not_unpacked() {
    let trial = Trial::new();
    let square = "-f lavfi -i color=black:s=8192x8192:r=1:d=1";
    trial.make("bomb.mov", &format!("{square} -c:v png -pix_fmt rgb24"));
    trial.make("bomb.mp4", &format!("{square} {X264}"));
    for name in ["bomb.mov", "bomb.mp4"] {
        let mut command = with_little_memory(&trial, name, "-v 400000");
        let begun = Instant::now();
        let line = trial.refused(&mut command, SourceTooLarge);
        assert!(line.contains("8192x8192"), "{line}");
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
    }
}

/// A few kilobytes each, shown as more pixels than the limit, or as a line of them.
#[test]
fn pixels_that_are_not_square_are_no_way_round_the_limit() {
    let trial = Trial::new();
    let picture = "-f lavfi -i color=black:s=1280x720:r=5:d=6 -f lavfi -i sine=d=6";
    let shown = |sar: &str| format!("{picture} -vf setsar={sar} {X264} -c:a aac");
    trial.make("wide.mp4", &shown("100"));
    let line = trial.refuses("wide.mp4", SourceTooLarge);
    assert!(line.contains("128000x720"), "{line}");
    trial.make("line.mp4", &shown("15"));
    let line = trial.refuses("line.mp4", SourceUnsupported);
    assert!(line.contains("19200x720"), "{line}");
    trial.make("thin.mp4", &shown("1/100"));
    let line = trial.refuses("thin.mp4", SourceUnsupported);
    assert!(line.contains("13x720"), "{line}");
    let turned = "-display_rotation 90 -i wide.mp4 -c copy";
    let source = trial.path("wide.mp4").display().to_string();
    trial.make("turned.mp4", &turned.replace("wide.mp4", &source));
    let line = trial.refuses("turned.mp4", SourceTooLarge);
    assert!(line.contains("720x128000"), "{line}");
}

/// A frame of such sound lasts for hours, and would be unpacked at once.
#[test]
fn sound_of_a_few_samples_a_second() {
    let trial = Trial::new();
    let sound = "-f lavfi -i aevalsrc=random(0):s=4:d=6";
    trial.make("slow.mkv", &format!("{PICTURE} {sound} {X264} -c:a flac"));
    let line = trial.refuses("slow.mkv", SourceUnsupported);
    assert!(line.contains("4 samples a second"), "{line}");
}

#[test]
fn a_title_of_megabytes() {
    let trial = Trial::new();
    let title = "t".repeat(2 << 20);
    trial.write("title.txt", format!(";FFMETADATA1\ntitle={title}\n"));
    let titled = format!("-f ffmetadata -i {}", trial.path("title.txt").display());
    let made = format!("{PICTURE} {titled} -map 0 -map_metadata 1 {X264}");
    trial.make("titled.mp4", &made);
    trial.refuses("titled.mp4", SourceTooLarge);
}

/// The largest picture allowed, from one of a tenth of its pixels: it is made into a clip with bounded memory.
#[test]
fn the_most_oblong_picture_is_composed_in_little_memory() {
    let trial = Trial::new();
    let source = "-f lavfi -i testsrc2=s=2560x360:r=10:d=6 -f lavfi -i sine=d=6 -vf setsar=2.8";
    trial.make("wide.mp4", &format!("{source} {X264} -c:a aac"));
    trial.plan(6000);
    let args = ["render", "wide.mp4", "plan.json", "--out", "out"];
    let running = Running::start(trial.command(args).args(["--captions", "none"]));
    let (ran, peak) = running.end_with_peak(&trial);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(peak > 0 && peak < 800 << 20, "{} MB", peak >> 20);
}

/// As large as pictures may be, where there is not the memory for it.
#[test]
fn a_picture_that_takes_more_memory_than_there_is() {
    let trial = Trial::new();
    let large = "-f lavfi -i color=black:s=7680x4320:r=1:d=1";
    trial.make("large.mp4", &format!("{large} {X264}"));
    let mut command = with_little_memory(&trial, "large.mp4", "-d 150000");
    let line = trial.refused(&mut command, SourceTooLarge);
    assert!(line.contains("memory"), "{line}");
}

/// The tool under a limit of the shell, in KiB, that each of its processes has.
fn with_little_memory(trial: &Trial, source: &str, limit: &str) -> std::process::Command {
    let mut tool = trial.command(["clip", source, "--out", "out"]);
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", &format!("ulimit {limit}; exec \"$@\""), "sh"])
        .arg(tool.get_program())
        .args(tool.get_args())
        .current_dir(tool.get_current_dir().expect("it has one"));
    for (name, value) in tool.get_envs() {
        command.env(name, value.expect("none is removed"));
    }
    tool.env_clear();
    command
}

#[test]
fn a_crowd_of_streams() {
    let trial = Trial::new();
    let maps = "-map 1:a ".repeat(59);
    trial.make(
        "crowd.mkv",
        &format!("{PICTURE} -f lavfi -i sine=d=1 -map 0:v {maps} {X264} -c:a pcm_s16le -t 1"),
    );
    let line = trial.refuses("crowd.mkv", SourceTooLarge);
    assert!(line.contains("60 streams"), "{line}");
}

#[test]
fn longer_than_the_limit() {
    let trial = Trial::new();
    trial.make("long.mp4", &format!("{PICTURE} {X264}"));
    let args = [
        "clip",
        "long.mp4",
        "--out",
        "out",
        "--max-source-seconds",
        "5",
    ];
    let line = trial.refused(&mut trial.command(args), SourceTooLong);
    assert!(line.contains("6 s") && line.contains("5 s"), "{line}");
}
