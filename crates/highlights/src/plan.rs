//! From a transcript to a plan.

use std::cmp::Ordering;

use domain::{ClipOptions, Plan, PlannedClip, SalientSentence, Score, Transcript};

use crate::{
    candidates::{Run, candidates},
    embed::{EmbedError, Embedder},
    prefix_sums::PrefixSums,
    relevance::relevance,
    score::{RelativeFeatures, Scored, explained, score},
    selection::{dropped, select},
    silences::silences,
    similarity::Similarity,
    sound::SoundProfile,
    stats::normalize,
    talk::Talk,
    wording::{reason, summary, title},
};

/// Candidates scheduled per first sentence; more would differ only in where they end.
const PER_START: usize = 4;
/// Candidates scheduled in all: enough for all of seven thousand sentences.
const MAX_CANDIDATES: usize = 30_000;

/// Plans the clips of a talk; `sound`, if given, contributes to the scores. Deterministic.
///
/// The plan is empty only if there is no sentence in the requested part of the source.
///
/// # Errors
/// When the embedding model fails.
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
    let relevance = match options.topics.as_slice() {
        [] => None,
        topics => Some(relevance(&texts, topics, embedder)?),
    };
    Ok(plan_talk(&talk, transcript, relevance.as_deref(), options))
}

/// Plans a talk from its features; `relevance` is that of each sentence to the requested topics.
pub(crate) fn plan_talk(
    talk: &Talk<'_>,
    transcript: &Transcript,
    relevance: Option<&[f64]>,
    options: &ClipOptions,
) -> Plan {
    let candidates = scored(talk, relevance, options);
    let similarity = Similarity::new(talk, &candidates);
    let chosen = select(
        &candidates,
        options.requested_clip_count as usize,
        &similarity,
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
        dropped: dropped(&candidates, &chosen, &similarity),
        sentences: sentences(talk),
    }
}

/// Scores the candidates and keeps the best few for each first sentence.
fn scored(talk: &Talk<'_>, relevance: Option<&[f64]>, options: &ClipOptions) -> Vec<Scored> {
    let runs = candidates(talk.segments, options, talk.duration_ms);
    let density = of_runs(&runs, |run| {
        talk.introductions(run.first, run.last) / run.range.duration_ms() as f64
    });
    let relevance = relevance.map(|relevance| {
        let relevance = PrefixSums::of(relevance.iter().copied());
        of_runs(&runs, |run| {
            relevance.over(run.first, run.last) / (run.last - run.first + 1) as f64
        })
    });
    let one = |at: usize| {
        let features = RelativeFeatures {
            density: density[at],
            relevance: relevance.as_ref().map(|relevance| relevance[at]),
        };
        score(talk, runs[at], features)
    };
    let mut scored: Vec<Scored> = Vec::new();
    let mut begun = 0;
    for are_similar in runs.chunk_by(|a, b| a.first == b.first) {
        let mut all: Vec<Scored> = (begun..begun + are_similar.len()).map(one).collect();
        begun += are_similar.len();
        all.sort_by(better);
        scored.extend(all.into_iter().take(PER_START));
    }
    best_few(scored)
}

/// Orders candidates with the same first sentence, better ones first.
fn better(a: &Scored, b: &Scored) -> Ordering {
    (a.flaw.is_some().cmp(&b.flaw.is_some()))
        .then(b.total.total_cmp(&a.total))
        .then(a.run.last.cmp(&b.run.last))
}

/// Orders candidates by first sentence and limits their number to the best.
fn best_few(mut scored: Vec<Scored>) -> Vec<Scored> {
    scored.sort_by(|a, b| a.run.first.cmp(&b.run.first).then(better(a, b)));
    let (mut first, mut nth) = (usize::MAX, 0);
    scored.retain(|one| {
        nth = if one.run.first == first { nth + 1 } else { 0 };
        first = one.run.first;
        nth < PER_START
    });
    if scored.len() > MAX_CANDIDATES {
        scored.sort_by(better);
        scored.truncate(MAX_CANDIDATES);
        scored.sort_by(|a, b| a.run.first.cmp(&b.run.first).then(better(a, b)));
    }
    scored
}

