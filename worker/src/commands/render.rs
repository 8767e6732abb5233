//! `clipwright render`: makes the clips of a plan.

use domain::{ClipOptions, Failure, JobOutput, Plan, Stage, Transcript, keys};

use super::{
    Session,
    files::{print_json, read, read_transcript},
};
use crate::{
    cli::RenderArguments,
    folder::Folder,
    outputs::Outputs,
    pipeline::{self, Context},
    report,
    source::unusable,
    stages::{render::RenderSettings, upload},
};

/// Runs the command.
///
/// # Errors
/// With the failure of the stage that ended it.
pub(super) async fn run(session: &Session, mut arguments: RenderArguments) -> Result<(), Failure> {
    let options = ClipOptions {
        language: arguments.language.take(),
        ..arguments.rendering.clone().into_domain()
    };
    let context = session.context(arguments.limits.clone());
    let beside_plan = || arguments.plan.with_file_name(keys::TRANSCRIPT);
    let transcript = read_transcript(&arguments.transcript.clone().unwrap_or_else(beside_plan))?;
    let plan = read(&arguments.plan)?;
    // opened last, so that files that cannot be read leave no folder behind
    let outputs = Outputs::here(Folder::open(&arguments.out, Stage::Render)?);
    let texts = (plan.as_slice(), &transcript);
    let rendered = render(&context, &arguments, texts, &options, &outputs).await;
    context.progress.finish();
    match rendered {
        Ok(output) if session.json => print_json(&output),
        Ok(output) => {
            print!("{}", report::table(&output, &arguments.out));
            Ok(())
        }
        Err(failure) => {
            outputs.into_folder().abandon();
            Err(failure)
        }
    }
}

async fn render(
    context: &Context,
    arguments: &RenderArguments,
    (plan, transcript): (&[u8], &Transcript),
    options: &ClipOptions,
    outputs: &Outputs,
) -> Result<JobOutput, Failure> {
    let downloads = outputs.folder().downloads();
    let arrival = pipeline::arrive(context, &arguments.source, options, None, &downloads).await?;
    let source = arrival.source;
    let plan = Plan::from_json(plan, source.media.duration_ms)
        .map_err(|why| unusable(Stage::Plan, &arguments.plan, &why))?;
    let settings = RenderSettings::of(options);
    let input = pipeline::render_input(context, &source, transcript, &settings)?;
    // the outcome of an earlier run may no longer describe the clips
    outputs.folder().forget(Stage::Render, keys::OUTCOME)?;
    let clips = pipeline::rendered(context, &input, &plan, outputs).await?;
    Ok(upload::output(&source, &plan, &clips))
}
