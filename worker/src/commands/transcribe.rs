//! `clipwright transcribe`: writes down what is said in a video or a sound file.

use domain::{ClipOptions, Failure, Stage};

use super::{
    Session,
    files::{OutputFile, temporary_folder},
    speech_model,
};
use crate::{cli::TranscribeArguments, pipeline};

/// Runs the command.
///
/// # Errors
/// With the failure of the stage that ended it.
pub(super) async fn run(session: &Session, arguments: TranscribeArguments) -> Result<(), Failure> {
    let context = session.context(arguments.limits);
    let model = speech_model(&context.home, arguments.model)?;
    let output = OutputFile::open(Stage::Transcribe, &arguments.out)?;
    let downloads = temporary_folder(Stage::Transcribe)?;
    let options = ClipOptions {
        language: arguments.language,
        ..ClipOptions::default()
    };
    let arrival = pipeline::arrive(
        &context,
        &arguments.source,
        &options,
        Some(&model),
        downloads.path(),
    )
    .await?;
    let transcript = match arrival.transcript {
        Some(transcript) => transcript,
        None => pipeline::listen(&context, &arrival.source, &options, &model).await?,
    };
    context.progress.finish();
    output.write(&transcript)
}
