//! The commands of the tool, each from its arguments to what it prints.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

use domain::{ClipOptions, Failure, Outcome, Plan, Stage, Transcript, keys};

use crate::{
    cli::{Cli, Limits, Model, PlannerOptions, Tool},
    config::Config,
    folder::{Folder, write_json},
    outputs::Outputs,
    pipeline::{self, Context, Job},
    planner::LanguageModelConfig,
    progress::Progress,
    report,
    setup::{Home, SpeechModel},
    source::{Inspector, unreadable, unusable},
    stages::{plan, render::Look},
    temporary::{Noted, TemporaryFolder},
};

/// Runs the command that was asked for.
///
/// # Errors
/// With the failure that ended it.
pub(crate) async fn run(tool: Tool, json: bool, config: Config) -> Result<(), Failure> {
    let home = Home::find(config.home.clone());
    let context = |limits: Limits| Context {
        home: home.clone(),
        limits,
        progress: Progress::new(json),
    };
    match tool {
        Tool::Clip {
            source,
            out,
            options,
            planner,
            limits,
            model,
        } => {
            let options = checked(options.into_domain());
            let context = context(limits);
            let model = speech_model(&context.home, model)?;
            let job = Job {
                source,
                options,
                model,
                language_model: language_model(planner, &config),
                edited_plan: None,
            };
            clip(&context, &job, &out, json).await
        }
        Tool::Transcribe {
            source,
            out,
            language,
            limits,
            model,
        } => {
            let context = context(limits);
            let model = speech_model(&context.home, model)?;
            transcribe(&context, &source, language.as_deref(), &model, &out).await
        }
        Tool::Plan {
            transcript,
            source,
            out,
            options,
            planner,
            limits,
        } => {
            let options = checked(options.into_domain());
            let language_model = language_model(planner, &config);
            make_plan(
                &context(limits),
                &transcript,
                source.as_deref(),
                &options,
                language_model.as_ref(),
                &out,
            )
            .await
        }
        Tool::Render {
            source,
            plan,
            transcript,
            out,
            language,
            look,
            limits,
        } => {
            let options = ClipOptions {
                language,
                ..look.into_domain()
            };
            let transcript = transcript.unwrap_or_else(|| plan.with_file_name(keys::TRANSCRIPT));
            render(
                &context(limits),
                &source,
                &plan,
                &transcript,
                &options,
                &out,
                json,
            )
            .await
        }
    }
}

async fn clip(context: &Context, job: &Job, out: &Path, json: bool) -> Result<(), Failure> {
    let outputs = Outputs::here(Folder::open(out, Stage::Upload)?);
    let ended = pipeline::clip(context, job, &outputs).await;
    context.progress.finish();
    match ended {
        Ok(Outcome::Succeeded { output, .. }) if !json => {
            print!("{}", report::table(&output, out));
        }
        Ok(outcome) => print_json(&outcome)?,
        Err(failure) => {
            outputs.into_folder().abandon();
            return Err(failure);
        }
    }
    Ok(())
}

async fn transcribe(
    context: &Context,
    source: &str,
    language: Option<&str>,
    model: &SpeechModel,
    out: &Path,
) -> Result<(), Failure> {
    let written = Promised::open(Stage::Transcribe, out)?;
    let downloads = temporary(Stage::Transcribe)?;
    let options = ClipOptions {
        language: language.map(str::to_owned),
        ..ClipOptions::default()
    };
    let arrival =
        pipeline::arrive(context, source, &options, Some(model), downloads.path()).await?;
    let transcript = match arrival.transcript {
        Some(transcript) => transcript,
        None => pipeline::listen(context, &arrival.source, &options, model).await?,
    };
    context.progress.finish();
    written.write(&transcript)
}

async fn make_plan(
    context: &Context,
    transcript: &Path,
    source: Option<&Path>,
    options: &ClipOptions,
    language_model: Option<&LanguageModelConfig>,
    out: &Path,
) -> Result<(), Failure> {
    let transcript = read_transcript(transcript)?;
    let written = Promised::open(Stage::Plan, out)?;
    let folder = temporary(Stage::Plan)?;
    let inspector = Inspector {
        home: &context.home,
        limits: &context.limits,
        folder: folder.path(),
        language: options.language.as_deref(),
    };
    let source = match source {
        Some(path) => Some(inspector.inspect(path, None, |_| {}).await?),
        None => None,
    };
    let sound = source.as_ref().and_then(|source| {
        let sound = source.sound.as_ref()?;
        Some(plan::SoundTrack {
            file: &source.path,
            sound,
            window: source.whole()?,
        })
    });
    let plan = plan::plan(&context.home, &transcript, sound, options, language_model).await?;
    context.progress.finish();
    written.write(&plan)
}

