//! From a transcript to a plan.

use domain::{ClipOptions, Dropped, Plan, PlannedClip, SalientSentence, Score, Transcript};

use crate::{
    candidates::{Run, considered, cut, runs},
    embed::{EmbedError, Embedder},
    likeness::Likeness,
    schedule::{Interval, best_distinct},
    score::{Scored, score},
    silences::silences,
    sound::SoundProfile,
    stats::standardized,
    talk::Talk,
    wording::{reason, summary, title},
};

/// Clips that a plan has whenever the material allows it and as many are wanted.
const FEWEST: usize = 3;
/// Candidates not taken that a plan tells of.
const DROPPED: usize = 20;
/// Candidates for each first sentence that go on to the schedule.
const PER_START: usize = 4;

/// Plans the clips of a talk.
///
/// # Errors
/// When the embedding model cannot be run.
pub fn plan(
    transcript: &Transcript,
    sound: Option<&SoundProfile>,
    options: &ClipOptions,
    embedder: &Embedder,
) -> Result<Plan, EmbedError> {
    let mut plan = Plan {
        version: 1,
        planner: Some("embedded".into()),
        clips: Vec::new(),
        dropped: Vec::new(),
        sentences: Vec::new(),
    };
    if transcript.segments.is_empty() {
        return Ok(plan);
    }
    let talk = Talk::new(transcript, sound, embedder)?;
    let candidates = candidates(&talk, options);
    let likeness = Likeness::new(&talk, &candidates);
    let chosen = choose(
        &candidates,
        options.requested_clip_count as usize,
        &likeness,
    );
    plan.clips = clips(&talk, &candidates, &chosen);
    if options.remove_silences {
        for clip in &mut plan.clips {
            clip.cuts = silences(transcript, clip.range());
        }
    }
    plan.dropped = dropped(&candidates, &chosen, &plan.clips, &likeness);
    plan.sentences = sentences(&talk);
    Ok(plan)
}

/// Every run that could be a clip, best first of each beginning; the whole part considered where nothing is long enough.
fn candidates(talk: &Talk<'_>, options: &ClipOptions) -> Vec<Scored> {
    let (from, to) = considered(talk.segments, options);
    let mut runs = runs(talk.segments, (from, to), options, talk.duration_ms);
    if runs.is_empty() && from < to {
        runs.extend(
            cut(talk.segments, from, to - 1, talk.duration_ms).map(|range| Run {
                first: from,
                last: to - 1,
                range,
            }),
        );
    }
    let density: Vec<f64> = runs
        .iter()
        .map(|run| {
            let brought_up: f64 = talk.brought_up[run.first..=run.last].iter().sum();
            brought_up / run.range.duration_ms() as f64
        })
        .collect();
    let mut scored: Vec<Scored> = runs
        .iter()
        .zip(standardized(&density))
        .map(|(&run, density)| score(talk, run, density, None))
        .collect();
    scored.sort_by(|a, b| {
        (a.run.first.cmp(&b.run.first))
            .then(b.total.total_cmp(&a.total))
            .then(a.run.last.cmp(&b.run.last))
    });
    let mut nth = 0;
    let mut before = usize::MAX;
    scored.retain(|one| {
        nth = if one.run.first == before { nth + 1 } else { 0 };
        before = one.run.first;
        nth < PER_START
    });
    scored
}

/// Indices of the candidates to take, in order of time.
fn choose(candidates: &[Scored], most: usize, likeness: &Likeness) -> Vec<usize> {
    let take = |flawed: bool| {
        let usable: Vec<usize> = (0..candidates.len())
            .filter(|&at| flawed || candidates[at].flaw.is_none())
            .collect();
        let intervals: Vec<Interval> = usable
            .iter()
            .map(|&at| Interval {
                start: candidates[at].run.range.start_ms(),
                end: candidates[at].run.range.end_ms(),
                worth: candidates[at].total.max(1e-6),
            })
            .collect();
        let alike = |a: usize, b: usize| likeness.alike(usable[a], usable[b]);
        best_distinct(&intervals, most, alike)
            .into_iter()
            .map(|at| usable[at])
            .collect::<Vec<_>>()
    };
    let clean = take(false);
    if clean.len() >= FEWEST.min(most) {
        return clean;
    }
    let any = take(true);
    if any.len() > clean.len() { any } else { clean }
}

fn clips(talk: &Talk<'_>, candidates: &[Scored], chosen: &[usize]) -> Vec<PlannedClip> {
    let mut by_score = chosen.to_vec();
    by_score.sort_by(|&a, &b| {
        candidates[b]
            .total
            .total_cmp(&candidates[a].total)
            .then(a.cmp(&b))
    });
    let rank = |at: usize| {
        by_score
            .iter()
            .position(|&other| other == at)
            .unwrap_or_default()
            + 1
    };
    chosen
        .iter()
        .enumerate()
        .map(|(index, &at)| {
            let one = &candidates[at];
            PlannedClip {
                clip_index: index as u32,
                rank: rank(at) as u32,
                start_ms: one.run.range.start_ms(),
                end_ms: one.run.range.end_ms(),
                title: title(talk, one.run),
                summary: summary(talk, one.run),
                reason: reason(&one.evidence),
                virality_score: Score::clamped(one.total),
                score_breakdown: one.breakdown,
                evidence: Some(one.evidence.clone()),
                cuts: Vec::new(),
            }
        })
        .collect()
}

fn dropped(
    candidates: &[Scored],
    chosen: &[usize],
    clips: &[PlannedClip],
    likeness: &Likeness,
) -> Vec<Dropped> {
    let mut left: Vec<usize> = (0..candidates.len())
        .filter(|at| !chosen.contains(at))
        .collect();
    left.sort_by(|&a, &b| {
        candidates[b]
            .total
            .total_cmp(&candidates[a].total)
            .then(a.cmp(&b))
    });
    left.truncate(DROPPED);
    left.into_iter()
        .map(|at| {
            let one = &candidates[at];
            let overlapped = chosen
                .iter()
                .position(|&taken| candidates[taken].run.range.overlap_ms(one.run.range) > 0);
            let said = chosen.iter().position(|&taken| likeness.alike(taken, at));
            let reason = match (one.flaw, overlapped, said) {
                (Some(flaw), ..) => flaw.to_owned(),
                (_, Some(clip), _) => format!(
                    "overlaps clip {}, which makes a better set",
                    clips[clip].clip_index
                ),
                (_, _, Some(clip)) => format!("says the same as clip {}", clips[clip].clip_index),
                _ => "lower score than the clips taken".to_owned(),
            };
            Dropped {
                start_ms: one.run.range.start_ms(),
                end_ms: one.run.range.end_ms(),
                virality_score: Score::clamped(one.total),
                reason,
            }
        })
        .collect()
}

fn sentences(talk: &Talk<'_>) -> Vec<SalientSentence> {
    talk.segments
        .iter()
        .zip(&talk.salience)
        .map(|(segment, &salience)| SalientSentence {
            start_ms: segment.start_ms,
            end_ms: segment.end_ms,
            text: segment.text.clone(),
            salience: Score::clamped(salience),
        })
        .collect()
}
