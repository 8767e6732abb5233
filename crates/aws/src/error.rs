//! What can go wrong with a store, by what the caller can do about it.

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::update_item::{UpdateItemError, UpdateItemOutput},
};

/// A call to AWS that failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too many calls, or the service is not well: the same call may work in a moment.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// No answer in time, or no connection.
    #[error("the store does not answer: {0}")]
    Silent(String),
    /// The deployment is at fault, such as a role without the power or a table that is not there: the same call works once that is mended.
    #[error("the store cannot be used: {0}")]
    Denied(String),
    /// What was sent can never be stored, or what is there cannot be read: the same call will always fail.
    #[error("the store refuses: {0}")]
    Refused(String),
}

impl StoreError {
    /// Whether the same call may work in a moment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Silent(_))
    }

    /// Whether the same call will fail however often it is made: whoever repeats messages or records ends this one with its reason.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    pub(crate) fn unreadable(why: impl std::fmt::Display) -> Self {
        Self::Refused(format!("a record cannot be read: {why}"))
    }
}

/// What services answer to a call that is itself at fault: too large, malformed, or with a value that they never take.
const REFUSED: [&str; 13] = [
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

/// Sorts a failed call by what can be done about it; what is said goes to the log alone.
pub(crate) fn sorted<E>(why: SdkError<E, HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    const BUSY: [&str; 9] = [
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
    let silent = matches!(
        why,
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_)
    );
    let said = aws_sdk_dynamodb::error::DisplayErrorContext(why).to_string();
    if silent {
        StoreError::Silent(said)
    } else if BUSY.contains(&code.as_str())
        || status.is_some_and(|status| status >= 500 || status == 429)
    {
        StoreError::Busy(said)
    } else if REFUSED.contains(&code.as_str()) || status == Some(413) {
        StoreError::Refused(said)
    } else {
        StoreError::Denied(said)
    }
}

/// Whether a conditional update happened.
pub(crate) fn happened(
    updated: Result<UpdateItemOutput, SdkError<UpdateItemError, HttpResponse>>,
) -> Result<bool, StoreError> {
    match updated {
        Ok(_) => Ok(true),
        Err(why) => match why.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(sorted(why)),
        },
    }
}
