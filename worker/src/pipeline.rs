//! The flow: download ▸ transcribe ▸ plan ▸ render ▸ upload. Each stage takes what is there already if it was made from the same.

mod arrival;

use std::{collections::BTreeMap, path::Path, time::Instant};

use domain::{
    AspectRatio, ClipOptions, Failure, Fingerprint, JobOutput, Layout, Outcome, Plan, PlannedClip,
    Stage, StageReport, Transcript, keys,
};

use crate::{
    cli::Limits,
    outputs::Outputs,
    planner::LanguageModelConfig,
    progress::Progress,
    setup::{Home, SpeechModel},
    source::{Source, unusable},
    stages::{
        plan::{self, SoundTrack},
        render::{self, RenderInput, RenderSettings, RenderedClip},
        transcribe::{self, Listening},
        upload,
    },
};

pub(crate) use arrival::arrive;

/// Raised whenever a stage makes something else from the same input, so that old outputs are not taken for new.
const TRANSCRIBE_VERSION: u32 = 2;
const PLAN_VERSION: u32 = 2;

/// What every stage needs.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) home: Home,
    pub(crate) limits: Limits,
    pub(crate) progress: Progress,
}

/// A job for the whole pipeline.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) source: String,
    pub(crate) options: ClipOptions,
    pub(crate) model: SpeechModel,
    pub(crate) language_model: Option<LanguageModelConfig>,
    /// A plan that a person edited, in place of the planner's.
    pub(crate) edited_plan: Option<Vec<u8>>,
}

/// Turns a source into clips among `outputs`.
///
/// # Errors
/// With the failure of the first stage that fails; what the stages before it made stays for the next run.
pub(crate) async fn clip(
    context: &Context,
    job: &Job,
    outputs: &Outputs,
) -> Result<Outcome, Failure> {
    let mut clock = Clock::start();
    let arrival = arrive(
        context,
        &job.source,
        &job.options,
        Some(&job.model),
        &outputs.folder().downloads(),
    )
    .await?;
    let source = arrival.source;
    source.picture()?;
    let window = source.window(&job.options)?;
    clock.done(Stage::Download, source.bytes, false);

    let said_in = transcript_made_from(job, &source);
    let (transcript, reused) =
        transcript(context, job, &source, arrival.transcript, &said_in, outputs).await?;
    clock.done(
        Stage::Transcribe,
        size_of(&outputs.path(keys::TRANSCRIPT)),
        reused,
    );

    let (plan, reused) = planned(context, job, &source, &transcript, &said_in, outputs).await?;
    clock.done(Stage::Plan, size_of(&outputs.path(keys::PLAN)), reused);

    let settings = RenderSettings::of(&job.options);
    let input = render_input(context, &source, &transcript, &settings)?;
    let clips = rendered(context, &input, &plan, outputs).await?;
    clock.done(
        Stage::Render,
        clips.iter().map(|clip| clip.bytes).sum(),
        clips.iter().all(|clip| clip.reused),
    );

    context
        .progress
        .at(Stage::Upload, 0.0, "Writing the outcome...");
    outputs.confirm(Stage::Upload).await?;
    let output = JobOutput {
        processing_time_seconds: Some(clock.seconds()),
        considered_ms: Some(window.duration_ms()),
        timings: Some(clock.timings()),
        transcript_url: Some(keys::TRANSCRIPT.to_owned()),
        plan_url: Some(keys::PLAN.to_owned()),
        ..upload::output(&source, &plan, &clips)
    };
    upload::upload(outputs.folder(), output, clock.reports, &job.model)
}

/// What a transcript depends on.
fn transcript_made_from(job: &Job, source: &Source) -> Fingerprint {
    Fingerprint::of(&(
        TRANSCRIBE_VERSION,
        &source.fingerprint,
        &job.options.language,
        (job.options.start_seconds, job.options.end_seconds),
        &job.model.name,
    ))
}

