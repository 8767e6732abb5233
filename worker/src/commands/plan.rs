//! `clipwright plan`: chooses the clips from a transcript.

use domain::{Failure, Stage};

use super::{
    Session, checked,
    files::{OutputFile, read_transcript, temporary_folder},
};
use crate::{
    cli::PlanArguments,
    source::Inspector,
    stages::plan::{self, SoundTrack},
};

/// Runs the command.
///
/// # Errors
/// With the failure of the stage that ended it.
pub(super) async fn run(session: &Session, arguments: PlanArguments) -> Result<(), Failure> {
    let options = checked(arguments.options.into_domain());
    let context = session.context(arguments.limits);
    let language_model = session.language_model(arguments.planner);
    let transcript = read_transcript(&arguments.transcript)?;
    let output = OutputFile::open(Stage::Plan, &arguments.out)?;
    let folder = temporary_folder(Stage::Plan)?;
    let inspector = Inspector {
        home: &context.home,
        limits: &context.limits,
        folder: folder.path(),
        language: options.language.as_deref(),
    };
    let source = match &arguments.source {
        Some(path) => Some(inspector.inspect(path, None, |_| {}).await?),
        None => None,
    };
    let sound = source.as_ref().and_then(|source| {
        Some(SoundTrack {
            file: &source.path,
            sound: source.sound.as_ref()?,
            window: source.whole()?,
        })
    });
    let language_model = language_model.as_ref();
    let plan = plan::plan(&context.home, &transcript, sound, &options, language_model).await?;
    context.progress.finish();
    output.write(&plan)
}
