//! Containers that broadcasts, capture cards, browsers and cameras write: a clip from the middle shows and sounds what the source does there.

use std::{fs, path::Path};

use tests::{Job, ffmpeg, make, probe, samples};

/// Seconds at which the picture flashes and a tone is heard, and of the part that is clipped.
const FLASHES: [f64; 5] = [3.0, 8.0, 13.0, 18.0, 23.0];
const FROM: f64 = 5.5;
const TO: f64 = 19.5;

/// A dark picture of 25 frames a second and silence, with a white flash and a tone of 0.2 s every five seconds from the third on.
fn source(size: &str, from: f64, seconds: f64) -> String {
    let flash = format!("lt(mod(t+{from}-3,5),0.2)*gte(t+{from},2.99)");
    let tone = format!("0.5*sin(2*PI*1000*t)*lt(mod(t+{from}-3,5),0.2)*gte(t+{from},2.99)");
    format!(
        "-f lavfi -i color=c=0x203040:s={size}:r=25:d={seconds},drawbox=c=white:t=fill:enable='{flash}' \
         -f lavfi -i aevalsrc=exprs='{}':s=48000:d={seconds}",
        tone.replace(',', "\\,")
    )
}

fn whole(coded: &str) -> String {
    format!("{} {coded}", source("320x180", 0.0, 25.0))
}

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

/// Seconds of the clip at which the picture turns white.
fn flashes(clip: &Path) -> Vec<f64> {
    let grey = ffmpeg()
        .arg("-i")
        .arg(clip)
        .args(["-vf", "crop=iw/2:ih/8,scale=1:1,format=gray"])
        .args(["-f", "rawvideo", "-"])
        .output()
        .expect("ffmpeg starts")
        .stdout;
    onsets(grey.iter().map(|level| *level > 140), 25.0)
}

/// Seconds of the clip at which a tone begins.
fn tones(clip: &Path) -> Vec<f64> {
    let loud = samples(clip);
    let loud = loud
        .chunks(480)
        .map(|part| part.iter().any(|sample| sample.abs() > 0.05));
    onsets(loud, 100.0)
}

fn onsets(signs: impl Iterator<Item = bool>, rate: f64) -> Vec<f64> {
    let mut found: Vec<f64> = Vec::new();
    let mut before = false;
    for (number, sign) in signs.enumerate() {
        let at = number as f64 / rate;
        if sign && !before && found.last().is_none_or(|last| at - last > 1.0) {
            found.push(at);
        }
        before = sign;
    }
    found
}

/// Whether each flash of the part is seen in its time, and each tone is heard with it.
fn assert_in_sync(job: &Job, has_sound: bool) {
    job.plan(&[((FROM * 1000.0) as u64, (TO * 1000.0) as u64)]);
    let clip = job.render("out", "--captions none --layout fit");
    let due = FLASHES
        .iter()
        .filter(|at| (FROM..TO).contains(*at))
        .map(|at| at - FROM);
    let due: Vec<f64> = due.collect();
    let seen = flashes(&clip);
    assert_eq!(seen.len(), due.len(), "{seen:?} in place of {due:?}");
    for (seen, due) in seen.iter().zip(&due) {
        // the picture may begin a little after the sound in the source itself
        assert!((seen - due).abs() < 0.081, "{seen} in place of {due}");
    }
    if !has_sound {
        return;
    }
    let heard = tones(&clip);
    assert_eq!(heard.len(), seen.len(), "{heard:?} with {seen:?}");
    for (heard, seen) in heard.iter().zip(&seen) {
        assert!((heard - seen).abs() < 0.061, "{heard} with {seen}");
    }
}

fn assert_right(name: &str, coded: &str) {
    let job = Job::made(name, 25_000, |path| make(path, &whole(coded)));
    assert_in_sync(&job, true);
}

#[test]
fn a_transport_stream_with_key_frames_ten_seconds_apart() {
    assert_right("long.ts", &format!("{X264} -g 250 -c:a aac -f mpegts"));
}

