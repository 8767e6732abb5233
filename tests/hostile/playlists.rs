//! Lists that name another local file and go by the name of a video: what they name is not opened.

use std::process::Command;

use domain::ErrorCode::SourceUnsupported;
use rustix::fs::{FileType, Mode};
use tests::home;

use crate::trial::Trial;

const HLS: &str =
    "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nsecret.mp4\n#EXT-X-ENDLIST\n";
const FFCONCAT: &str = "ffconcat version 1.0\nfile secret.mp4\n";
const DASH: &str = r#"<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT6S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">
<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1000"><BaseURL>secret.mp4</BaseURL></Representation></AdaptationSet></Period>
</MPD>
"#;

/// The file that is named is a pipe in the end: whoever opens it waits for ever.
#[test]
fn a_list_by_the_name_of_a_video_opens_nothing() {
    let trial = Trial::new();
    trial.make(
        "secret.mp4",
        "-f lavfi -i testsrc2=s=320x180:d=6 -f lavfi -i sine=d=6 -c:v libx264 -preset ultrafast -c:a aac",
    );
    // the extension is the one by which ffmpeg on its own is known to follow the list
    let lists = [("m3u8", HLS), ("ffconcat", FFCONCAT), ("mpd", DASH)];
    for (extension, list) in lists {
        trial.write(&format!("list.{extension}"), list);
        assert!(
            followed_by_ffmpeg(&trial, &format!("list.{extension}")),
            "{extension}: it must be a real list"
        );
        trial.write(&format!("{extension}.mp4"), list);
        trial.refuses(&format!("{extension}.mp4"), SourceUnsupported);
    }
    std::fs::remove_file(trial.path("secret.mp4")).expect("it is there");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        trial.path("secret.mp4"),
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .expect("a pipe");
    for (extension, _) in lists {
        for name in [format!("{extension}.mp4"), format!("list.{extension}")] {
            let line = trial.refuses(&name, SourceUnsupported);
            assert!(line.contains("not a video in a supported format"), "{line}");
        }
    }
    let line = trial.refuses("secret.mp4", SourceUnsupported);
    assert!(line.contains("not a file"), "{line}");
}

fn followed_by_ffmpeg(trial: &Trial, name: &str) -> bool {
    let probed = Command::new(home().join("bin/ffprobe"))
        .args(["-v", "error", "-show_entries", "stream=width", "-of", "csv"])
        .arg(trial.path(name))
        .output()
        .expect("ffprobe starts");
    String::from_utf8_lossy(&probed.stdout).contains("320")
}
