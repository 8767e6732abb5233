//! From proposals to a plan: the best of them that do not overlap.

use domain::{ClipOptions, DroppedCandidate, Plan, PlannedClip, Score, TimeRange, Transcript};
use highlights::{Interval, best_schedule, clip_range, silences};

use super::matching::Proposal;

/// The plan made of the proposals; none if there are none.
pub(super) fn plan(
    proposals: &[Proposal],
    transcript: &Transcript,
    options: &ClipOptions,
    planner: String,
) -> Option<Plan> {
    let ranges: Vec<TimeRange> = proposals
        .iter()
        .map(|one| range(one, transcript))
        .collect::<Option<_>>()?;
    let intervals: Vec<Interval> = ranges
        .iter()
        .zip(proposals)
        .map(|(range, one)| Interval {
            start: range.start_ms(),
            end: range.end_ms(),
            weight: one.total.max(1e-6),
        })
        .collect();
    let chosen = best_schedule(&intervals, options.requested_clip_count as usize, |_| true);
    if chosen.is_empty() {
        return None;
    }
    let mut clips: Vec<PlannedClip> = chosen
        .iter()
        .zip(0..)
        .map(|(&at, index)| clip(&proposals[at], ranges[at], index))
        .collect();
    rank(&mut clips);
    if options.remove_silences {
        for clip in &mut clips {
            clip.cuts = silences(transcript, clip.range());
        }
    }
    let dropped = dropped(proposals, &ranges, &chosen);
    Some(Plan {
        version: 1,
        planner: Some(planner),
        clips,
        dropped,
        sentences: Vec::new(),
    })
}

fn range(proposal: &Proposal, transcript: &Transcript) -> Option<TimeRange> {
    clip_range(
        &transcript.segments,
        proposal.first,
        proposal.last,
        transcript.duration_ms,
    )
}

fn clip(proposal: &Proposal, range: TimeRange, clip_index: u32) -> PlannedClip {
    PlannedClip {
        clip_index,
        rank: 0,
        start_ms: range.start_ms(),
        end_ms: range.end_ms(),
        title: proposal.title.clone(),
        summary: proposal.summary.clone(),
        reason: proposal.reason.clone(),
        virality_score: Score::clamped(proposal.total),
        score_breakdown: proposal.breakdown,
        evidence: None,
        cuts: Vec::new(),
    }
}

/// Numbers the clips by score, from 1.
fn rank(clips: &mut [PlannedClip]) {
    let mut order: Vec<usize> = (0..clips.len()).collect();
    order.sort_by(|&a, &b| {
        clips[b]
            .virality_score
            .get()
            .total_cmp(&clips[a].virality_score.get())
    });
    for (rank, at) in (1..).zip(order) {
        clips[at].rank = rank;
    }
}

/// The other proposals, best first, each span once: windows overlap, and so do their answers.
fn dropped(
    proposals: &[Proposal],
    ranges: &[TimeRange],
    chosen: &[usize],
) -> Vec<DroppedCandidate> {
    let mut seen: Vec<TimeRange> = chosen.iter().map(|&at| ranges[at]).collect();
    let mut order: Vec<usize> = (0..proposals.len()).collect();
    order.sort_by(|&a, &b| proposals[b].total.total_cmp(&proposals[a].total));
    let mut dropped = Vec::new();
    for at in order {
        let range = ranges[at];
        if seen.contains(&range) {
            continue;
        }
        seen.push(range);
        let overlapped = chosen
            .iter()
            .position(|&taken| ranges[taken].overlap_ms(range) > 0);
        dropped.push(DroppedCandidate {
            start_ms: range.start_ms(),
            end_ms: range.end_ms(),
            virality_score: Score::clamped(proposals[at].total),
            reason: match overlapped {
                Some(clip) => format!("overlaps clip {clip}, which makes a better set"),
                None => "lower score than the clips taken".into(),
            },
        });
    }
    dropped
}
