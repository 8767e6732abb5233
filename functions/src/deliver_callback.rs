//! `deliver-callback`: delivers customers' callbacks, in order within a job. A message of the queue says which job has one due.

mod attempt;

use std::time::Duration;

use aws::{
    Bucket, Connection, DeadLetterQueue, DeliveryLease, DeliveryTable, JobTable, Queue,
    ReceiverTable, ShareTable, Slots, StoreError, TimeoutProfile,
};
use domain::{Delivery, DeliveryState, JobId, Owner, limits::MAX_CONCURRENT_DELIVERIES};
use futures_util::future::join_all;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    callbacks::Sender, config::Settings, http::now, permanent_failures::PermanentFailures,
};

/// The longest lease on a job's deliveries: a few deliveries, each within its own time limit.
const LEASE: Duration = Duration::from_secs(75);
/// Deliveries of one lease; the rest wait for the next.
const MAX_DELIVERIES_PER_LEASE: usize = 4;
/// Delay of a message whose job's deliveries are leased by another run.
const LEASE_RETRY: Duration = Duration::from_secs(2);

/// Least back-off of a message whose owner has no free delivery slot; the most is four times as long.
const MIN_SLOT_BACKOFF_S: f64 = 5.0;
/// The same for a message that has waited long: a freed slot is used within four times this, 5 min.
const MAX_SLOT_BACKOFF_S: f64 = 75.0;

/// What the function has access to.
#[derive(Debug)]
pub struct DeliverCallback {
    /// Jobs, for their progress.
    pub jobs: JobTable,
    /// Pending and past deliveries.
    pub deliveries: DeliveryTable,
    /// Secrets and disabled addresses.
    pub receivers: ReceiverTable,
    /// Delivery slots of each owner.
    pub shares: ShareTable,
    /// Where clips are stored.
    pub bucket: Bucket,
    /// The queue that this function reads.
    pub queue: Queue,
    /// Sends the callbacks.
    pub sender: Sender,
    /// Messages that can never be processed.
    pub permanent_failures: PermanentFailures,
}

/// A message of the queue: a job with a callback due.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeliveryMessage {
    /// The job.
    pub job_id: JobId,
    /// Its owner; absent in messages of an older version.
    #[serde(default)]
    pub owner: Option<Owner>,
    /// Earliest delivery, in milliseconds since 1970.
    pub not_before: i64,
    /// The attempt whose current progress is to be sent once; none for pending deliveries.
    #[serde(default)]
    pub progress_of: Option<u32>,
    /// Since when it waits for a delivery slot of its owner, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_since: Option<i64>,
}

impl DeliveryMessage {
    /// A message for pending deliveries, due now.
    pub(crate) fn now(job_id: &JobId, owner: &Owner) -> Self {
        Self {
            job_id: job_id.clone(),
            owner: Some(owner.clone()),
            not_before: now().as_ms(),
            progress_of: None,
            waits_since: None,
        }
    }
}

/// A batch of the queue.
#[derive(Debug, Deserialize)]
pub struct Messages {
    #[serde(rename = "Records")]
    records: Vec<QueueMessage>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueueMessage {
    message_id: String,
    body: String,
}

impl Messages {
    /// The messages that can be parsed.
    pub(crate) fn readable(&self) -> impl Iterator<Item = DeliveryMessage> {
        self.records.iter().filter_map(|record| record.read().ok())
    }
}

impl QueueMessage {
    fn read(&self) -> Result<DeliveryMessage, serde_json::Error> {
        serde_json::from_str(&self.body)
    }
}

/// The messages that failed; the queue delivers them again.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub struct MessagesAnswer {
    #[serde(rename = "batchItemFailures")]
    failures: Vec<MessageFailure>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct MessageFailure {
    #[serde(rename = "itemIdentifier")]
    message_id: String,
}

/// Runs the function.
///
/// # Errors
/// When a setting is missing or the runtime ends.
pub async fn serve(settings: Settings) -> Result<(), Error> {
    let connection = Connection::open(TimeoutProfile::Function).await;
    let function = DeliverCallback {
        jobs: JobTable::new(&connection, settings.jobs_table()?),
        deliveries: DeliveryTable::new(&connection, settings.deliveries_table()?),
        receivers: ReceiverTable::new(&connection, settings.receivers_table()?),
        shares: ShareTable::new(&connection, settings.shares_table()?),
        bucket: Bucket::new(&connection, settings.bucket()?),
        queue: Queue::new(&connection, settings.callback_queue()?),
        sender: Sender::new(settings.allow_private_callbacks()?)?,
        permanent_failures: PermanentFailures::new(
            "deliver-callback",
            DeadLetterQueue::new(&connection, settings.undelivered_queue()?),
        ),
    };
    // opens the connection at the cold start, so that no request pays for the handshake; the result does not matter
    let _ = function.deliveries.list(&JobId::new(Uuid::nil())).await;
    let function = &function;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Messages>| async move {
        Ok::<_, Error>(function.handle(&event.payload).await)
    }))
    .await
}

impl DeliverCallback {
    /// Processes every message; only those that fail or panic are delivered again.
    pub async fn handle(&self, messages: &Messages) -> MessagesAnswer {
        let runs = messages.records.iter().map(|record| async {
            let message = record.read();
            let job_id = message.as_ref().ok().map(|message| message.job_id.as_str());
            let span = tracing::info_span!("job", job_id);
            let run = async {
                let message = message.as_ref();
                let message = message.map_err(|why| StoreError::Rejected(why.to_string()))?;
                self.run(message).await
            };
            let is_done = self.permanent_failures.process(&record.body, Box::pin(run));
            let is_done = is_done.instrument(span).await;
            (!is_done).then(|| MessageFailure {
                message_id: record.message_id.clone(),
            })
        });
        MessagesAnswer {
            failures: join_all(runs).await.into_iter().flatten().collect(),
        }
    }

