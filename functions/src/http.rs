//! Requests and answers: bodies that are read with a limit, and one shape for every error.

use aws::StoreError;
use domain::{JobId, Timestamp, json::explain, limits::LISTED_BYTES};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::{Deserializer, Serialize, de::DeserializeOwned};
use serde_json::json;
use tracing::{Instrument, Span, field::Empty};

/// Seconds after which a caller may try again when a store is not well.
const RETRY_AFTER_S: u32 = 5;

/// Why a request is not answered as it was meant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("the credentials are missing or invalid")]
    Unauthorized,
    #[error("there is no such path")]
    NoRoute,
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("{message}")]
    Conflict { code: &'static str, message: String },
    #[error("the body exceeds the limit of {0} bytes")]
    TooLarge(usize),
    #[error("{message}")]
    Invalid {
        field: Option<String>,
        message: String,
    },
    #[error(
        "this Idempotency-Key was already used with a different body; send a new key with a new request"
    )]
    KeyReused,
    #[error("the limit of {0} active jobs is reached; try again when one of them has finished")]
    TooManyActive(u32),
    #[error("the limit of {0} open uploads is reached; complete one of them or try again later")]
    TooManyUploads(u32),
    #[error("the request limit of this minute is exceeded; try again in {0} s")]
    RateLimited(u32),
    #[error("the service is temporarily unavailable; try again in a moment")]
    Unavailable(StoreError),
    #[error("the request cannot be stored; do not send it again")]
    Unstorable(StoreError),
    #[error("an internal error occurred; try again later")]
    Internal(String),
}

impl Problem {
    pub(crate) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            field: Some(field.into()),
            message: message.into(),
        }
    }

    pub(crate) fn internal(why: impl std::fmt::Display) -> Self {
        Self::Internal(why.to_string())
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::NoRoute | Self::NotFound(_) => "not_found",
            Self::Conflict { code, .. } => code,
            Self::TooLarge(_) => "payload_too_large",
            Self::Invalid { .. } | Self::Unstorable(_) => "invalid_request",
            Self::KeyReused => "idempotency_key_reused",
            Self::TooManyActive(_) => "too_many_active_jobs",
            Self::TooManyUploads(_) => "too_many_open_uploads",
            Self::RateLimited(_) => "rate_limited",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NoRoute | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid { .. } | Self::KeyReused | Self::Unstorable(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::TooManyActive(_) | Self::TooManyUploads(_) | Self::RateLimited(_) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Unavailable(_) => Some(RETRY_AFTER_S),
            Self::TooManyActive(_) => Some(30),
            Self::TooManyUploads(_) => Some(60),
            Self::RateLimited(seconds) => Some(*seconds),
            _ => None,
        }
    }

    /// Says the problem to the caller, and what is not for the caller to the log.
    pub(crate) fn answer(&self) -> Response<Body> {
        match self {
            Self::Unavailable(why) => tracing::warn!(%why, "the store is unavailable"),
            Self::Unstorable(why) => {
                tracing::error!(%why, "the store rejected the request permanently")
            }
            Self::Internal(why) => tracing::error!(%why, "request failed"),
            other => tracing::info!(code = self.code(), problem = %other, "request rejected"),
        }
        let mut error = json!({"code": self.code(), "message": self.to_string()});
        if let Self::Invalid {
            field: Some(field), ..
        } = self
        {
            error["field"] = json!(field);
        }
        let mut response = answer(self.status(), &json!({"error": error}));
        if let Some(seconds) = self.retry_after_s() {
            response.headers_mut().insert("retry-after", seconds.into());
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(why: StoreError) -> Self {
        if why.is_passing() {
            Self::Unavailable(why)
        } else {
            Self::internal(why)
        }
    }
}

/// An answer in JSON.
pub(crate) fn answer(status: StatusCode, body: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_string(body).expect("plain data can be written as JSON");
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        "content-type",
        lambda_http::http::HeaderValue::from_static("application/json"),
    );
    headers.insert(
        "cache-control",
        lambda_http::http::HeaderValue::from_static("no-store"),
    );
    response
}

