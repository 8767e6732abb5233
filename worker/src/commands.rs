//! The commands of the tool, each from its arguments to what it prints.

mod clip;
mod files;
mod plan;
mod render;
mod transcribe;

use domain::{ClipOptions, Failure};

use crate::{
    cli::{Cli, Limits, PlannerOptions, SpeechModelOption, Tool},
    config::Config,
    pipeline::Context,
    planner::LanguageModelConfig,
    progress::Progress,
    setup::{Home, SpeechModel},
};

/// What every command is given besides its own arguments.
struct Session {
    config: Config,
    /// Whether results are printed as JSON, without progress.
    json: bool,
}

/// Runs a command.
///
/// # Errors
/// With the failure that ended it.
pub(crate) async fn run(tool: Tool, json: bool, config: Config) -> Result<(), Failure> {
    let session = Session { config, json };
    match tool {
        Tool::Clip(arguments) => clip::run(&session, arguments).await,
        Tool::Transcribe(arguments) => transcribe::run(&session, arguments).await,
        Tool::Plan(arguments) => plan::run(&session, arguments).await,
        Tool::Render(arguments) => render::run(&session, arguments).await,
    }
}

impl Session {
    fn context(&self, limits: Limits) -> Context {
        Context {
            home: Home::find(self.config.home.clone()),
            limits,
            progress: Progress::new(self.json),
        }
    }

    fn language_model(&self, options: PlannerOptions) -> Option<LanguageModelConfig> {
        let (base_url, model) = options.planner_url.zip(options.planner_model)?;
        Some(LanguageModelConfig {
            base_url,
            model,
            api_key: self.config.planner_key.clone(),
        })
    }
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

fn speech_model(home: &Home, option: SpeechModelOption) -> Result<SpeechModel, Failure> {
    option.model.map_or_else(
        || home.speech_model(),
        |folder| Ok(SpeechModel::of_user(folder)),
    )
}
