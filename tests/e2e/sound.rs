//! Loudness of loud, quiet and peaky talks, and cuts without clicks.

use tests::{Job, Talk, loudness, probe, samples};

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
