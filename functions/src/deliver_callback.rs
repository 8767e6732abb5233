//! `deliver-callback`: brings customers what they are owed, job by job and in order, from messages that say where something is due.

mod trying;

use std::time::Duration;

use aws::{
    Bucket, Connection, DeadLetters, DeliveryTable, JobTable, Patience, Places, Queue,
    ReceiverTable, ShareTable, StoreError, Turn,
};
use domain::{Delivery, DeliveryState, JobId, Owner, limits::MOST_DELIVERIES_AT_ONCE};
use futures_util::future::join_all;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    callbacks::Sender, config::Settings, http::now, permanent_failures::PermanentFailures,
};

/// How long a turn lasts at most: a few deliveries, each within its own limit.
const TURN: Duration = Duration::from_secs(75);
/// Deliveries of one turn; what is left has the next one.
const MOST_AT_A_TURN: usize = 4;
/// When to look again where somebody else has the turn.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// When to look again where an owner's deliveries have all their places: from this on, and up to four times as late.
const NO_PLACE_S: f64 = 5.0;
/// The same for a message that has waited for long. A place that is free meanwhile stays so for no longer than its quadruple, 5 min.
const LONGEST_NO_PLACE_S: f64 = 75.0;

/// What this function may touch.
#[derive(Debug)]
pub struct DeliverCallback {
    /// All jobs, for their progress.
    pub jobs: JobTable,
    /// What is owed.
    pub deliveries: DeliveryTable,
    /// Secrets, and addresses that want nothing any more.
    pub receivers: ReceiverTable,
    /// How many places each owner's deliveries have.
    pub shares: ShareTable,
    /// Where clips lie.
    pub bucket: Bucket,
    /// Messages to this very function.
    pub queue: Queue,
    /// The way out.
    pub sender: Sender,
    /// Messages that can never be dealt with.
    pub permanent_failures: PermanentFailures,
}

/// A message of the queue: a job of which something is due at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeliveryMessage {
    /// The job.
    pub job_id: JobId,
    /// Whose it is; none in a message of an older version.
    #[serde(default)]
    pub owner: Option<Owner>,
    /// Not before this, in milliseconds since 1970.
    pub not_before: i64,
    /// The attempt whose progress is to be told, once and as it is then; none: what is owed.
    #[serde(default)]
    pub progress_of: Option<u32>,
    /// Since when it waits for a place among its owner's deliveries, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_since: Option<i64>,
}

impl DeliveryMessage {
    /// What is owed, at once.
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

/// Messages of the queue.
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
    /// Those that can be read.
    pub(crate) fn readable(&self) -> impl Iterator<Item = DeliveryMessage> {
        self.records.iter().filter_map(|record| record.read().ok())
    }
}

impl QueueMessage {
    fn read(&self) -> Result<DeliveryMessage, serde_json::Error> {
        serde_json::from_str(&self.body)
    }
}

/// Messages that are not done and come again.
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
    let connection = Connection::open(Patience::Function).await;
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
            DeadLetters::new(&connection, settings.undelivered_queue()?),
        ),
    };
    // the first call of all would pay for the handshake; what it finds does not matter
    let _ = function.deliveries.of(&JobId::new(Uuid::nil())).await;
    let function = &function;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Messages>| async move {
        Ok::<_, Error>(function.handle(&event.payload).await)
    }))
    .await
}

