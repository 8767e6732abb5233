//! Rendering again after a person has changed something makes just what changed.

use std::{fs, path::Path, time::SystemTime};

use tests::{Job, Talk, probe};

const LOOK: &str = "--aspect-ratio 1:1";

fn made(out: &Path) -> [SystemTime; 2] {
    [0, 1].map(|clip| {
        fs::metadata(out.join(format!("clips/clip_0{clip}.mp4")))
            .and_then(|meta| meta.modified())
            .expect("a clip")
    })
}

#[test]
fn only_what_a_person_changed_is_rendered_again() {
    let talk = Talk {
        seconds: 7.0,
        ..Talk::default()
    };
    let job = Job::new(&talk, "talk.mp4", 1_000);
    job.plan(&[(0, 1_500), (4_000, 5_500)]);
    let out = job.path("out");
    let mut last = [SystemTime::UNIX_EPOCH; 2];
    let mut changed = |what: &str, wanted: [bool; 2]| {
        job.render("out", LOOK);
        let now = made(&out);
        assert_eq!([now[0] != last[0], now[1] != last[1]], wanted, "{what}");
        last = now;
    };
    changed("first", [true, true]);
    job.edit("plan.json", |plan| {
        plan["clips"][0]["title"] = "Another".into();
    });
    changed("a title", [false, false]);
    job.edit("plan.json", |plan| {
        plan["clips"][1]["end_ms"] = 5_000.into();
    });
    changed("an end", [false, true]);
    job.edit("transcript.json", |transcript| {
        transcript["segments"][0]["words"][1]["text"] = "Mr.".into();
    });
    changed("a word", [true, false]);
    let length = probe(&out.join("clips/clip_01.mp4"))["format"]["duration"].clone();
    assert_eq!(length, "1.000000");
}