/// The transcript of the source: the one that is there, perhaps edited by a person, else a new one.
async fn transcript(
    context: &Context,
    job: &Job,
    source: &Source,
    already: Option<Transcript>,
    made_from: &Fingerprint,
    outputs: &Outputs,
) -> Result<(Transcript, bool), Failure> {
    if let Some(bytes) = outputs
        .read(Stage::Transcribe, keys::TRANSCRIPT, made_from)
        .await?
    {
        let transcript = Transcript::from_json(&bytes)
            .map_err(|why| unusable(Stage::Transcribe, &outputs.path(keys::TRANSCRIPT), &why))?;
        return Ok((transcript, true));
    }
    let transcript = match already {
        Some(transcript) => transcript,
        None => listen(context, source, &job.options, &job.model).await?,
    };
    outputs
        .keep_json(Stage::Transcribe, keys::TRANSCRIPT, &transcript, made_from)
        .await?;
    Ok((transcript, false))
}

/// Writes down what is said in the source.
///
/// # Errors
/// `no_speech` when it has no sound or nobody speaks.
pub(crate) async fn listen(
    context: &Context,
    source: &Source,
    options: &ClipOptions,
    model: &SpeechModel,
) -> Result<Transcript, Failure> {
    let language = options.language.as_deref();
    let window = source.window(options)?;
    let sound = source.sound.clone().ok_or_else(|| {
        Failure::input(
            Stage::Transcribe,
            domain::ErrorCode::NoSpeech,
            "the source has no sound",
        )
    })?;
    let what = Listening {
        file: source.path.clone(),
        sound,
        window,
        language: language.map(str::to_owned),
    };
    let heard = |fraction| listening(context, fraction);
    heard(0.0);
    transcribe::transcribe(
        &context.home,
        &model.folder,
        &what,
        source.media.duration_ms,
        heard,
    )
    .await
}

fn listening(context: &Context, fraction: f64) {
    context
        .progress
        .at(Stage::Transcribe, fraction, "Transcribing...");
}

/// The plan: the one that is there, perhaps edited by a person, else a new one. It does not depend on what a person mended in
/// the transcript, so that both can be edited.
async fn planned(
    context: &Context,
    job: &Job,
    source: &Source,
    transcript: &Transcript,
    said_in: &Fingerprint,
    outputs: &Outputs,
) -> Result<(Plan, bool), Failure> {
    if let Some(bytes) = &job.edited_plan {
        return edited(bytes, source, outputs).await;
    }
    let options = ClipOptions {
        aspect_ratio: AspectRatio::default(),
        layout: Layout::default(),
        captions: String::new(),
        ..job.options.clone()
    };
    let endpoint = job
        .language_model
        .as_ref()
        .map(|model| (&model.base_url, &model.model));
    let made_from = Fingerprint::of(&(PLAN_VERSION, said_in, options, endpoint));
    if let Some(bytes) = outputs.read(Stage::Plan, keys::PLAN, &made_from).await? {
        let plan = Plan::from_json(&bytes, source.media.duration_ms)
            .map_err(|why| unusable(Stage::Plan, &outputs.path(keys::PLAN), &why))?;
        return Ok((plan, true));
    }
    context
        .progress
        .at(Stage::Plan, 0.0, "Choosing the clips...");
    let sound = source
        .sound
        .as_ref()
        .zip(source.whole())
        .map(|(sound, window)| SoundTrack {
            file: &source.path,
            sound,
            window,
        });
    let plan = plan::plan(
        &context.home,
        transcript,
        sound,
        &job.options,
        job.language_model.as_ref(),
    )
    .await?;
    let plan = noted(plan, source);
    outputs
        .keep_json(Stage::Plan, keys::PLAN, &plan, &made_from)
        .await?;
    Ok((plan, false))
}

