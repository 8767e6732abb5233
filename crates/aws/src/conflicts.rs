//! Retries of writes that conflict with a transaction on the same item, and of transactions that conflict with other writes.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput},
    types::{AttributeValue, CancellationReason},
};
use backon::{BackoffBuilder, ExponentialBuilder, Retryable};

use crate::{StoreError, error::classify};

const MIN_DELAY: Duration = Duration::from_millis(20);
const MAX_DELAY: Duration = Duration::from_millis(500);
/// Retries of a write; their delays add up to at most 6 s, which fits in a function's timeout.
const MAX_RETRIES: usize = 12;

/// The result of a transaction.
pub(crate) enum Transaction {
    Committed,
    /// A condition did not hold: the index of the write, from 0, and the existing item. Of several, the last.
    Rejected {
        index: usize,
        existing: HashMap<String, AttributeValue>,
    },
    /// A concurrent write touched one of the items; a retry may succeed.
    Conflict,
}

/// Returns the delays between retries: exponential back-off with jitter.
pub(crate) fn retry_delays() -> impl Iterator<Item = Duration> {
    backoff().build()
}

fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(MIN_DELAY)
        .with_max_delay(MAX_DELAY)
        .with_max_times(MAX_RETRIES)
        .with_jitter()
}

/// Sends a write and retries it while a transaction holds its item.
pub(crate) async fn retry_on_conflict<T, E, Sent>(
    send: impl FnMut() -> Sent,
) -> Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata,
    Sent: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
{
    send.retry(backoff())
        .when(|why| why.code() == Some("TransactionConflictException"))
        .await
}

/// Classifies the response to a transaction.
pub(crate) fn classify_transaction(
    sent: Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError, HttpResponse>>,
) -> Result<Transaction, StoreError> {
    let Err(why) = sent else {
        return Ok(Transaction::Committed);
    };
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
        why.as_service_error()
    else {
        return Err(classify(why));
    };
    let reasons = canceled.cancellation_reasons();
    let is = |reason: &CancellationReason, code: &str| reason.code() == Some(code);
    let rejected = reasons
        .iter()
        .enumerate()
        .rfind(|(_, reason)| is(reason, "ConditionalCheckFailed"));
    if let Some((index, reason)) = rejected {
        let existing = reason.item().cloned().unwrap_or_default();
        return Ok(Transaction::Rejected { index, existing });
    }
    let transient = [
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    ];
    let is_transient = |reason: &CancellationReason| transient.iter().any(|code| is(reason, code));
    if reasons.iter().any(is_transient) {
        return Ok(Transaction::Conflict);
    }
    Err(classify(why))
}
