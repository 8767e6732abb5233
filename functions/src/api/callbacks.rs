//! Callbacks: their secrets, tests of an address, and deliveries.

use domain::{Delivery, DeliveryAttempt, DeliveryState, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new secret for callbacks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewSecret {
    /// the secret, shown only in this response
    pub(crate) secret: String,
    /// until when callbacks are also signed with the previous secret
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) previous_valid_until: Option<Timestamp>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CallbackTest {
    /// the address to send a signed sample to
    #[schema(example = "https://example.com/hooks")]
    pub(crate) url: String,
}

/// The result of a callback test.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallbackTestResult {
    pub(crate) delivered: bool,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
    pub(crate) duration_ms: u64,
}

/// A page of a job's deliveries, in the order of their events.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryList {
    deliveries: Vec<DeliveryView>,
    /// cursor of the next page, `null` on the last
    next_cursor: Option<String>,
}

/// A callback that was sent or is pending.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    id: String,
    /// `job.started`, `job.completed` or `job.failed`
    event: &'static str,
    url: String,
    /// `pending`, `delivered` or `failed`
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// only while the delivery is pending
    #[schema(value_type = Option<String>, format = DateTime)]
    next_try_at: Option<Timestamp>,
    tries: Vec<TryView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryAttempt)]
struct TryView {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    status: Option<u16>,
    error: Option<String>,
    duration_ms: u64,
}

impl DeliveryList {
    /// As many of the deliveries as fit on a page.
    pub(crate) fn page(deliveries: impl Iterator<Item = Delivery>) -> Self {
        let (deliveries, has_more) = super::first_page(deliveries.map(DeliveryView::from));
        let last = deliveries.last().filter(|_| has_more);
        Self {
            next_cursor: last.map(|last| last.id.clone()),
            deliveries,
        }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let is_pending = delivery.state == DeliveryState::Pending;
        Self {
            id: delivery.id,
            event: delivery.event.event.name(),
            url: delivery.url,
            state: delivery.state.name(),
            created_at: delivery.created_at,
            next_try_at: is_pending.then(|| Timestamp::from_ms(delivery.due_ms)),
            tries: delivery.attempts.into_iter().map(TryView::from).collect(),
        }
    }
}

impl From<DeliveryAttempt> for TryView {
    fn from(attempt: DeliveryAttempt) -> Self {
        Self {
            at: attempt.at,
            status: attempt.status,
            error: attempt.error,
            duration_ms: attempt.duration_ms,
        }
    }
}
