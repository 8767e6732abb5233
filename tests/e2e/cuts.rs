//! Plans with as many cuts, and as many changes of view, as there may be: in sync, and within the memory of a small task.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use domain::limits::MAX_CUTS;
use serde_json::json;
use tests::{Frame, Job, Talk, frame_at, most_resident_bytes, probe, samples};

/// What rendering one clip may take at most, in bytes.
const MEMORY: u64 = 800_000_000;

/// Length of a frame of the talk in milliseconds.
const FRAME_MS: u64 = 40;

/// Watches the memory of the processes that work on a job's files while it is rendered.
fn rendered(job: &Job, look: &str) -> (std::path::PathBuf, u64) {
    let (over, most) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let watcher = thread::spawn({
        let (folder, over, most) = (job.path(""), over.clone(), most.clone());
        move || {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(most_resident_bytes(&folder), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(50));
            }
        }
    });
    let clip = job.render("out", look);
    over.store(true, Ordering::Relaxed);
    watcher.join().expect("the watcher ends");
    (clip, most.load(Ordering::Relaxed))
}

fn seconds(clip: &Path) -> f64 {
    let length = probe(clip)["format"]["duration"].as_str().map(str::parse);
    length.expect("a length").expect("a number")
}

fn brightness(frame: &Frame) -> u8 {
    frame.at(frame.width / 2, frame.height / 2)[1]
}

#[test]
fn a_plan_with_as_many_cuts_as_there_may_be_stays_in_sync() {
    let cuts = MAX_CUTS as u64;
    let length_ms = (2 * cuts + 1) * FRAME_MS;
    // dark and silent, then bright and loud
    let turn = (length_ms / 2_000) as f64;
    let talk = Talk {
        seconds: length_ms as f64 / 1000.0,
        picture: format!(
            "drawbox=color=black:t=fill,drawbox=color=white:t=fill:enable='gte(t,{turn})'"
        ),
        voice: format!("apad,aeval='if(gte(t,{turn}),0.5*sin(2764.6*t),0)':c=same"),
        ..Talk::default()
    };
    let job = Job::new(&talk, "talk.mp4", length_ms);
    job.edit("plan.json", |plan| {
        let cut = |number| [(2 * number + 1) * FRAME_MS, (2 * number + 2) * FRAME_MS];
        plan["clips"][0]["cuts"] = json!((0..cuts).map(cut).collect::<Vec<_>>());
    });
    let (clip, memory) = rendered(&job, "--captions none --layout fit");
    assert!(memory < MEMORY, "{memory} bytes");
    let length = seconds(&clip);
    assert!(
        (length - (cuts + 1) as f64 * 0.04).abs() < 0.05,
        "{length} s"
    );
    let sound = samples(&clip);
    let heard = sound.iter().position(|sample| sample.abs() > 0.05);
    let heard = heard.expect("the tone") as f64 / 48_000.0;
    assert!((heard - turn / 2.0).abs() < 0.05, "heard at {heard} s");
    let seen = |frames: f64| brightness(&frame_at(&clip, turn / 2.0 + frames * 0.04));
    assert!(
        seen(-2.0) < 60 && seen(2.0) > 200,
        "{} {}",
        seen(-2.0),
        seen(2.0)
    );
}

#[test]
fn a_clip_that_changes_its_view_twice_a_second_shows_each_in_its_time() {
    // a face on a grey ground, then none on red, half a second each
    let talk = Talk {
        seconds: 20.0,
        x: "if(mod(floor(t*2),2),W+10,(W-w)/2)".into(),
        picture: "drawbox=color=red:t=fill:enable='mod(floor(t*2),2)'".into(),
        ..Talk::default()
    };
    let job = Job::new(&talk, "talk.mp4", 20_000);
    let (clip, memory) = rendered(&job, "--captions none --layout auto");
    assert!(memory < MEMORY, "{memory} bytes");
    assert!((seconds(&clip) - 20.0).abs() < 0.05);
    for half in 0..40 {
        let frame = frame_at(&clip, f64::from(half) / 2.0 + 0.25);
        let [red, green, _] = frame.at(frame.width / 2, frame.height / 2);
        let is_red = red > 150 && green < 60;
        assert_eq!(is_red, half % 2 == 1, "at {half} half seconds");
    }
}
