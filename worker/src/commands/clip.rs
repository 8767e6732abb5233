//! `clipwright clip`: all stages in one go.

use domain::{Failure, Outcome, Stage};

use super::{Session, checked, files::print_json, speech_model};
use crate::{
    cli::ClipArguments,
    folder::Folder,
    outputs::Outputs,
    pipeline::{self, Job},
    report,
};

/// Runs the command.
///
/// # Errors
/// With the failure of the stage that ended it.
pub(super) async fn run(session: &Session, arguments: ClipArguments) -> Result<(), Failure> {
    let options = checked(arguments.options.into_domain());
    let context = session.context(arguments.limits);
    let job = Job {
        source: arguments.source,
        options,
        model: speech_model(&context.home, arguments.model)?,
        language_model: session.language_model(arguments.planner),
        edited_plan: None,
    };
    let outputs = Outputs::here(Folder::open(&arguments.out, Stage::Upload)?);
    let ended = pipeline::clip(&context, &job, &outputs).await;
    context.progress.finish();
    match ended {
        Ok(Outcome::Succeeded { output, .. }) if !session.json => {
            print!("{}", report::table(&output, &arguments.out));
        }
        Ok(outcome) => print_json(&outcome)?,
        Err(failure) => {
            outputs.into_folder().abandon();
            return Err(failure);
        }
    }
    Ok(())
}
