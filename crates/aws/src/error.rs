//! Errors of AWS calls, classified by what the caller can do.

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

/// A call to AWS that failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The service throttles or is unavailable; a retry may succeed.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The call timed out or the connection failed; a retry may succeed.
    #[error("the store does not respond: {0}")]
    Timeout(String),
    /// The deployment is at fault, for example a missing permission or table; a retry succeeds once that is fixed.
    #[error("the store is misconfigured: {0}")]
    Misconfigured(String),
    /// The call is invalid, or a stored record cannot be read; a retry always fails.
    #[error("the store rejects the call: {0}")]
    Rejected(String),
}

impl StoreError {
    /// Returns whether an immediate retry may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Timeout(_))
    }

    /// Returns whether every retry will fail; a message or record that caused it must not be retried.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Rejected(_))
    }

    pub(crate) fn unreadable(why: impl std::fmt::Display) -> Self {
        Self::Rejected(format!("a record cannot be read: {why}"))
    }
}

/// Error codes of calls that are invalid: too large, malformed, or with an unsupported value.
const REJECTED: [&str; 13] = [
    "EntityTooLarge",
    "InvalidArgument",
    "InvalidAttributeValue",
    "InvalidExecutionInput",
    "InvalidMessageContents",
    "InvalidName",
    "InvalidParameterException",
    "InvalidParameterValue",
    "ItemCollectionSizeLimitExceededException",
    "KeyTooLongError",
    "PayloadTooLargeException",
    "SerializationException",
    "ValidationException",
];

/// Classifies a failed call. The text is for the log only.
pub(crate) fn classify<E>(why: SdkError<E, HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    const UNAVAILABLE: [&str; 9] = [
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
        "SlowDown",
        "TransactionConflictException",
    ];
    let code = why.code().unwrap_or_default().to_owned();
    let status = why
        .raw_response()
        .map(|response| response.status().as_u16());
    let timed_out = matches!(
        why,
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_)
    );
    let text = aws_sdk_dynamodb::error::DisplayErrorContext(why).to_string();
    if timed_out {
        StoreError::Timeout(text)
    } else if UNAVAILABLE.contains(&code.as_str())
        || status.is_some_and(|status| status >= 500 || status == 429)
    {
        StoreError::Unavailable(text)
    } else if REJECTED.contains(&code.as_str()) || status == Some(413) {
        StoreError::Rejected(text)
    } else {
        StoreError::Misconfigured(text)
    }
}

/// Returns the output of a conditional write; `None` if its condition did not hold.
pub(crate) fn applied<T, E>(
    written: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, StoreError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match written {
        Ok(output) => Ok(Some(output)),
        Err(why) if why.code() == Some("ConditionalCheckFailedException") => Ok(None),
        Err(why) => Err(classify(why)),
    }
}

/// Returns whether the condition of a write held.
pub(crate) fn is_applied<T, E>(
    written: Result<T, SdkError<E, HttpResponse>>,
) -> Result<bool, StoreError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    Ok(applied(written)?.is_some())
}