    /// Waits until the message is due, for a delivery slot of its owner and for the lease on the job's deliveries, each by sending the message
    /// again with a delay; then delivers what is due.
    async fn run(&self, message: &DeliveryMessage) -> Result<(), StoreError> {
        let now_ms = now().as_ms();
        let Some(owner) = self.owner_of(message).await? else {
            // a deleted job sends nothing
            return self.deliveries.delete_all(&message.job_id).await;
        };
        if message.not_before > now_ms {
            let wait = Duration::from_millis((message.not_before - now_ms) as u64);
            return self.queue.send(&owner, message, wait).await;
        }
        let until_ms = now_ms + LEASE.as_millis() as i64;
        let slots = Slots {
            purpose: "deliveries",
            owner: &owner,
            count: MAX_CONCURRENT_DELIVERIES,
        };
        let holder = Uuid::now_v7().to_string();
        let taken = self.shares.acquire(&slots, &holder, now_ms, until_ms);
        if !taken.await? {
            let since = message.waits_since.unwrap_or(now_ms);
            let waiting = DeliveryMessage {
                waits_since: Some(since),
                ..message.clone()
            };
            let pause = slot_backoff(now_ms - since, attempt::random_fraction());
            return self.queue.send(&owner, &waiting, pause).await;
        }
        let run = self.acquire_lease(message, &owner, now_ms, until_ms).await;
        self.shares.release(&slots, &holder).await?;
        run
    }

    async fn owner_of(&self, message: &DeliveryMessage) -> Result<Option<Owner>, StoreError> {
        if message.owner.is_some() {
            return Ok(message.owner.clone());
        }
        Ok(self.jobs.get(&message.job_id).await?.map(|job| job.owner))
    }

    async fn acquire_lease(
        &self,
        message: &DeliveryMessage,
        owner: &Owner,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<(), StoreError> {
        let turn = self
            .deliveries
            .acquire_lease(&message.job_id, now_ms, until_ms);
        let Some(turn) = turn.await? else {
            return self.queue.send(owner, message, LEASE_RETRY).await;
        };
        let delivered = self.deliver_due(message, owner, &turn).await;
        self.deliveries
            .release_lease(&message.job_id, until_ms)
            .await?;
        delivered
    }

    /// Delivers in order: a delivery waits for those before it.
    async fn deliver_due(
        &self,
        message: &DeliveryMessage,
        owner: &Owner,
        turn: &DeliveryLease,
    ) -> Result<(), StoreError> {
        if self.jobs.get(&message.job_id).await?.is_none() {
            // a deleted job sends nothing
            return self.deliveries.delete_all(&message.job_id).await;
        }
        for _ in 0..MAX_DELIVERIES_PER_LEASE {
            let deliveries = self.deliveries.list(&message.job_id).await?;
            let next = deliveries
                .into_iter()
                .find(|delivery| delivery.state == DeliveryState::Pending);
            let Some(delivery) = next else {
                return match message.progress_of {
                    Some(attempt) => self.send_progress(&message.job_id, attempt).await,
                    None => Ok(()),
                };
            };
            if delivery.due_ms > now().as_ms() {
                let has_message = turn.scheduled_ms == Some(delivery.due_ms);
                // after the clock was set back, this is that message
                let is_it = message.not_before == delivery.due_ms;
                if has_message && !is_it {
                    return Ok(());
                }
                return self.schedule_next(&delivery).await;
            }
            let delivery = self.deliver(delivery).await?;
            if delivery.state == DeliveryState::Pending {
                return self.schedule_next(&delivery).await;
            }
        }
        let next = DeliveryMessage {
            waits_since: None,
            ..message.clone()
        };
        self.queue.send(owner, &next, Duration::ZERO).await
    }

    /// Sends the one message that leads to the next attempt. It is recorded, or every message that passes would send another.
    async fn schedule_next(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let message = DeliveryMessage {
            not_before: delivery.due_ms,
            ..DeliveryMessage::now(&delivery.job_id, &delivery.owner)
        };
        let now_ms = now().as_ms();
        let wait = (delivery.due_ms - now_ms).max(0) as u64;
        self.queue
            .send(&delivery.owner, &message, Duration::from_millis(wait))
            .await?;
        self.deliveries
            .schedule(&delivery.job_id, now_ms, delivery.due_ms)
            .await
    }
}

/// The back-off grows with the time that a message has waited: thousands that return every few seconds would cost more than what they wait for.
/// It is
/// spread by `chance`, from 0 to 1, so that they do not all return at once.
fn slot_backoff(waited_ms: i64, chance: f64) -> Duration {
    let least = (waited_ms as f64 / 4000.0).clamp(MIN_SLOT_BACKOFF_S, MAX_SLOT_BACKOFF_S);
    Duration::from_secs_f64(least * (1.0 + 3.0 * chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_for_a_slot_grows_with_the_time_waited() {
        let pauses = |minutes: i64| [0.0, 1.0].map(|chance| slot_backoff(minutes * 60_000, chance));
        let seconds = |bounds: [u64; 2]| bounds.map(Duration::from_secs);
        assert_eq!(pauses(0), seconds([5, 20]));
        assert_eq!(pauses(2), seconds([30, 120]));
        assert_eq!(pauses(5), seconds([75, 300]));
        assert_eq!(pauses(60 * 24), seconds([75, 300]));
        // the clock was set back
        assert_eq!(pauses(-60), seconds([5, 20]));
    }
}
