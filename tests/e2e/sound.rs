//! Loudness of loud, quiet and peaky talks, and cuts without clicks.

use std::path::Path;

use tests::{Job, Ran, Talk, clipwright, ffmpeg, loudness, make, probe, samples};

const LOOK: &str = "--aspect-ratio 1:1 --captions none";

fn job(voice: &str) -> Job {
    let talk = Talk {
        voice: voice.into(),
        seconds: 6.0,
        ..Talk::default()
    };
    Job::new(&talk, "talk.mp4", 5_000)
}

#[test]
fn loud_quiet_and_peaky_talks_come_out_equally_loud() {
    let peaky = "volume='if(lt(mod(t,1),0.01),12,1)':eval=frame,alimiter=level=0";
    for voice in ["volume=12dB,alimiter=level=0", "volume=-15dB", peaky] {
        let (integrated, peak) = loudness(&job(voice).render("out", LOOK));
        assert!(
            (integrated + 14.0).abs() < 1.0 && peak < -1.0,
            "{voice}: {integrated} LUFS, {peak} dBTP"
        );
    }
}

#[test]
fn cuts_shorten_the_clip_and_do_not_click() {
    let job = job("anull");
    job.edit("plan.json", |plan| {
        plan["clips"][0]["cuts"] =
            serde_json::json!([[1_000, 1_480], [2_200, 3_000], [3_700, 4_100]]);
    });
    let clip = job.render("out", LOOK);
    let length = probe(&clip)["format"]["duration"]
        .as_str()
        .and_then(|s| s.parse::<f64>().ok());
    assert!(
        length.is_some_and(|s| (s - 3.32).abs() < 0.07),
        "{length:?}"
    );
    let samples = samples(&clip);
    let jump = |at: usize| (samples[at] - samples[at - 1]).abs();
    let largest = |range: std::ops::Range<usize>| range.map(jump).fold(0.0, f32::max);
    let anywhere = largest(1..samples.len());
    // where the parts meet, in samples at 48 kHz: 1.00 s, 1.72 s and 2.42 s
    for join in [48_000, 82_560, 116_160] {
        let here = largest(join - 480..join + 480);
        assert!(
            here < anywhere,
            "a jump of {here} at {join}, {anywhere} elsewhere"
        );
        let quiet = samples[join - 24..join + 24]
            .iter()
            .fold(0.0_f32, |most, s| most.max(s.abs()));
        assert!(quiet < 0.12, "{quiet} at {join}");
    }
}

/// The talk with the channels of its sound as a filter gives them, coded so that they stay apart.
fn with_channels(filter: &str) -> Job {
    let talk = Talk {
        seconds: 6.0,
        voice: filter.into(),
        sound: "-c:a pcm_s16le".into(),
        ..Talk::default()
    };
    Job::new(&talk, "talk.mkv", 5_000)
}

/// Root mean squares of both sides of a clip.
fn sides(clip: &Path) -> [f64; 2] {
    let pcm = ffmpeg()
        .arg("-i")
        .arg(clip)
        .args(["-map", "0:a", "-f", "s16le", "-"])
        .output()
        .expect("ffmpeg starts")
        .stdout;
    let mut squares = [0.0; 2];
    for moment in pcm.chunks_exact(4) {
        for (side, bytes) in squares.iter_mut().zip(moment.chunks_exact(2)) {
            *side += f64::from(i16::from_le_bytes([bytes[0], bytes[1]])).powi(2);
        }
    }
    squares.map(|sum| (sum / (pcm.len() as f64 / 4.0)).sqrt())
}

#[test]
fn a_voice_in_any_channel_is_heard_on_both_sides() {
    for filter in [
        // one side dead, the sides opposite, the channel for deep tones, a layout that no resampler knows, tracks without any
        "pan=stereo|c1=c0",
        "pan=stereo|c0=c0|c1=-1*c0",
        "pan=5.1|c3=c0",
        "pan=22.2|c7=c0",
        "pan=9C|c5=c0",
        "pan=4C|c0=0.001*c0|c2=c0",
    ] {
        let job = with_channels(filter);
        let clip = job.render("out", LOOK);
        let (integrated, _) = loudness(&clip);
        assert!(
            (integrated + 14.0).abs() < 1.0,
            "{filter}: {integrated} LUFS"
        );
        let [left, right] = sides(&clip);
        let ratio = left / right;
        assert!((0.9..1.1).contains(&ratio), "{filter}: {left} and {right}");
    }
}

#[test]
fn two_voices_on_two_sides_stay_there() {
    let apart = "asplit[a][b];[a]volume=1[l];[b]adelay=1700:all=1[r];[l][r]join=channel_layout=stereo:map=0.0-FL|1.0-FR";
    let job = with_channels(apart);
    let clip = job.render("out", LOOK);
    let pcm = ffmpeg()
        .arg("-i")
        .arg(&clip)
        .args(["-af", "pan=mono|c0=c0-c1", "-f", "s16le", "-"])
        .output()
        .expect("ffmpeg starts");
    let most = pcm
        .stdout
        .chunks_exact(2)
        .map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]]).unsigned_abs());
    assert!(most.max().unwrap_or(0) > 3_000, "the sides are the same");
}

#[test]
fn what_is_said_is_found_in_any_channel_and_in_files_of_sound_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let speech = tests::fixture("speech.flac").display().to_string();
    for (name, coded) in [
        ("talk.wav", "-c:a pcm_s16le"),
        ("talk.mp3", "-c:a libmp3lame"),
        ("talk.m4a", "-c:a aac"),
        ("talk.aac", "-c:a aac"),
        ("talk.ogg", "-c:a libopus"),
        (
            "opposite.wav",
            "-af pan=stereo|c0=c0|c1=-1*c0 -c:a pcm_s16le",
        ),
        ("tracks.wav", "-af pan=9C|c5=c0 -c:a pcm_s16le"),
    ] {
        make(&folder.path().join(name), &format!("-i {speech} {coded}"));
        let mut command = clipwright(["transcribe", name, "-o", "transcript.json"]);
        let _ = Ran::of(command.current_dir(&folder)).well();
        let said = std::fs::read_to_string(folder.path().join("transcript.json"));
        let said = said.expect("a transcript").to_lowercase();
        assert!(said.contains("the"), "{name}: {said}");
        let words = said.matches("\"confidence\"").count();
        assert!((12..40).contains(&words), "{name}: {words} words");
    }
}

#[test]
fn a_silent_first_track_gives_way_to_the_one_with_the_voice() {
    let folder = tempfile::tempdir().expect("a folder");
    let speech = tests::fixture("speech.flac").display().to_string();
    make(
        &folder.path().join("obs.mkv"),
        &format!(
            "-f lavfi -i anullsrc=d=7 -i {speech} -map 0 -map 1 -c:a aac -disposition:a:0 default -disposition:a:1 0"
        ),
    );
    let mut command = clipwright(["transcribe", "obs.mkv", "-o", "transcript.json"]);
    let _ = Ran::of(command.current_dir(&folder)).well();
}
