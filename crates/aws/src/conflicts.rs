//! Writes that meet a transaction on the same item, and transactions that meet other writes: they are asked again after a moment.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput},
    types::{AttributeValue, CancellationReason},
};
use backon::{BackoffBuilder, ExponentialBuilder, Retryable};

use crate::{StoreError, error::sorted};

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Tries of a write; their pauses add up to 6 s at most, within what a function has.
const TRIES: usize = 12;

/// What became of a transaction.
pub(crate) enum Transacted {
    Yes,
    /// A condition did not hold: of which write, counted from 0, and what is there. Of several, the last.
    Refused {
        at: usize,
        there: HashMap<String, AttributeValue>,
    },
    /// Another write was at work on one of the items; the same may go well in a moment.
    Conflict,
}

/// Longer and longer pauses between tries, spread so that those who met once do not meet again.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    backoff().build()
}

fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(TRIES)
        .with_jitter()
}

/// Sends a write again while a transaction is at work on its item.
pub(crate) async fn past_conflicts<T, E, Sent>(
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

/// Sorts the answer to a transaction.
pub(crate) fn transacted(
    sent: Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError, HttpResponse>>,
) -> Result<Transacted, StoreError> {
    let Err(why) = sent else {
        return Ok(Transacted::Yes);
    };
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
        why.as_service_error()
    else {
        return Err(sorted(why));
    };
    let reasons = canceled.cancellation_reasons();
    let is = |reason: &CancellationReason, code: &str| reason.code() == Some(code);
    let refused = reasons
        .iter()
        .enumerate()
        .rfind(|(_, reason)| is(reason, "ConditionalCheckFailed"));
    if let Some((at, reason)) = refused {
        let there = reason.item().cloned().unwrap_or_default();
        return Ok(Transacted::Refused { at, there });
    }
    let passing = [
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    ];
    let passes = |reason: &CancellationReason| passing.iter().any(|code| is(reason, code));
    if reasons.iter().any(passes) {
        return Ok(Transacted::Conflict);
    }
    Err(sorted(why))
}