/// The plan, with a note where the picture decides how its clips are laid out.
fn noted(plan: Plan, source: &Source) -> Plan {
    let has_subtitles =
        (source.media.video.as_ref()).is_some_and(|video| video.subtitles.is_some());
    if !has_subtitles {
        return plan;
    }
    let note =
        "the picture has subtitles of its own: where a crop would cut them, all of it is shown";
    let planner = plan
        .planner
        .map_or(note.to_owned(), |planner| format!("{planner}; {note}"));
    Plan {
        planner: Some(planner),
        ..plan
    }
}

/// The plan that a person sent in.
async fn edited(bytes: &[u8], source: &Source, outputs: &Outputs) -> Result<(Plan, bool), Failure> {
    let plan = Plan::from_json(bytes, source.media.duration_ms)
        .map_err(|why| unusable(Stage::Plan, &outputs.path(keys::PLAN), &why))?;
    let made_from = Fingerprint::of_bytes(bytes);
    let there = outputs
        .read(Stage::Plan, keys::PLAN, &made_from)
        .await?
        .is_some();
    // also where it is there: it tells workers of older attempts that there is a later one
    outputs
        .keep_json(Stage::Plan, keys::PLAN, &plan, &made_from)
        .await?;
    Ok((plan, there))
}

/// Renders the clips of a plan.
///
/// # Errors
/// When one cannot be made; those made before stay.
pub(crate) async fn rendered(
    context: &Context,
    input: &RenderInput<'_>,
    plan: &Plan,
    outputs: &Outputs,
) -> Result<Vec<RenderedClip>, Failure> {
    let lengths: Vec<f64> = plan
        .clips
        .iter()
        .map(|row| row.range().duration_ms() as f64)
        .collect();
    let whole: f64 = lengths.iter().sum();
    let done = |number: usize, fraction: f64| {
        let before: f64 = lengths[..number].iter().sum();
        let step = format!("Rendering clip {}/{}...", number + 1, lengths.len());
        context.progress.at(
            Stage::Render,
            (before + lengths[number] * fraction) / whole,
            &step,
        );
    };
    let made = |row: &PlannedClip, clip: &RenderedClip| {
        context.progress.clip(upload::clip_output(row, clip));
    };
    context.progress.clips_due(plan.clips.len());
    render::render(input, plan, outputs, done, made).await
}

/// Gathers what clips are rendered from.
///
/// # Errors
/// When the source has no picture.
pub(crate) fn render_input<'a>(
    context: &'a Context,
    source: &'a Source,
    transcript: &'a Transcript,
    settings: &'a RenderSettings,
) -> Result<RenderInput<'a>, Failure> {
    Ok(RenderInput {
        home: &context.home,
        limits: &context.limits,
        sound: source.sound.as_ref(),
        source,
        video: source.picture()?,
        transcript,
        settings,
    })
}

/// What each stage took.
struct Clock {
    begun: Instant,
    stage_begun: Instant,
    reports: Vec<StageReport>,
}

impl Clock {
    fn start() -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            stage_begun: now,
            reports: Vec::new(),
        }
    }

    /// Seconds since the job began, to a tenth.
    fn seconds(&self) -> f64 {
        (self.begun.elapsed().as_secs_f64() * 10.0).round() / 10.0
    }

    /// Milliseconds of the stages that are done, by names such as `transcribe_ms`.
    fn timings(&self) -> BTreeMap<String, u64> {
        let named = |report: &StageReport| {
            let name = format!("{}_ms", report.stage);
            (name, (report.seconds * 1000.0).round() as u64)
        };
        self.reports.iter().map(named).collect()
    }

    fn done(&mut self, stage: Stage, bytes: u64, reused: bool) {
        let seconds = (self.stage_begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        self.reports.push(StageReport {
            stage,
            seconds,
            bytes,
            reused,
        });
        self.stage_begun = Instant::now();
    }
}

fn size_of(path: &Path) -> u64 {
    path.metadata().map_or(0, |meta| meta.len())
}
