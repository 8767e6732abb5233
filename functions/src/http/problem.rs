//! Why a request fails, and the response that says so: one shape for every error.

use aws::StoreError;
use lambda_http::{Body, Response, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::json_response;

/// Seconds after which a caller may try again when the store is unavailable.
const RETRY_AFTER_S: u32 = 5;

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Debug, Serialize, ToSchema)]
struct ErrorDetail {
    /// stable, for programs: `unauthorized`, `not_found`, `invalid_request`, `payload_too_large`, `idempotency_key_reused`, `job_ended`,
    /// `job_not_retryable`, `job_under_way`, `job_busy`, `source_gone`, `too_many_active_jobs`, `too_many_open_uploads`,
    /// `rate_limited`, `address_disabled`,
    /// `unavailable`, `internal`
    code: &'static str,
    /// path of the invalid field, if the error is about one
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// for people; its wording may change
    message: String,
}

/// Errors that API Gateway answers itself, whose shape cannot be changed: 401 for a token that it rejects, and 429 (`Too Many Requests`) for
/// requests that it throttles.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described for clients, never sent by a function")]
pub(crate) struct Refusal {
    message: String,
}

/// Why a request fails.
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

    /// The response for the caller; details that are not for the caller go to the log.
    pub(crate) fn response(&self) -> Response<Body> {
        match self {
            Self::Unavailable(why) => tracing::warn!(%why, "the store is unavailable"),
            Self::Unstorable(why) => {
                tracing::error!(%why, "the store rejected the request permanently");
            }
            Self::Internal(why) => tracing::error!(%why, "request failed"),
            other => tracing::info!(code = self.code(), problem = %other, "request rejected"),
        }
        let field = match self {
            Self::Invalid { field, .. } => field.clone(),
            _ => None,
        };
        let error = ErrorDetail {
            code: self.code(),
            field,
            message: self.to_string(),
        };
        let mut response = json_response(self.status(), &ErrorBody { error });
        if let Some(seconds) = self.retry_after_s() {
            response.headers_mut().insert("retry-after", seconds.into());
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(why: StoreError) -> Self {
        if why.is_transient() {
            Self::Unavailable(why)
        } else {
            Self::internal(why)
        }
    }
}
