//! What `fuzz/` feeds with made-up files and answers of programs, and what must hold of whatever is made of them.

use std::collections::BTreeMap;

use domain::{AspectRatio, Plan, Size, Transcript};
use reframe::{Rect, View};

use crate::{
    ffmpeg::{
        graph::{self, Picture, Piece},
        media::{Colours, FrameRate, Video},
        probe,
    },
    stages::{
        download,
        render::timeline::{Frames, Timeline},
    },
};

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

/// The cuts of a `plan.json` as filter graphs: whatever is cut, they have the letters of filters alone, name no file, and each label that one
/// filter gives is taken by one other.
///
/// # Panics
/// When one does not.
pub fn graph(data: &[u8]) {
    let Ok(plan) = Plan::from_json(data, HOUR_MS) else {
        return;
    };
    for clip in plan.clips.iter().filter(|_| plan.check_edited().is_ok()) {
        let timeline = Timeline::new(clip.start_ms, &clip.shown_ranges(), RATE);
        let pieces = turns(&timeline);
        let picture = Picture {
            video: &VIDEO,
            timeline: &timeline,
            target: AspectRatio::default().output_size(),
            pieces: &pieces,
            captions: Some("ass=f=captions.ass"),
            thumbnail_frame: 0,
        };
        for text in [graph::picture(&picture), graph::thumbnail(&picture)] {
            is_sound(&text);
        }
    }
}

/// How long the made-up source of a plan is.
const HOUR_MS: u64 = 3_600_000;

const RATE: FrameRate = FrameRate {
    frames: 25,
    seconds: 1,
};

const SIZE: Size = Size {
    width: 1920,
    height: 1080,
};

const VIDEO: Video = Video {
    index: 0,
    stored: SIZE,
    shown: SIZE,
    sideways: false,
    area: None,
    subtitles: None,
    frame_rate: RATE,
    hdr: false,
    colours: Colours::Bt709,
    interlaced: None,
};

/// The clip in two looks by turns, a second each.
fn turns(timeline: &Timeline) -> Vec<Piece> {
    let frames = timeline.frame_count();
    let half = Rect {
        x: 0,
        y: 0,
        size: Size {
            width: 540,
            height: 480,
        },
    };
    let split = View::Split {
        top: half,
        bottom: half,
    };
    (0..frames)
        .step_by(25)
        .map(|from| Piece {
            frames: Frames {
                from,
                to: (from + 25).min(frames),
            },
            view: if from % 50 == 0 {
                View::Fit
            } else {
                split.clone()
            },
        })
        .collect()
}

fn is_sound(graph: &str) {
    let plain =
        |letter: char| letter.is_ascii_alphanumeric() || "[]();:,='_.*/+-|".contains(letter);
    assert!(graph.chars().all(plain), "{graph}");
    let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
    for rest in graph.split('[').skip(1) {
        let label = rest.split(']').next().unwrap_or_default();
        *labels.entry(label).or_default() += 1;
    }
    for (label, times) in labels {
        let outside = ["0:0", "picture", "thumbnail"].contains(&label);
        assert_eq!(times, if outside { 1 } else { 2 }, "{label} in {graph}");
    }
}

#[cfg(test)]
mod tests {
    use fuzzed::{assert_scales_linearly, replay};

    use super::*;

    #[test]
    fn corpora_are_taken_as_they_must_be() {
        replay("subtitles", subtitles);
        replay("site", site);
        replay("ffprobe", ffprobe);
        replay("graph", graph);
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
            assert_scales_linearly(subtitles, cue, piece, "");
        }
        let clip = r#"{"version":1,"clips":[{"clip_index":0,"rank":1,"start_ms":0,"end_ms":100000,"title":"","summary":"","reason":"","virality_score":0,"score_breakdown":{"hook":0,"flow":0,"value":0,"emotion":0},"cuts":[[1,2]"#;
        assert_scales_linearly(graph, clip, ",[300,500]", "]}]}");
        assert_scales_linearly(site, r#"{"formats":[{}"#, r#",{"vcodec":"none"}"#, "]}");
        assert_scales_linearly(site, "", r#"{"entries":["#, "");
        assert_scales_linearly(
            ffprobe,
            r#"{"streams":[{"index":0}"#,
            r#",{"index":1,"codec_type":"audio","duration":"1.5"}"#,
            "]}",
        );
    }
}