fn of_runs(runs: &[Run], of: impl Fn(&Run) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    normalize(&mut values);
    values
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
            let (breakdown, evidence) = explained(talk, one);
            PlannedClip {
                clip_index: index as u32,
                rank: rank(at) as u32,
                start_ms: one.run.range.start_ms(),
                end_ms: one.run.range.end_ms(),
                title: title(talk, one.run),
                summary: summary(talk, one.run),
                reason: reason(&evidence),
                virality_score: Score::clamped(one.total),
                score_breakdown: breakdown,
                evidence: Some(evidence),
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

#[cfg(test)]
mod tests {
    use domain::TimeRange;
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{evenly, talk, transcript};

    const ROCKETS: [&str; 12] = [
        "Rockets burn liquid hydrogen in every engine of the first stage.",
        "Hydrogen is the lightest fuel that engines can burn.",
        "And so the stage weighs less.",
        "Bread needs flour, water and a warm kitchen.",
        "A warm kitchen makes the dough rise within two hours.",
        "He never liked it.",
        "Why do whales sing in the winter sea?",
        "Whales sing to find each other over hundreds of miles of sea.",
        "The song travels because water carries sound so well.",
        "Cities plant trees to cool their streets in summer.",
        "Trees cool a street by seven degrees at noon.",
        "That is the end of",
    ];

    fn planned(transcript: &Transcript, options: &ClipOptions) -> Plan {
        plan_talk(&talk(transcript, None), transcript, None, options)
    }

    #[test]
    fn a_talk_gives_clips_that_stand_alone() {
        let transcript = evenly(&ROCKETS);
        let plan = planned(&transcript, &ClipOptions::default());
        assert!(plan.clips.len() >= 3, "{:?}", plan.clips);
        for clip in &plan.clips {
            let opens = |at: usize| transcript.segments[at].start_ms.abs_diff(clip.start_ms) < 400;
            assert!(![2, 5, 11].into_iter().any(opens), "{clip:?}");
            assert!(clip.end_ms < transcript.segments[11].start_ms, "{clip:?}");
        }
        insta::assert_json_snapshot!(plan.clips);
    }

    #[test]
    fn dropped_candidates_have_a_reason() {
        let mut texts = ROCKETS.to_vec();
        texts.extend(&ROCKETS[..11]);
        let options = ClipOptions {
            requested_clip_count: 4,
            ..ClipOptions::default()
        };
        let plan = planned(&evenly(&texts), &options);
        assert_eq!(plan.clips.len(), 4);
        let said: Vec<&str> = plan
            .clips
            .iter()
            .map(|clip| clip.summary.as_str())
            .collect();
        assert!(
            (0..4).all(|a| (0..a).all(|b| said[a] != said[b])),
            "{said:?}"
        );
        assert!(plan.dropped.len() <= 20);
        let reasons: String = plan.dropped.iter().map(|one| one.reason.as_str()).collect();
        assert!(reasons.contains("overlaps clip"), "{reasons}");
    }

    #[test]
    fn flawed_clips_are_planned_when_there_are_too_few_others() {
        let texts = ["He went on to the next of these and to that."; 3].map(str::to_owned);
        let rows: Vec<(u64, &str, u64)> = texts
            .iter()
            .zip(0..)
            .map(|(text, n)| (n * 60_000, text.as_str(), 20_000))
            .collect();
        let different = [
            "He baked bread.",
            "They built rockets.",
            "She heard whales.",
        ];
        let rows: Vec<(u64, &str, u64)> = rows
            .iter()
            .zip(different)
            .map(|(&(at, _, length), text)| (at, text, length))
            .collect();
        assert_eq!(
            planned(&transcript(&rows), &ClipOptions::default())
                .clips
                .len(),
            3
        );
    }

    #[test]
    fn topics_change_the_choice() {
        let transcript = evenly(&ROCKETS);
        let options = ClipOptions {
            requested_clip_count: 1,
            max_clip_seconds: 30,
            ..ClipOptions::default()
        };
        let about = |wanted: usize| {
            let relevance: Vec<f64> = (0..12)
                .map(|at| f64::from(u8::from(at / 3 == wanted)))
                .collect();
            let plan = plan_talk(
                &talk(&transcript, None),
                &transcript,
                Some(&relevance),
                &options,
            );
            (plan.clips[0].start_ms + 350) / 8300 / 3
        };
        assert_eq!([about(0), about(1), about(2), about(3)], [0, 1, 2, 3]);
    }

    #[test]
    fn a_plan_is_empty_only_without_sentences() {
        assert_eq!(planned(&transcript(&[]), &ClipOptions::default()).clips, []);
        let short = planned(
            &transcript(&[(500, "Hello there.", 900)]),
            &ClipOptions::default(),
        );
        assert_eq!(short.clips.len(), 1);
    }

    #[test]
    fn silences_are_cut_only_on_request() {
        let transcript = transcript(&[
            (0, "One two three four.", 10_000),
            (14_000, "Five six seven.", 10_000),
        ]);
        let options = |remove_silences| ClipOptions {
            remove_silences,
            ..ClipOptions::default()
        };
        assert!(
            planned(&transcript, &options(false)).clips[0]
                .cuts
                .is_empty()
        );
        let cut = &planned(&transcript, &options(true)).clips[0].cuts;
        assert_eq!(cut, &[TimeRange::new(10_100, 13_900).unwrap()]);
    }

    /// One-word sentences at the highest speech rate.
    fn fast_talk(sentences: u64) -> Transcript {
        let rows: Vec<(u64, &str, u64)> = (0..sentences)
            .map(|at| {
                (
                    at * 60,
                    ROCKETS[at as usize % 12]
                        .split(' ')
                        .next()
                        .unwrap_or_default(),
                    60,
                )
            })
            .collect();
        transcript(&rows)
    }

    #[test]
    fn the_work_grows_with_the_number_of_sentences() {
        // without limits, 4,000 such sentences took a minute and 3.4 GB; these take two seconds of CPU time
        let transcript = fast_talk(20_000);
        let options = ClipOptions {
            requested_clip_count: 30,
            min_clip_seconds: 5,
            max_clip_seconds: 180,
            remove_silences: true,
            ..ClipOptions::default()
        };
        let talk = talk(&transcript, None);
        let begun = std::time::Instant::now();
        let plan = plan_talk(&talk, &transcript, None, &options);
        assert!(begun.elapsed() < std::time::Duration::from_mins(1));
        assert!(!plan.clips.is_empty());
        let runs = candidates(&transcript.segments, &options, transcript.duration_ms);
        assert!(runs.len() <= 20_000 * 128);
    }

    #[test]
    fn candidates_beyond_the_limit_are_reduced_to_the_best() {
        let transcript = fast_talk(9_000);
        let talk = talk(&transcript, None);
        let scored = scored(&talk, None, &ClipOptions::default());
        assert_eq!(scored.len(), MAX_CANDIDATES);
        assert!(scored.is_sorted_by_key(|one| one.run.first));
    }

    fn any_talk() -> impl Strategy<Value = Transcript> {
        prop::collection::vec(
            (0_u64..3000, 500_u64..14_000, 0_usize..ROCKETS.len()),
            1..40,
        )
        .prop_map(|rows| {
            let mut at = 0;
            let rows: Vec<(u64, &str, u64)> = rows
                .into_iter()
                .map(|(gap, length, text)| {
                    let start = at + gap;
                    at = start + length;
                    (start, ROCKETS[text], length)
                })
                .collect();
            transcript(&rows)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn clips_are_whole_apart_and_within_the_lengths(transcript in any_talk(), count in 1_u32..8, least in 5_u32..20, more in 10_u32..40) {
            let options = ClipOptions { requested_clip_count: count, min_clip_seconds: least, max_clip_seconds: least + more, ..ClipOptions::default() };
            let plan = planned(&transcript, &options);
            prop_assert!(plan.check(transcript.duration_ms).is_ok());
            prop_assert!(!plan.clips.is_empty() && plan.clips.len() <= count as usize);
            prop_assert!(plan.clips.windows(2).all(|pair| pair[0].end_ms <= pair[1].start_ms));
            let short = plan.clips[0].end_ms - plan.clips[0].start_ms < u64::from(least) * 1000;
            prop_assert!(!short || plan.clips.len() == 1);
            for clip in &plan.clips {
                let begins = |lead: u64| transcript.segments.iter().any(|one| one.start_ms >= clip.start_ms && one.start_ms - clip.start_ms <= lead);
                let ends = |tail: u64| transcript.segments.iter().any(|one| one.end_ms <= clip.end_ms && clip.end_ms - one.end_ms <= tail);
                prop_assert!(begins(350) && ends(450));
                prop_assert!(clip.end_ms - clip.start_ms <= u64::from(least + more) * 1000);
                prop_assert!(transcript.words().all(|word| word.end_ms <= clip.start_ms || word.start_ms >= clip.end_ms || (word.start_ms >= clip.start_ms && word.end_ms <= clip.end_ms)));
                prop_assert!(clip.title.chars().count() <= 60 && !clip.title.is_empty() && !clip.title.ends_with(','));
            }
            let mut ranks: Vec<u32> = plan.clips.iter().map(|clip| clip.rank).collect();
            ranks.sort_unstable();
            prop_assert_eq!(ranks, (1..=plan.clips.len() as u32).collect::<Vec<_>>());
            prop_assert_eq!(planned(&transcript, &options), plan);
        }
    }
}
