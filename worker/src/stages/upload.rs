//! Hands over what was made: the outcome with everything that a receiver wants to know, in the folder of the clips.

use std::collections::BTreeMap;

use domain::{
    ClipOutput, Failure, Fingerprint, JobOutput, Outcome, Plan, PlannedClip, Stage, StageReport,
    keys,
};

use crate::{
    folder::Folder,
    setup::{SpeechModel, version},
    source::Source,
    stages::render::RenderedClip,
};

/// Writes `outcome.json` and gives what it holds.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn upload(
    folder: &Folder,
    output: JobOutput,
    stages: Vec<StageReport>,
    model: &SpeechModel,
) -> Result<Outcome, Failure> {
    let outcome = Outcome::Succeeded {
        output,
        stages,
        tools: tool_versions(model),
    };
    folder.keep_json(
        Stage::Upload,
        keys::OUTCOME,
        &outcome,
        &Fingerprint::of(&outcome),
    )?;
    Ok(outcome)
}

/// What `job.completed` says of the clips, with the names of the files in the folder as addresses.
pub(crate) fn output(source: &Source, plan: &Plan, clips: &[RenderedClip]) -> JobOutput {
    JobOutput {
        total_clips: clips.len() as u32,
        source_video_title: source.title.clone(),
        processing_time_seconds: None,
        considered_ms: None,
        source_duration_ms: Some(source.media.duration_ms),
        timings: None,
        clips: plan
            .clips
            .iter()
            .zip(clips)
            .map(|(row, clip)| clip_output(row, clip))
            .collect(),
        transcript_url: None,
        plan_url: None,
    }
}

/// What is said of one clip, with the names of its files as addresses.
pub(crate) fn clip_output(row: &PlannedClip, clip: &RenderedClip) -> ClipOutput {
    ClipOutput {
        clip_index: row.clip_index,
        s3_url: keys::clip(row.clip_index, "mp4"),
        duration_ms: clip.duration_ms,
        virality_score: row.virality_score,
        summary: Some(row.summary.clone()),
        title: Some(row.title.clone()),
        rank: Some(row.rank),
        start_ms: Some(row.start_ms),
        end_ms: Some(row.end_ms),
        score_breakdown: Some(row.score_breakdown),
        reason: Some(row.reason.clone()),
        captions_url: Some(keys::clip(row.clip_index, "vtt")),
        thumbnail_url: Some(keys::clip(row.clip_index, "jpg")),
        width: Some(clip.size.width),
        height: Some(clip.size.height),
    }
}

/// Versions of what took part, by name.
fn tool_versions(model: &SpeechModel) -> BTreeMap<String, String> {
    let versions = [
        ("clipwright", env!("CARGO_PKG_VERSION")),
        ("ffmpeg", version("ffmpeg")),
        ("ctranslate2", version("ctranslate2")),
        ("speech_model", &model.name),
    ];
    versions
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .into()
}
