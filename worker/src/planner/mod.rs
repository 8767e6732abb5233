//! Who chooses the clips: the embedded scorer, or a language model with the embedded scorer to fall back on.

mod language_model;

use std::fmt;

use domain::{ClipOptions, Plan, Transcript};
use highlights::{EmbedError, Embedder, SoundProfile};

use language_model::{LanguageModelError, client, plan_with_language_model};

/// What there is to choose from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Talk<'a> {
    pub(crate) transcript: &'a Transcript,
    /// How it sounds, where there is a source to listen to.
    pub(crate) sound: Option<&'a SoundProfile>,
    pub(crate) options: &'a ClipOptions,
}

/// Where a language model is asked.
#[derive(Clone)]
pub(crate) struct LanguageModelConfig {
    /// Address of an OpenAI-compatible endpoint, without `/chat/completions`.
    pub(crate) base_url: String,
    /// Name of the model there.
    pub(crate) model: String,
    /// What it is paid with.
    pub(crate) api_key: Option<String>,
}

impl fmt::Debug for LanguageModelConfig {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.model, self.base_url)
    }
}

/// Somebody who chooses the clips of a talk.
trait Planner {
    type Error;

    async fn plan(&self, talk: &Talk<'_>) -> Result<Plan, Self::Error>;
}

/// The scorer that is part of this program.
struct Embedded<'a> {
    embedder: &'a Embedder,
}

impl Planner for Embedded<'_> {
    type Error = EmbedError;

    async fn plan(&self, talk: &Talk<'_>) -> Result<Plan, EmbedError> {
        tokio::task::block_in_place(|| {
            highlights::plan(talk.transcript, talk.sound, talk.options, self.embedder)
        })
    }
}

impl Planner for LanguageModelConfig {
    type Error = LanguageModelError;

    async fn plan(&self, talk: &Talk<'_>) -> Result<Plan, LanguageModelError> {
        let client = client().map_err(|_| LanguageModelError::Unreachable)?;
        plan_with_language_model(&client, self, talk.transcript, talk.options).await
    }
}

/// Chooses the clips: by the language model if there is one and it answers, else by the embedded scorer, which then says why.
///
/// # Errors
/// When the embedding model fails.
pub(crate) async fn plan(
    talk: &Talk<'_>,
    embedder: &Embedder,
    language_model: Option<&LanguageModelConfig>,
) -> Result<Plan, EmbedError> {
    let scorer = Embedded { embedder };
    let Some(language_model) = language_model else {
        return scorer.plan(talk).await;
    };
    match language_model.plan(talk).await {
        Ok(plan) => Ok(plan),
        Err(why) => {
            tracing::warn!(%why, "the language model gave no plan");
            let plan = scorer.plan(talk).await?;
            let planner = Some(format!("embedded (the language model gave no plan: {why})"));
            Ok(Plan { planner, ..plan })
        }
    }
}
