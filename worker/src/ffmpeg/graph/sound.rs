//! The sound of a clip: the kept parts, faded at the cuts, measured or levelled.

use std::fmt::Write as _;

use crate::{
    ffmpeg::{media::Sound, sound::continuous},
    stages::render::timeline::{Frames, Timeline},
};

/// How long sound fades at a cut and at the ends of a clip, in seconds: too short to hear, long enough not to click.
const CUT_FADE_S: f64 = 0.008;

/// Below any voice, in hertz: a constant offset, as bad recorders add, and the rumble of handling take room from the peaks.
const LOWEST_HZ: u32 = 20;

/// Samples a second of the sound of clips, in hertz.
const SAMPLE_RATE: f64 = 48_000.0;

/// EBU R 128 loudness that the platforms play at.
const TARGET_LUFS: f64 = -14.0;
/// Leaves room for what AAC adds to a peak.
const TARGET_PEAK_DB: f64 = -2.0;
/// More would lift nothing but noise.
const MOST_GAIN_DB: f64 = 40.0;

/// How loud the kept sound is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Loudness {
    /// Integrated loudness in LUFS.
    pub(crate) integrated: f64,
    /// True peak in dBTP.
    pub(crate) true_peak: f64,
}

/// The graph from `[0:track]` to `[sound]`: the kept parts, faded at the cuts, at -14 LUFS and at most -2 dBTP.
pub(crate) fn sound(track: &Sound, timeline: &Timeline, loudness: Option<Loudness>) -> String {
    let mut graph = kept_sound(track, timeline);
    if let Some(loudness) = loudness {
        graph.push_str(&levelled(loudness));
    }
    graph.push_str(",aresample=48000,aformat=sample_fmts=fltp:channel_layouts=stereo[sound]");
    graph
}

/// The graph that measures the loudness of the kept parts.
pub(crate) fn measured_sound(track: &Sound, timeline: &Timeline) -> String {
    format!(
        "{},ebur128=peak=true:framelog=quiet[measured]",
        kept_sound(track, timeline)
    )
}

/// One gain for the whole clip, so that its dynamics stay, and a limiter for the peaks that it lifts too high.
///
/// The limiter works at four times the rate, as ITU-R BS.1770 measures true peaks.
pub(super) fn levelled(loudness: Loudness) -> String {
    let gain = (TARGET_LUFS - loudness.integrated).min(MOST_GAIN_DB);
    let over = loudness.true_peak + gain - TARGET_PEAK_DB;
    if over <= 0.0 {
        return format!(",volume={gain:.2}dB");
    }
    let limit = 10_f64.powf(TARGET_PEAK_DB / 20.0);
    format!(
        ",volume={gain:.2}dB,aresample=192000,alimiter=limit={limit:.4}:attack=3:release=60:level=0:asc=1"
    )
}

/// The sound is divided at the end of each kept part, and what was cut out before the part is trimmed off its start: sent to a
/// sink of its own, it would leave ffmpeg without a request for more and frames would pile up (seen in ffmpeg 7).
fn kept_sound(track: &Sound, timeline: &Timeline) -> String {
    let kept = timeline.kept();
    let mut graph = format!(
        "[0:{}]atrim=start=0,{},highpass=f={LOWEST_HZ},apad,atrim=end={:.6}",
        track.index,
        continuous(&track.mix, "stereo", "sample_rates=48000"),
        timeline.span_seconds()
    );
    if let [Frames { from: 0, .. }] = kept {
        let _ = write!(graph, ",{}", faded(timeline.span_seconds()));
        return graph;
    }
    let sample = |frame: u64| (timeline.seconds(frame) * SAMPLE_RATE).round() as u64;
    let (last, others) = (kept.len() - 1, &kept[..kept.len() - 1]);
    if !others.is_empty() {
        let ends: Vec<String> = others
            .iter()
            .map(|part| sample(part.to).to_string())
            .collect();
        let _ = write!(graph, ",asegment=samples={}", ends.join("|"));
    }
    for number in 0..kept.len() {
        let _ = write!(graph, "[sounds_{number}]");
    }
    graph.push(';');
    let mut end = 0;
    for (number, part) in kept.iter().enumerate() {
        let _ = write!(
            graph,
            "[sounds_{number}]atrim=start_sample={},asetpts=PTS-STARTPTS,{}[part_{number}];",
            sample(part.from) - end,
            faded(timeline.seconds(part.count())),
        );
        end = sample(part.to);
    }
    for number in 0..=last {
        let _ = write!(graph, "[part_{number}]");
    }
    let _ = write!(graph, "concat=n={}:v=0:a=1", kept.len());
    graph
}

/// The filters that fade a part of `length` seconds in and out.
fn faded(length: f64) -> String {
    let fade = CUT_FADE_S.min(length / 4.0);
    format!(
        "afade=t=in:d={fade:.4},afade=t=out:st={:.6}:d={fade:.4}",
        length - fade
    )
}
