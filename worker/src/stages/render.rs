//! From a plan to clips: each one measured in a quick pass, then made in a single run of ffmpeg, from the source.

mod clip;
mod measure;
mod placement;
mod thumbnail;
pub(crate) mod timeline;

use std::path::Path;

use domain::{
    ClipOptions, ErrorCode, Failure, Fingerprint, Layout, Plan, PlannedClip, Size, Stage,
    TimeRange, Transcript, Word, keys,
};

use crate::{
    cli::Limits,
    ffmpeg::{
        command::CallError,
        media::{Sound, Video},
    },
    folder::disk_full,
    outputs::Outputs,
    setup::Home,
    source::Source,
};

pub(crate) const STAGE: Stage = Stage::Render;

/// Raised whenever clips come out different from the same input, so that old ones are not taken for new.
const VERSION: u32 = 8;

/// How the clips are rendered.
#[derive(Debug, Clone)]
pub(crate) struct RenderSettings {
    pub(crate) target: Size,
    pub(crate) layout: Layout,
    /// Style of the captions; none: they are not burned in.
    pub(crate) captions: Option<&'static captions::Style>,
}

impl RenderSettings {
    /// The part of the options that matters for rendering.
    pub(crate) fn of(options: &ClipOptions) -> Self {
        Self {
            target: options.aspect_ratio.output_size(),
            layout: options.layout,
            captions: captions::style(&options.captions),
        }
    }
}

/// A rendered clip.
#[derive(Debug, Clone)]
pub(crate) struct RenderedClip {
    pub(crate) duration_ms: u64,
    pub(crate) size: Size,
    pub(crate) bytes: u64,
    /// Whether an earlier run rendered it.
    pub(crate) reused: bool,
}

/// Everything that clips are made from.
#[derive(Debug)]
pub(crate) struct RenderInput<'a> {
    pub(crate) home: &'a Home,
    pub(crate) limits: &'a Limits,
    pub(crate) source: &'a Source,
    /// Its picture.
    pub(crate) video: &'a Video,
    /// The sound track that the clips get.
    pub(crate) sound: Option<&'a Sound>,
    pub(crate) transcript: &'a Transcript,
    pub(crate) settings: &'a RenderSettings,
}

/// Renders the clips of a plan; those of an earlier run that still fit are reused. `done` receives the number of the clip under way and
/// the fraction of it that is rendered, `made` every finished clip.
///
/// # Errors
/// When ffmpeg fails or the folder cannot be written to; clips made before stay.
pub(crate) async fn render(
    input: &RenderInput<'_>,
    plan: &Plan,
    outputs: &Outputs,
    mut done: impl FnMut(usize, f64),
    mut made: impl FnMut(&PlannedClip, &RenderedClip),
) -> Result<Vec<RenderedClip>, Failure> {
    let mut rendered = Vec::with_capacity(plan.clips.len());
    for (number, row) in plan.clips.iter().enumerate() {
        let mut clip_done = |fraction| done(number, fraction);
        clip_done(0.0);
        let clip = render_or_take(input, row, outputs, &mut clip_done).await?;
        made(row, &clip);
        clip_done(1.0);
        rendered.push(clip);
    }
    let wanted: Vec<String> = plan
        .clips
        .iter()
        .map(|row| keys::clip(row.clip_index, "mp4"))
        .collect();
    outputs.remove_others(STAGE, "clips", &wanted).await?;
    Ok(rendered)
}

async fn render_or_take(
    input: &RenderInput<'_>,
    row: &PlannedClip,
    outputs: &Outputs,
    done: &mut impl FnMut(f64),
) -> Result<RenderedClip, Failure> {
    let words = words_of(input.transcript, row);
    let made_from = fingerprint(input, row, &words);
    let names = ["mp4", "srt", "vtt", "jpg"].map(|extension| keys::clip(row.clip_index, extension));
    if let Some(paths) = outputs.take(STAGE, &names, &made_from).await?
        && let Ok(clip) = clip::check(input, &paths[0], None).await
    {
        return Ok(RenderedClip {
            reused: true,
            ..clip
        });
    }
    let scratch = outputs.scratch_for(STAGE)?;
    let clip = clip::make(input, row, &words, scratch.path(), done).await?;
    let files: Vec<_> = names
        .into_iter()
        .map(|name| (scratch.path().join(clip::file_name(&name)), name))
        .collect();
    outputs.keep(STAGE, &files, &made_from).await?;
    Ok(clip)
}

/// The words that touch a clip, in source time.
fn words_of(transcript: &Transcript, row: &PlannedClip) -> Vec<Word> {
    let range = row.range();
    let touches = |word: &&Word| {
        TimeRange::new(word.start_ms, word.end_ms).is_ok_and(|word| word.overlap_ms(range) > 0)
    };
    transcript.words().filter(touches).cloned().collect()
}

/// What the pixels and the sound of a clip depend on; its title and scores do not matter.
fn fingerprint(input: &RenderInput<'_>, row: &PlannedClip, words: &[Word]) -> Fingerprint {
    let RenderSettings {
        target,
        layout,
        captions,
    } = input.settings;
    let style = captions.map(|style| style.name);
    Fingerprint::of(&(
        VERSION,
        (
            &input.source.fingerprint,
            input.sound.map(|sound| (sound.index, &sound.mix)),
            (input.video.shown, input.video.subtitles),
        ),
        row.range(),
        &row.cuts,
        words,
        &input.transcript.language,
        target,
        layout,
        style,
    ))
}

/// What a failed call of ffmpeg means for the job.
fn failure(why: &CallError, scratch: &Path) -> Failure {
    if why.stderr().contains("No space left on device") {
        return disk_full(STAGE, scratch);
    }
    if let Some(failure) = why.at_limit(STAGE) {
        return failure;
    }
    if why
        .stderr()
        .contains("Invalid data found when processing input")
    {
        return Failure::input(
            STAGE,
            ErrorCode::SourceUnsupported,
            format!("the picture cannot be decoded: {why}"),
        );
    }
    Failure::internal(STAGE, format!("ffmpeg: {why}"))
}