/// What is left of the bytes that a part of a list may have.
#[derive(Debug)]
pub(crate) struct PageBudget {
    left: usize,
    is_empty: bool,
}

impl PageBudget {
    /// All of them.
    pub(crate) fn new() -> Self {
        Self {
            left: LISTED_BYTES,
            is_empty: true,
        }
    }

    /// Whether there is room for this too; for the first of a list there always is.
    pub(crate) fn takes(&mut self, entry: &impl Serialize) -> bool {
        let bytes = serde_json::to_vec(entry).map_or(usize::MAX, |text| text.len() + 1);
        let fits = bytes <= self.left || self.is_empty;
        self.left = self.left.saturating_sub(bytes);
        self.is_empty = false;
        fits
    }
}

/// The answer to a request whichever way it went. What goes wrong is said while the log knows which job it is about, by [`about`].
pub(crate) async fn settled(
    answering: impl Future<Output = Result<Response<Body>, Problem>>,
) -> Response<Body> {
    let span = tracing::info_span!("job", job_id = Empty, attempt = Empty);
    async { answering.await.unwrap_or_else(|problem| problem.answer()) }
        .instrument(span)
        .await
}

/// Every line of the log that follows names this job.
pub(crate) fn about(id: &JobId, attempt: Option<u32>) {
    let span = Span::current();
    span.record("job_id", id.as_str());
    if let Some(attempt) = attempt {
        span.record("attempt", attempt);
    }
}

/// The raw body, if it is within the limit.
pub(crate) fn body(request: &Request, most_bytes: usize) -> Result<&[u8], Problem> {
    let bytes: &[u8] = request.body().as_ref();
    if bytes.len() > most_bytes {
        Err(Problem::TooLarge(most_bytes))
    } else {
        Ok(bytes)
    }
}

/// A body of JSON as a type, with the path of the field that does not fit.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // a list of values would be taken for the fields in their order
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::Invalid {
            field: None,
            message: "invalid body: it must be a JSON object".to_owned(),
        });
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = fitting(&mut reader)?;
    reader.end().map_err(|why| Problem::Invalid {
        field: None,
        message: format!("invalid body: {}", explain(&why)),
    })?;
    Ok(parsed)
}

/// What a reader of JSON has as a type, with the path of the field that does not fit.
pub(crate) fn fitting<'de, T: DeserializeOwned>(
    reader: impl Deserializer<'de, Error = serde_json::Error>,
) -> Result<T, Problem> {
    serde_path_to_error::deserialize(reader).map_err(|why| Problem::Invalid {
        field: field_at_fault(&why),
        message: format!("invalid body: {}", explain(why.inner())),
    })
}

/// Path of the field that does not fit; one that is missing or there twice is only named in what the parser says.
fn field_at_fault(why: &serde_path_to_error::Error<serde_json::Error>) -> Option<String> {
    let at = Some(why.path().to_string()).filter(|path| path != "." && path != "?");
    let said = why.inner().to_string();
    let named = ["missing field `", "duplicate field `"]
        .into_iter()
        .find_map(|start| said.strip_prefix(start)?.split('`').next());
    match (at, named) {
        (Some(at), Some(name)) => Some(format!("{at}.{name}")),
        (at, name) => at.or(name.map(str::to_owned)),
    }
}

/// The value of a header, if it is text.
pub(crate) fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
}

/// The time as the machine has it.
pub fn now() -> Timestamp {
    Timestamp::from_ms(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use domain::Event;

    use super::*;

    #[test]
    fn the_field_at_fault_is_named_with_its_path() {
        let field = |body: &str| match parse::<Event>(body.as_bytes()) {
            Err(Problem::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(field("{}"), named("event"));
        assert_eq!(field(r#"{"job_id": 7}"#), named("job_id"));
        assert_eq!(field(r#"{"job_id": "x", "job_id": "y"}"#), named("job_id"));
        assert_eq!(
            field(r#"{"output": {"total_clips": 1, "clips": [{"clip_index": 0}]}}"#),
            named("output.clips[0].s3_url")
        );
        assert_eq!(field(""), None);
        assert_eq!(field(r#"["job.started", "x"]"#), None);
    }
}
