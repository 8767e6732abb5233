//! From a transcript to a plan.

use domain::{ClipOptions, Plan, PlannedClip, SalientSentence, Score, Transcript};

use crate::{
    candidates::{Run, candidates},
    choice::{choose, dropped},
    embed::{EmbedError, Embedder},
    likeness::Likeness,
    score::{Scored, score},
    silences::silences,
    sound::SoundProfile,
    stats::standardized,
    steering::closeness,
    talk::Talk,
    wording::{reason, summary, title},
};

/// Candidates with the same first sentence that go on to the schedule; more only differ in where they end.
const PER_START: usize = 4;

/// Plans the clips of a talk; `sound` takes part in the scores where it is given. The same input always gives the same plan.
///
/// The plan has no clips only if there is no sentence in the part of the source to consider.
///
/// # Errors
/// When the embedding model cannot be run.
pub fn plan(
    transcript: &Transcript,
    sound: Option<&SoundProfile>,
    options: &ClipOptions,
    embedder: &Embedder,
) -> Result<Plan, EmbedError> {
    let talk = Talk::new(transcript, sound, embedder)?;
    let texts: Vec<&str> = talk
        .segments
        .iter()
        .map(|segment| segment.text.as_str())
        .collect();
    let close = match options.topics.as_slice() {
        [] => None,
        topics => Some(closeness(&texts, topics, embedder)?),
    };
    Ok(plan_talk(&talk, transcript, close.as_deref(), options))
}

/// Plans a talk that is read already; `close` is how close each sentence is to the topics asked for.
pub(crate) fn plan_talk(
    talk: &Talk<'_>,
    transcript: &Transcript,
    close: Option<&[f64]>,
    options: &ClipOptions,
) -> Plan {
    let candidates = scored(talk, close, options);
    let likeness = Likeness::new(talk, &candidates);
    let chosen = choose(
        &candidates,
        options.requested_clip_count as usize,
        &likeness,
    );
    let mut clips = clips(talk, &candidates, &chosen);
    if options.remove_silences {
        for clip in &mut clips {
            clip.cuts = silences(transcript, clip.range());
        }
    }
    Plan {
        version: 1,
        planner: Some("embedded".into()),
        clips,
        dropped: dropped(&candidates, &chosen, &likeness),
        sentences: sentences(talk),
    }
}

/// Every run that could be a clip with its scores, the best few of each first sentence.
fn scored(talk: &Talk<'_>, close: Option<&[f64]>, options: &ClipOptions) -> Vec<Scored> {
    let runs = candidates(talk.segments, options, talk.duration_ms);
    let density = standardized(&of_runs(&runs, |run| {
        talk.brought_up[run.first..=run.last].iter().sum::<f64>() / run.range.duration_ms() as f64
    }));
    let close = close.map(|close| {
        standardized(&of_runs(&runs, |run| {
            close[run.first..=run.last].iter().sum::<f64>() / (run.last - run.first + 1) as f64
        }))
    });
    let mut scored: Vec<Scored> = (0..runs.len())
        .map(|at| {
            score(
                talk,
                runs[at],
                density[at],
                close.as_ref().map(|close| close[at]),
            )
        })
        .collect();
    scored.sort_by(|a, b| {
        (a.run.first.cmp(&b.run.first))
            .then(a.flaw.is_some().cmp(&b.flaw.is_some()))
            .then(b.total.total_cmp(&a.total))
            .then(a.run.last.cmp(&b.run.last))
    });
    let (mut first, mut nth) = (usize::MAX, 0);
    scored.retain(|one| {
        nth = if one.run.first == first { nth + 1 } else { 0 };
        first = one.run.first;
        nth < PER_START
    });
    scored
}

fn of_runs(runs: &[Run], of: impl Fn(&Run) -> f64) -> Vec<f64> {
    runs.iter().map(of).collect()
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