async fn render(
    context: &Context,
    source: &str,
    plan: &Path,
    transcript: &Path,
    options: &ClipOptions,
    out: &Path,
    json: bool,
) -> Result<(), Failure> {
    let transcript = read_transcript(transcript)?;
    let plan_bytes = read(plan)?;
    let outputs = Outputs::here(Folder::open(out, Stage::Render)?);
    let rendered = async {
        let source = pipeline::arrive(
            context,
            source,
            options,
            None,
            &outputs.folder().downloads(),
        )
        .await?
        .source;
        let plan = Plan::from_json(&plan_bytes, source.media.duration_ms)
            .map_err(|why| unusable(Stage::Plan, plan, &why))?;
        let look = Look::of(options);
        let material = pipeline::material(context, &source, &transcript, &look)?;
        // what an earlier run said of the clips may not hold any longer
        outputs.folder().forget(Stage::Render, keys::OUTCOME)?;
        let clips = pipeline::rendered(context, &material, &plan, &outputs).await?;
        Ok(crate::stages::upload::output(&source, &plan, &clips))
    }
    .await;
    context.progress.finish();
    let output = match rendered {
        Ok(output) => output,
        Err(failure) => {
            outputs.into_folder().abandon();
            return Err(failure);
        }
    };
    if json {
        return print_json(&output);
    }
    print!("{}", report::table(&output, out));
    Ok(())
}

/// Ends the program with exit code 2 and clap's own form of message if an option is outside its limits.
fn checked(options: ClipOptions) -> ClipOptions {
    use clap::CommandFactory;
    if let Err(wrong) = options.check() {
        Cli::command()
            .error(clap::error::ErrorKind::ValueValidation, wrong)
            .exit();
    }
    options
}

fn speech_model(home: &Home, model: Model) -> Result<SpeechModel, Failure> {
    model.model.map_or_else(
        || home.speech_model(),
        |folder| Ok(SpeechModel::of_user(folder)),
    )
}

fn language_model(options: PlannerOptions, config: &Config) -> Option<LanguageModelConfig> {
    let (base_url, model) = options.planner_url.zip(options.planner_model)?;
    Some(LanguageModelConfig {
        base_url,
        model,
        api_key: config.planner_key.clone(),
    })
}

fn read_transcript(path: &Path) -> Result<Transcript, Failure> {
    read(path).and_then(|bytes| {
        Transcript::from_json(&bytes).map_err(|why| unusable(Stage::Plan, path, &why))
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|why| unreadable(Stage::Plan, path, &why))
}

/// A folder for what is downloaded, gone at the end.
fn temporary(stage: Stage) -> Result<TemporaryFolder, Failure> {
    TemporaryFolder::new().map_err(|why| Failure::internal(stage, why))
}

/// A file that is going to be there whole or not at all. It is opened before the work, which it would be a pity to have done for nothing.
struct Promised<'a> {
    stage: Stage,
    path: &'a Path,
    file: tempfile::NamedTempFile,
    _noted: Noted,
}

impl<'a> Promised<'a> {
    fn open(stage: Stage, path: &'a Path) -> Result<Self, Failure> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = tempfile::Builder::new()
            .prefix(".clipwright-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(|why| Failure::io(stage, path, &why))?;
        let noted = Noted::new(file.path());
        Ok(Self {
            stage,
            path,
            file,
            _noted: noted,
        })
    }

    fn write(self, value: &impl serde::Serialize) -> Result<(), Failure> {
        write_json(self.stage, self.file.path(), value)?;
        self.file
            .persist(self.path)
            .map(drop)
            .map_err(|why| Failure::io(self.stage, self.path, &why.error))
    }
}

fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|why| Failure::internal(Stage::Upload, why))?;
    println!("{text}");
    Ok(())
}
