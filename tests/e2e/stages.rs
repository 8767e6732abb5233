//! Stage by stage, as a person who mends the text in between, and what the stages make of unusual speech.

use std::{fs, path::Path};

use serde_json::Value;
use tests::{Ran, Talk, clipwright, ffmpeg, make};

fn run(folder: &Path, args: &str) {
    let mut command = clipwright(args.split_ascii_whitespace());
    let _ = Ran::of(command.current_dir(folder)).well();
}

fn json(folder: &Path, name: &str) -> Value {
    let bytes = fs::read(folder.join(name)).expect("a file");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The length of each clip of an outcome, in milliseconds.
fn lengths(folder: &Path, out: &str) -> Vec<u64> {
    let outcome = json(folder, &format!("{out}/outcome.json"));
    let clips = outcome["output"]["clips"].as_array().expect("clips");
    let length = |clip: &Value| clip["duration_ms"].as_u64().expect("a length");
    clips.iter().map(length).collect()
}

#[test]
fn one_by_one_the_stages_make_what_clip_makes() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    Talk::default().make(&folder.join("talk.mp4"));
    let look = "--aspect-ratio 1:1";
    run(folder, &format!("clip talk.mp4 --out whole {look}"));
    fs::create_dir(folder.join("parts")).expect("a folder");
    run(folder, "transcribe talk.mp4 -o parts/transcript.json");
    run(
        folder,
        &format!("plan parts/transcript.json --source talk.mp4 -o parts/plan.json {look}"),
    );
    run(
        folder,
        &format!("render talk.mp4 parts/plan.json --out parts {look}"),
    );
    for name in ["transcript.json", "plan.json"] {
        let [whole, parts] = ["whole", "parts"].map(|out| json(folder, &format!("{out}/{name}")));
        assert_eq!(whole, parts, "{name}");
    }
    for name in ["mp4", "srt", "vtt", "jpg"] {
        let file = |out: &str| fs::read(folder.join(format!("{out}/clips/clip_00.{name}")));
        let [whole, parts] = ["whole", "parts"].map(|out| file(out).expect("a file"));
        assert!(whole == parts, "the .{name} of the two differ");
    }
}

#[test]
fn pauses_are_taken_out_when_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    // a pause of two seconds after the first sentence
    let talk = Talk {
        voice: "asplit[a][b];[a]atrim=end=4[first];[b]atrim=start=4,asetpts=PTS-STARTPTS,adelay=2000:all=1[rest];[first][rest]concat=v=0:a=1".into(),
        ..Talk::default()
    };
    talk.make(&folder.join("talk.mp4"));
    let look = "--aspect-ratio 1:1 --captions none";
    run(folder, &format!("clip talk.mp4 --out with {look}"));
    run(
        folder,
        &format!("clip talk.mp4 --out without --remove-silences {look}"),
    );
    let [with, without] = ["with", "without"].map(|out| lengths(folder, out));
    assert_eq!((with.len(), without.len()), (1, 1));
    assert!(
        without[0] + 1_500 <= with[0],
        "{} ms with pauses, {} ms without",
        with[0],
        without[0]
    );
}

#[test]
fn of_several_sound_tracks_the_default_one_is_heard() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    Talk::default().make(&folder.join("talk.mp4"));
    make(
        &folder.join("noise.flac"),
        "-f lavfi -i anoisesrc=d=11:a=0.02",
    );
    let mut command = ffmpeg();
    command.current_dir(folder).args(
        "-i talk.mp4 -i noise.flac -map 0:v -map 1:a -map 0:a -c:v copy -c:a aac -disposition:a:0 0 -disposition:a:1 default both.mp4"
            .split_ascii_whitespace(),
    );
    assert!(command.status().expect("ffmpeg starts").success());
    for name in ["talk", "both"] {
        run(folder, &format!("transcribe {name}.mp4 -o {name}.json"));
    }
    let text = |name: &str| json(folder, name)["segments"][0]["text"].clone();
    assert_eq!(text("both.json"), text("talk.json"));
}

#[test]
fn what_a_person_edited_is_kept_when_clip_runs_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    Talk::default().make(&folder.join("talk.mp4"));
    let clip = "clip talk.mp4 --out out --aspect-ratio 1:1";
    run(folder, clip);
    let edit = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut value = json(folder, name);
        change(&mut value);
        fs::write(folder.join(name), value.to_string()).expect("a file written");
    };
    edit("out/plan.json", &|plan| {
        plan["clips"][0]["title"] = "My own".into();
        plan["clips"][0]["end_ms"] = 3_000.into();
    });
    edit("out/transcript.json", &|transcript| {
        transcript["segments"][0]["words"][2]["text"] = "Jon".into();
    });
    run(folder, clip);
    assert_eq!(json(folder, "out/plan.json")["clips"][0]["title"], "My own");
    assert_eq!(lengths(folder, "out"), [3_000]);
    let captions = fs::read_to_string(folder.join("out/clips/clip_00.srt")).expect("captions");
    assert!(captions.contains("Jon "), "{captions}");
}
