//! The planner that asks a language model at an OpenAI-compatible endpoint, and believes only what stands in the transcript.

mod answer;
mod choice;
mod endpoint;
mod matching;
mod prompt;
#[cfg(test)]
mod tests;
mod windows;

use std::time::Duration;

use domain::{ClipOptions, Plan, Transcript};
use futures_util::{StreamExt, TryStreamExt, stream};

use self::{
    answer::Proposed,
    endpoint::Pace,
    matching::{Proposal, Sentences},
    windows::windows,
};
use super::LanguageModelConfig;

pub(crate) use self::endpoint::LanguageModelError;

/// Windows of a transcript that are asked about at the same time: few, as endpoints limit the rate.
const AT_ONCE: usize = 3;
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// A client for [`plan_with_language_model`]. It follows no redirects: the key is for the address that was configured.
///
/// # Errors
/// When the system has no TLS to offer.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .build()
}

/// Plans the clips of a talk with a language model.
///
/// # Errors
/// When the endpoint cannot be reached, refuses, or still has no usable answer after all retries; the caller plans without it then.
pub(crate) async fn plan_with_language_model(
    client: &reqwest::Client,
    config: &LanguageModelConfig,
    transcript: &Transcript,
    options: &ClipOptions,
) -> Result<Plan, LanguageModelError> {
    plan_at_pace(client, config, transcript, options, &Pace::default()).await
}

async fn plan_at_pace(
    client: &reqwest::Client,
    config: &LanguageModelConfig,
    transcript: &Transcript,
    options: &ClipOptions,
    pace: &Pace,
) -> Result<Plan, LanguageModelError> {
    let sentences = Sentences::considered(transcript, options);
    let windows = windows(&sentences);
    let wanted = wanted_of_each(options.requested_clip_count as usize, windows.len());
    let asked: Vec<Vec<Proposal>> = stream::iter(windows)
        .map(|window| {
            let question =
                prompt::question(&sentences, &window, options, &transcript.language, wanted);
            let sentences = &sentences;
            async move {
                let usable = |proposed: Vec<Proposed>| {
                    matching::verified(&proposed, sentences, &window, options)
                };
                or_nothing(endpoint::ask(client, config, &question, pace, usable).await)
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let proposals: Vec<Proposal> = asked.into_iter().flatten().collect();
    let planner = format!("language model {}", config.model);
    choice::plan(&proposals, transcript, options, planner).ok_or(LanguageModelError::NothingUsable)
}

/// One window in which the model proposes nothing that was said does not spoil the others.
fn or_nothing(
    asked: Result<Vec<Proposal>, LanguageModelError>,
) -> Result<Vec<Proposal>, LanguageModelError> {
    match asked {
        Err(LanguageModelError::NothingUsable) => Ok(Vec::new()),
        other => other,
    }
}

/// How many clips to ask for in each window: more than are wanted, so that there is a choice.
fn wanted_of_each(clips: usize, windows: usize) -> usize {
    (2 * clips).div_ceil(windows.max(1)).clamp(3, 12)
}
