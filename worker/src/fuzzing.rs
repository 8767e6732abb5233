//! What `fuzz/` feeds with made-up files and answers of programs, and what must hold of whatever is made of them.

use domain::Transcript;

use crate::{ffmpeg::probe, stages::download};

/// How long the made-up video is, in milliseconds.
const VIDEO_MS: u64 = 60_000;

/// A `WebVTT` or `SubRip` file: what is taken for speech is a transcript that can be read, inside the video.
///
/// # Panics
/// When it is not.
pub fn subtitles(data: &[u8]) {
    let Some(talk) = download::captions_of(data, VIDEO_MS) else {
        return;
    };
    assert!(!talk.is_too_fast());
    let inside = |ms: u64| ms <= VIDEO_MS;
    assert!(
        talk.words()
            .all(|word| inside(word.start_ms) && inside(word.end_ms))
    );
    let written = serde_json::to_vec(&talk).expect("a transcript can be written");
    assert_eq!(Transcript::from_json(&written).ok(), Some(talk));
}

/// What `yt-dlp` tells of a page.
///
/// # Panics
/// Never, which is what is tried.
pub fn site(data: &[u8]) {
    download::described(data);
}

/// What `ffprobe` tells of a file: rates that can be divided by, and a picture that has a size where it has one at all.
///
/// # Panics
/// When a rate or a size is nothing.
pub fn ffprobe(data: &[u8]) {
    let Some(media) = probe::read(data) else {
        return;
    };
    if let Some(video) = media.video {
        let rate = video.frame_rate.get();
        assert!(rate.is_finite() && rate > 0.0);
        assert!(video.stored.width == 0 || video.shown.width > 0 || video.stored.height == 0);
    }
}

#[cfg(test)]
mod tests {
    use fuzzed::{assert_grows_gently, replay};

    use super::*;

    #[test]
    fn corpora_are_taken_as_they_must_be() {
        replay("subtitles", subtitles);
        replay("site", site);
        replay("ffprobe", ffprobe);
    }

    #[test]
    fn work_grows_with_the_input() {
        let cue = "00:00.000 --> 00:59.000\n";
        for piece in [
            "a\n",
            "a ",
            "<",
            "<i>",
            "[",
            "(]",
            "&amp;",
            "a\n\n00:01.000 --> 00:02.000\n",
        ] {
            assert_grows_gently(subtitles, cue, piece, "");
        }
        assert_grows_gently(site, r#"{"formats":[{}"#, r#",{"vcodec":"none"}"#, "]}");
        assert_grows_gently(site, "", r#"{"entries":["#, "");
        assert_grows_gently(
            ffprobe,
            r#"{"streams":[{"index":0}"#,
            r#",{"index":1,"codec_type":"audio","duration":"1.5"}"#,
            "]}",
        );
    }
}
