//! Odd sources that must work: the clip has the right size, length and streams, and shows the speaker as an ordinary source would.

use std::path::Path;

use tests::{Frame, Job, Talk, ffmpeg, frame_at, loudness, probe};

/// Two seconds are enough to see that a source is understood.
const CLIP_MS: u64 = 2_000;
const SQUARE: &str = "--aspect-ratio 1:1 --captions none";

fn talk() -> Talk {
    Talk {
        seconds: 3.0,
        ..Talk::default()
    }
}

/// Checks all that holds for every clip.
fn check(clip: &Path) {
    let media = probe(clip);
    let seconds: f64 = media["format"]["duration"]
        .as_str()
        .and_then(|s| s.parse().ok())
        .expect("a length");
    assert!(
        (seconds - CLIP_MS as f64 / 1000.0).abs() < 0.07,
        "{seconds} s"
    );
    let streams = media["streams"].as_array().expect("streams");
    let kinds: Vec<_> = streams
        .iter()
        .filter_map(|s| s["codec_type"].as_str())
        .collect();
    assert_eq!(kinds, ["video", "audio"]);
    assert_eq!(
        (&streams[0]["width"], &streams[0]["pix_fmt"]),
        (&1080.into(), &"yuv420p".into())
    );
    let (integrated, peak) = loudness(clip);
    assert!(
        (integrated + 14.0).abs() < 1.0 && peak < -1.0,
        "{integrated} LUFS, {peak} dBTP"
    );
}

/// The mean colour of a part of a square picture, all in thirtieths of its side.
fn mean(frame: &Frame, x: usize, y: usize, side: usize) -> [f64; 3] {
    let unit = frame.width / 30;
    let mut sum = [0.0; 3];
    for row in y * unit..(y + side) * unit {
        for column in x * unit..(x + side) * unit {
            let colour = frame.at(column, row);
            for (sum, value) in sum.iter_mut().zip(colour) {
                *sum += f64::from(value);
            }
        }
    }
    sum.map(|sum| sum / ((side * unit) as f64).powi(2))
}

/// Renders a square clip and checks that the speaker's face and suit have the colours of the portrait.
fn shows_the_speaker(job: &Job) {
    let clip = job.render("out", SQUARE);
    check(&clip);
    let frame = frame_at(&clip, 1.0);
    let face = mean(&frame, 14, 17, 2);
    let suit = mean(&frame, 5, 27, 2);
    let near = |colour: [f64; 3], wanted: [f64; 3]| {
        colour.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 30.0)
    };
    assert!(
        near(face, FACE) && near(suit, SUIT),
        "face {face:.0?}, suit {suit:.0?}"
    );
}

/// Of an ordinary source.
const FACE: [f64; 3] = [202.0, 163.0, 145.0];
const SUIT: [f64; 3] = [223.0, 110.0, 72.0];

fn coded(video: &str, sound: &str, name: &str) {
    let talk = Talk {
        video: video.into(),
        sound: sound.into(),
        ..talk()
    };
    shows_the_speaker(&Job::new(&talk, name, CLIP_MS));
}

fn filtered(picture: &str, voice: &str, name: &str) {
    let talk = Talk {
        picture: picture.into(),
        voice: voice.into(),
        ..talk()
    };
    shows_the_speaker(&Job::new(&talk, name, CLIP_MS));
}

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

#[test]
fn names_with_quotes_emoji_and_a_leading_dash() {
    let job = Job::new(&talk(), "-talk 'x\" 🎬.mp4", CLIP_MS);
    check(&job.render("-out 'y\" 🎬", SQUARE));
}

#[test]
fn transport_stream_with_surround_sound() {
    let talk = Talk {
        voice: "pan=5.1|FC=c0".into(),
        sound: "-c:a ac3".into(),
        ..talk()
    };
    shows_the_speaker(&Job::new(&talk, "talk.ts", CLIP_MS));
}

#[test]
fn webm_with_mono_sound() {
    coded(
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 2M",
        "-c:a libvorbis -ac 1",
        "talk.webm",
    );
}

#[test]
fn quicktime_with_uncompressed_sound_at_sixty_frames() {
    coded("-c:v mpeg4 -q:v 3 -r 60", "-c:a pcm_s16le", "talk.mov");
}

#[test]
fn ten_bits_in_matroska() {
    coded(
        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le",
        "-c:a flac",
        "talk.mkv",
    );
}

/// Where the crop begins at an odd number of pixels, halved colour planes lie between two of them.
#[test]
fn ten_bits_keep_their_colours_wherever_the_crop_is() {
    for left in [140, 141, 142, 143] {
        let talk = Talk {
            x: left.to_string(),
            video: "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le".into(),
            ..talk()
        };
        shows_the_speaker(&Job::new(&talk, "talk.mkv", CLIP_MS));
    }
}

#[test]
fn high_dynamic_range_is_neither_dark_nor_washed_out() {
    let to_pq = "format=yuv420p,setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv,zscale=tin=bt709:min=bt709:pin=bt709:rin=tv:t=linear:npl=203,format=gbrpf32le,\
        zscale=p=bt2020:t=smpte2084:m=bt2020nc:r=tv:npl=203,format=yuv420p10le";
    let talk = Talk {
        picture: to_pq.into(),
        video: "-c:v libx264 -preset ultrafast -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -color_range tv".into(),
        ..talk()
    };
    shows_the_speaker(&Job::new(&talk, "talk.mp4", CLIP_MS));
}

#[test]
fn frames_at_irregular_times() {
    filtered(
        "select='lt(n,20)+not(mod(n,3))',settb=1/1000",
        "anull",
        "talk.mkv",
    );
}

#[test]
fn wide_pixels_are_shown_square() {
    filtered("scale=480:360,setsar=4/3", "anull", "talk.mp4");
}

#[test]
fn interlaced_frames() {
    let talk = Talk {
        picture: "fps=50,tinterlace=interleave_top,setfield=tff".into(),
        video: format!("{X264} -flags +ildct+ilme -x264opts tff=1"),
        ..talk()
    };
    shows_the_speaker(&Job::new(&talk, "talk.mp4", CLIP_MS));
}

#[test]
fn sound_that_ends_before_the_picture() {
    filtered("null", "atrim=end=1.2", "talk.mp4");
}

#[test]
fn a_picture_that_ends_before_the_sound() {
    filtered("trim=end=1.4", "anull", "talk.mp4");
}

#[test]
fn an_odd_size() {
    let talk = Talk {
        size: (101, 99),
        video: "-c:v libx264 -preset ultrafast -pix_fmt yuv444p".into(),
        ..talk()
    };
    let job = Job::new(&talk, "talk.mp4", CLIP_MS);
    for layout in ["auto", "fit"] {
        check(&job.render(layout, &format!("{SQUARE} --layout {layout}")));
    }
}

#[test]
fn a_turned_picture_is_shown_upright() {
    let talk = Talk {
        picture: "transpose=1".into(),
        ..talk()
    };
    let job = Job::new(&talk, "lying.mp4", CLIP_MS);
    let turned = ffmpeg()
        .args(["-display_rotation", "90", "-i"])
        .arg(job.path("lying.mp4"))
        .args(["-c", "copy"])
        .arg(job.path("turned.mp4"))
        .status();
    assert!(turned.is_ok_and(|status| status.success()));
    std::fs::rename(job.path("turned.mp4"), job.path("lying.mp4")).expect("renamed");
    shows_the_speaker(&job);
}
