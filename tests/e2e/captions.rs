//! Captions: there when words are spoken, gone in pauses, inside the picture at every shape, on time.

use std::fs;

use tests::{Frame, Job, Ran, Talk, clipwright, frame_at, words};

fn job(end_ms: u64) -> Job {
    Job::new(
        &Talk {
            seconds: 7.0,
            ..Talk::default()
        },
        "talk.mp4",
        end_ms,
    )
}

/// Rows and columns from the first to the last where two pictures differ clearly: `[left, right, top, bottom]`.
fn bounds(a: &Frame, b: &Frame) -> Option<[usize; 4]> {
    let differs = |i: usize| {
        a.rgb[i * 3..i * 3 + 3]
            .iter()
            .zip(&b.rgb[i * 3..])
            .any(|(a, b)| a.abs_diff(*b) > 100)
    };
    let places = (0..a.width * a.height)
        .filter(|&i| differs(i))
        .map(|i| (i % a.width, i / a.width));
    places.fold(None, |bounds, (x, y)| {
        let [left, right, top, bottom] = bounds.unwrap_or([x, x, y, y]);
        Some([left.min(x), right.max(x), top.min(y), bottom.max(y)])
    })
}

#[test]
fn captions_are_seen_with_the_words_and_keep_off_the_edges_at_every_shape() {
    let job = job(3_000);
    job.edit("transcript.json", |transcript| {
        // a pause from 1.55 s to 2.7 s
        let words = transcript["segments"][0]["words"]
            .as_array_mut()
            .expect("words");
        words.retain(|word| !(1_550..2_700).contains(&word["start_ms"].as_u64().expect("a time")));
    });
    for (shape, width, height) in [
        ("9:16", 1080, 1920),
        ("1:1", 1080, 1080),
        ("4:5", 1080, 1350),
        ("16:9", 1920, 1080),
    ] {
        let look = |captions: &str| format!("--aspect-ratio {shape} --captions {captions}");
        let with = job.render("with", &look("bold"));
        let without = job.render("without", &look("none"));
        let at = |seconds| bounds(&frame_at(&with, seconds), &frame_at(&without, seconds));
        assert_eq!(frame_at(&with, 0.0).width, width);
        assert_eq!(at(2.4), None, "{shape}: captions in a pause");
        for seconds in [0.5, 1.2] {
            let [left, right, top, bottom] =
                at(seconds).unwrap_or_else(|| panic!("{shape}: none at {seconds} s"));
            let (side, below) = (width / 25, height / 20);
            assert!(
                left > side && right < width - side && top > height / 3 && bottom < height - below,
                "{shape}: {left}..{right}, {top}..{bottom}"
            );
        }
        let thumbnail = frame_at(&job.path("with/clips/clip_00.jpg"), 0.0);
        assert_eq!((thumbnail.width, thumbnail.height), (width, height));
        let plain = frame_at(&job.path("without/clips/clip_00.jpg"), 0.0);
        assert_eq!(
            bounds(&thumbnail, &plain),
            None,
            "{shape}: captions in the thumbnail"
        );
    }
}

/// Milliseconds of `00:00:01.250` or `00:00:01,250`.
fn clock(text: &str) -> u64 {
    let text = text.trim().replace(',', ".");
    let seconds = text.split(':').fold(0.0, |sum, part| {
        sum * 60.0 + part.parse::<f64>().expect("a number")
    });
    (seconds * 1000.0).round() as u64
}

/// Beginnings and ends of the cues of a `.srt` or `.vtt`.
fn cues(text: &str) -> Vec<(u64, u64)> {
    let arrows = text.lines().filter_map(|line| line.split_once(" --> "));
    arrows
        .map(|(start, end)| (clock(start), clock(end)))
        .collect()
}

#[test]
fn recognised_words_are_on_time_and_caption_files_lie_within_the_clip() {
    let job = job(7_000);
    let transcribed = clipwright(["transcribe", "talk.mp4", "-o", "transcript.json"])
        .current_dir(job.path(""))
        .output();
    let _ = Ran::from(transcribed.expect("it starts")).well();
    job.render("out", "--aspect-ratio 1:1");
    job.edit("transcript.json", |transcript| {
        let heard = transcript["segments"]
            .as_array()
            .expect("segments")
            .iter()
            .flat_map(|s| s["words"].as_array().expect("words").clone());
        let heard: Vec<_> = heard.collect();
        let known = words();
        assert_eq!(heard.len(), known.len());
        let start = |word: &serde_json::Value| word["start_ms"].as_u64().expect("a time");
        let near = heard
            .iter()
            .zip(&known)
            .filter(|(a, b)| start(a).abs_diff(start(b)) <= 200)
            .count();
        assert!(
            near * 100 >= known.len() * 85,
            "{near} of {} words within 0.2 s",
            known.len()
        );
    });
    for kind in ["srt", "vtt"] {
        let cues = cues(
            &fs::read_to_string(job.path(format!("out/clips/clip_00.{kind}"))).expect("captions"),
        );
        assert!(!cues.is_empty() && cues.iter().all(|(start, end)| start < end && *end <= 7_000));
        assert!(cues.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        assert!(
            cues[0].0.abs_diff(200) <= 200,
            "the first cue at {} ms",
            cues[0].0
        );
    }
}