impl DeliverCallback {
    /// Deals with every message; one that fails or panics comes again without the others.
    pub async fn handle(&self, messages: &Messages) -> MessagesAnswer {
        let runs = messages.records.iter().map(|record| async {
            let message = record.read();
            let job_id = message.as_ref().ok().map(|message| message.job_id.as_str());
            let span = tracing::info_span!("job", job_id);
            let run = async {
                let message = message.as_ref();
                let message = message.map_err(|why| StoreError::Refused(why.to_string()))?;
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

    /// Waits in the queue until it is time, for a place among its owner's deliveries and for its turn; then delivers what is due.
    async fn run(&self, message: &DeliveryMessage) -> Result<(), StoreError> {
        let now_ms = now().as_ms();
        let Some(owner) = self.owner_of(message).await? else {
            // nothing is said of a job that was deleted
            return self.deliveries.forget(&message.job_id).await;
        };
        if message.not_before > now_ms {
            let wait = Duration::from_millis((message.not_before - now_ms) as u64);
            return self.queue.send(&owner, message, wait).await;
        }
        let until_ms = now_ms + TURN.as_millis() as i64;
        let places = Places {
            what: "deliveries",
            owner: &owner,
            most: MOST_DELIVERIES_AT_ONCE,
        };
        let holder = Uuid::now_v7().to_string();
        let taken = self.shares.take(&places, &holder, now_ms, until_ms);
        if !taken.await? {
            let since = message.waits_since.unwrap_or(now_ms);
            let waiting = DeliveryMessage {
                waits_since: Some(since),
                ..message.clone()
            };
            let pause = no_place(now_ms - since, trying::chance());
            return self.queue.send(&owner, &waiting, pause).await;
        }
        let run = self.take_turn(message, &owner, now_ms, until_ms).await;
        self.shares.give_back(&places, &holder).await?;
        run
    }

    async fn owner_of(&self, message: &DeliveryMessage) -> Result<Option<Owner>, StoreError> {
        if message.owner.is_some() {
            return Ok(message.owner.clone());
        }
        Ok(self.jobs.get(&message.job_id).await?.map(|job| job.owner))
    }

    async fn take_turn(
        &self,
        message: &DeliveryMessage,
        owner: &Owner,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<(), StoreError> {
        let turn = self.deliveries.take_turn(&message.job_id, now_ms, until_ms);
        let Some(turn) = turn.await? else {
            return self.queue.send(owner, message, LOOK_AGAIN).await;
        };
        let delivered = self.deliver_due(message, owner, &turn).await;
        self.deliveries
            .give_turn_back(&message.job_id, until_ms)
            .await?;
        delivered
    }

    /// Delivers in order; a later one waits for those before it.
    async fn deliver_due(
        &self,
        message: &DeliveryMessage,
        owner: &Owner,
        turn: &Turn,
    ) -> Result<(), StoreError> {
        if self.jobs.get(&message.job_id).await?.is_none() {
            // nothing is said of a job that was deleted
            return self.deliveries.forget(&message.job_id).await;
        }
        for _ in 0..MOST_AT_A_TURN {
            let owed = self.deliveries.of(&message.job_id).await?;
            let next = owed
                .into_iter()
                .find(|delivery| delivery.state == DeliveryState::Pending);
            let Some(delivery) = next else {
                return match message.progress_of {
                    Some(attempt) => self.tell_progress(&message.job_id, attempt).await,
                    None => Ok(()),
                };
            };
            if delivery.due_ms > now().as_ms() {
                let has_message = turn.armed_ms == Some(delivery.due_ms);
                // this is that message, if the clock was set back
                let is_it = message.not_before == delivery.due_ms;
                if has_message && !is_it {
                    return Ok(());
                }
                return self.later(&delivery).await;
            }
            let delivery = self.deliver(delivery).await?;
            if delivery.state == DeliveryState::Pending {
                return self.later(&delivery).await;
            }
        }
        let next = DeliveryMessage {
            waits_since: None,
            ..message.clone()
        };
        self.queue.send(owner, &next, Duration::ZERO).await
    }

    /// Sends the one message that leads to the next try: without the note of it every message that comes by would send another.
    async fn later(&self, delivery: &Delivery) -> Result<(), StoreError> {
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
            .arm(&delivery.job_id, now_ms, delivery.due_ms)
            .await
    }
}

/// The longer a message has waited, the later it comes again: thousands that all come every few seconds would cost more than what they
/// wait for. Not the same for all, or they would all come back at once; `chance` is from 0 to 1.
fn no_place(waited_ms: i64, chance: f64) -> Duration {
    let least = (waited_ms as f64 / 4000.0).clamp(NO_PLACE_S, LONGEST_NO_PLACE_S);
    Duration::from_secs_f64(least * (1.0 + 3.0 * chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_a_message_has_waited_for_a_place_the_later_it_comes_again() {
        let pauses = |minutes: i64| [0.0, 1.0].map(|chance| no_place(minutes * 60_000, chance));
        let seconds = |bounds: [u64; 2]| bounds.map(Duration::from_secs);
        assert_eq!(pauses(0), seconds([5, 20]));
        assert_eq!(pauses(2), seconds([30, 120]));
        assert_eq!(pauses(5), seconds([75, 300]));
        assert_eq!(pauses(60 * 24), seconds([75, 300]));
        // the clock was set back
        assert_eq!(pauses(-60), seconds([5, 20]));
    }
}