#[test]
fn a_transport_stream_whose_groups_of_pictures_are_open() {
    let open =
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 100 -bf 3 -x264-params open-gop=1";
    assert_right("open.ts", &format!("{open} -c:a mp2 -f mpegts"));
}

#[test]
fn a_program_stream() {
    let mpeg2 = "-c:v mpeg2video -b:v 1M -g 100 -c:a mp2";
    assert_right("programme.mpg", &format!("{mpeg2} -f vob"));
}

#[test]
fn a_clock_that_begins_at_ten_hours() {
    let late = "-output_ts_offset 36000 -f mpegts";
    assert_right("late.ts", &format!("{X264} -g 250 -c:a aac {late}"));
}

/// The clock of a transport stream begins anew after 26.5 hours; here that is in the middle of the clip.
#[test]
fn a_clock_that_wraps_around() {
    let wraps = "-output_ts_offset 95433 -f mpegts";
    assert_right("wraps.ts", &format!("{X264} -g 100 -c:a aac {wraps}"));
}

/// Parts of a transport stream, one after another, each with its words for ffmpeg.
fn joined(parts: &[String]) -> impl FnOnce(&Path) {
    move |path| {
        let mut whole = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let file = path.with_extension(format!("{number}.ts"));
            make(&file, part);
            whole.extend(fs::read(file).expect("a part"));
        }
        fs::write(path, whole).expect("a file written");
    }
}

fn part(size: &str, from: f64, seconds: f64, offset: f64) -> String {
    let made = source(size, from, seconds);
    format!("{made} {X264} -g 50 -c:a mp2 -output_ts_offset {offset} -f mpegts")
}

#[test]
fn a_clock_that_jumps_in_the_middle() {
    let parts = [
        part("320x180", 0.0, 10.0, 0.0),
        part("320x180", 10.0, 15.0, 5000.0),
    ];
    let job = Job::made("jumps.ts", 25_000, joined(&parts));
    assert_in_sync(&job, true);
}

#[test]
fn a_picture_whose_size_changes_in_the_middle() {
    let parts = [
        part("320x180", 0.0, 10.0, 0.0),
        part("640x360", 10.0, 15.0, 10.0),
    ];
    let job = Job::made("grows.ts", 25_000, joined(&parts));
    assert_in_sync(&job, true);
}

#[test]
fn sound_with_a_gap_of_two_seconds() {
    let gap = "-af aselect='not(between(t,9,11))'";
    assert_right("gap.ts", &format!("{gap} {X264} -g 250 -c:a mp2 -f mpegts"));
}

/// What browsers and meetings record: no length, no index.
#[test]
fn webm_of_a_browser() {
    let live = "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 500k -c:a libopus -f webm -live 1";
    assert_right("browser.webm", live);
}

#[test]
fn flash_video_of_a_live_stream() {
    let live = "-g 250 -c:a aac -flvflags no_duration_filesize -f flv";
    assert_right("live.flv", &format!("{X264} {live}"));
}

#[test]
fn a_bare_stream_of_pictures() {
    let bare = format!("-map 0:v {X264} -g 250 -f h264");
    let job = Job::made("bare.h264", 25_000, |path| make(path, &whole(&bare)));
    assert_in_sync(&job, false);
}

/// The end of a recording whose program was killed: no cues, no length.
#[test]
fn matroska_whose_end_is_missing() {
    let job = Job::made("broken.mkv", 25_000, |path| {
        make(
            path,
            &whole(&format!("{X264} -g 250 -c:a aac -f matroska -live 1")),
        );
        let bytes = fs::read(path).expect("a file");
        fs::write(path, &bytes[..bytes.len() * 9 / 10]).expect("a file written");
    });
    assert_in_sync(&job, true);
    assert!(probe(&job.path("out/clips/clip_00.mp4"))["format"]["duration"].is_string());
}
