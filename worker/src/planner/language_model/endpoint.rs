//! One question to `POST {base}/chat/completions`, with its limits and retries.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use domain::limits::MAX_MODEL_ANSWER_BYTES;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{
    answer::{self, Proposed},
    prompt::{self, Question},
};
use crate::planner::LanguageModelConfig;

/// Why a language model has not planned. Never holds the key or the answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LanguageModelError {
    /// No connection, or it broke.
    #[error("no connection")]
    Unreachable,
    /// No whole answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// It answered with an error.
    #[error("answered {status}")]
    Refused {
        /// What it answered with.
        status: StatusCode,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// Its answer is longer than any plan.
    #[error("answer too long")]
    TooLong,
    /// Its answer is not what was asked for.
    #[error("unusable answer: {0}")]
    BadAnswer(String),
    /// No clip that it proposes can be found in the transcript.
    #[error("proposed nothing that stands in the transcript")]
    NothingUsable,
}

/// How long to wait for what.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    /// For a whole answer.
    pub(super) answer: Duration,
    /// Before the first retry; doubles with each one.
    pub(super) first_retry: Duration,
    /// The longest `Retry-After` that is waited for.
    pub(super) longest_wait: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            answer: Duration::from_mins(2),
            first_retry: Duration::from_secs(1),
            longest_wait: Duration::from_mins(1),
        }
    }
}

/// Tries after the first one.
const RETRIES: usize = 3;

/// Asks until `usable` makes something of the answer.
pub(super) async fn ask<T>(
    client: &reqwest::Client,
    config: &LanguageModelConfig,
    question: &Question,
    pace: &Pace,
    usable: impl Fn(Vec<Proposed>) -> Option<T>,
) -> Result<T, LanguageModelError> {
    let try_once = || async {
        let once = ask_once(client, config, question);
        let proposed = tokio::time::timeout(pace.answer, once)
            .await
            .map_err(|_| LanguageModelError::TimedOut)??;
        usable(proposed).ok_or(LanguageModelError::NothingUsable)
    };
    let back_off = ExponentialBuilder::default()
        .with_min_delay(pace.first_retry)
        .with_max_times(RETRIES)
        .with_jitter();
    try_once
        .retry(back_off)
        .when(|why| why.retryable(pace))
        .adjust(|why, wait| wait.map(|wait| why.wait(wait)))
        .notify(|why, wait| tracing::info!(%why, ?wait, "asking the language model again"))
        .await
}

impl LanguageModelError {
    fn retryable(&self, pace: &Pace) -> bool {
        match self {
            Self::Refused {
                status,
                retry_after,
            } => {
                let patient = retry_after.is_none_or(|wait| wait <= pace.longest_wait);
                let passing =
                    [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(status);
                patient && (passing || status.is_server_error())
            }
            _ => true,
        }
    }

    /// The wait before the next try: ours, or what the endpoint asks for if that is longer.
    fn wait(&self, ours: Duration) -> Duration {
        match self {
            Self::Refused {
                retry_after: Some(asked),
                ..
            } => ours.max(*asked),
            _ => ours,
        }
    }
}

async fn ask_once(
    client: &reqwest::Client,
    config: &LanguageModelConfig,
    question: &Question,
) -> Result<Vec<Proposed>, LanguageModelError> {
    let mut response = send(request(client, config, question, true)).await?;
    if knows_no_schema(response.status()) {
        response = send(request(client, config, question, false)).await?;
    }
    if !response.status().is_success() {
        return Err(LanguageModelError::Refused {
            status: response.status(),
            retry_after: egress::retry_after(response.headers()),
        });
    }
    let body = read(response).await?;
    answer::parse(&content(&body)?).map_err(LanguageModelError::BadAnswer)
}

/// Servers without structured output refuse the request whole.
fn knows_no_schema(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::NOT_IMPLEMENTED
    )
}

fn request(
    client: &reqwest::Client,
    config: &LanguageModelConfig,
    question: &Question,
    with_schema: bool,
) -> RequestBuilder {
    let mut body = json!({
        "model": config.model,
        "temperature": 0.2,
        "messages": [
            {"role": "system", "content": question.system},
            {"role": "user", "content": question.user},
        ],
    });
    if with_schema {
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": {"name": "clips", "strict": true, "schema": prompt::schema()},
        });
    }
    let address = format!("{}/chat/completions", config.base_url.trim_end_matches('/'));
    let request = client.post(address).json(&body);
    match &config.api_key {
        // marked sensitive by reqwest, so that no log shows it
        Some(key) => request.bearer_auth(key),
        None => request,
    }
}

async fn send(request: RequestBuilder) -> Result<Response, LanguageModelError> {
    request.send().await.map_err(|why| broken(&why))
}

fn broken(why: &reqwest::Error) -> LanguageModelError {
    if why.is_timeout() {
        LanguageModelError::TimedOut
    } else {
        LanguageModelError::Unreachable
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, LanguageModelError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|why| broken(&why))? {
        if body.len() + chunk.len() > MAX_MODEL_ANSWER_BYTES {
            return Err(LanguageModelError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

/// What the first choice says.
fn content(body: &[u8]) -> Result<String, LanguageModelError> {
    let bad = |what: &str| LanguageModelError::BadAnswer(what.into());
    let completion: Completion =
        serde_json::from_slice(body).map_err(|_| bad("not a chat completion"))?;
    let first = completion
        .choices
        .into_iter()
        .next()
        .ok_or_else(|| bad("it has no choices"))?;
    first.message.content.ok_or_else(|| bad("it says nothing"))
}
