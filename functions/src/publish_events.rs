//! `publish-events`: tells what the table's stream shows of jobs: their owners' open connections at once, and the addresses that
//! customers named by way of a queue.

use std::{collections::BTreeSet, future::ready, time::Duration};

use aws::{
    Clients, Connection, DeadLetters, DeliveryTable, Listener, ListenerTable, Patience, Queue,
    SessionTable, ShareTable, StoreError, job_of_image,
};
use domain::{Delivery, EventKind, Job, Owner, moved, news};
use futures_util::{StreamExt, stream};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    api::realtime::{News, text},
    config::Settings,
    deliver_callback::DeliveryMessage,
    http::now,
    permanent_failures::PermanentFailures,
    realtime::{places_of, session_of},
    stream::{Batch, BatchAnswer},
};

/// Connections that are told something at the same time.
const AT_ONCE: usize = 100;
/// How long it may take to tell all connections of one change; the changes of other jobs wait for it.
const TELLING: Duration = Duration::from_secs(5);

/// What this function may touch.
#[derive(Debug)]
pub struct PublishEvents {
    /// Who listens to what.
    pub listeners: ListenerTable,
    /// Whose connections there are.
    pub sessions: SessionTable,
    /// How many connections each owner has open.
    pub shares: ShareTable,
    /// The connections.
    pub clients: Clients,
    /// What is owed to customers' addresses.
    pub deliveries: DeliveryTable,
    /// Messages to `deliver-callback`.
    pub callback_queue: Queue,
    /// What can never be told.
    pub permanent_failures: PermanentFailures,
}

/// Runs the function.
///
/// # Errors
/// When a setting is missing or the runtime ends.
pub async fn serve(settings: Settings) -> Result<(), Error> {
    let connection = Connection::open(Patience::Function).await;
    let function = PublishEvents {
        listeners: ListenerTable::new(&connection, settings.listeners_table()?),
        sessions: SessionTable::new(&connection, settings.sessions_table()?),
        shares: ShareTable::new(&connection, settings.shares_table()?),
        clients: Clients::new(&connection, &settings.realtime_url()?),
        deliveries: DeliveryTable::new(&connection, settings.deliveries_table()?),
        callback_queue: Queue::new(&connection, settings.callback_queue()?),
        permanent_failures: PermanentFailures::new(
            "publish-events",
            DeadLetters::new(&connection, settings.undelivered_queue()?),
        ),
    };
    // the first call of all would pay for the handshake; what it finds does not matter
    let _ = function.listeners.of(&Owner::user("nobody")).await;
    let function = &function;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Batch>| async move {
        Ok::<_, Error>(function.handle(&event.payload).await)
    }))
    .await
}

impl PublishEvents {
    /// Tells what a batch has to tell. A batch may come again: whoever listens drops what is not new.
    pub async fn handle(&self, batch: &Batch) -> BatchAnswer {
        batch
            .process(&self.permanent_failures, |record| self.publish(record))
            .await
    }

    async fn publish(&self, record: &Value) -> Result<(), StoreError> {
        let before = job_of_image(&record["dynamodb"]["OldImage"]);
        let Some(job) = job_of_image(&record["dynamodb"]["NewImage"]) else {
            return Ok(());
        };
        let kind = news(before.as_ref(), &job);
        let owed = self.owe(before.as_ref(), &job, kind).await;
        if owed.as_ref().is_err_and(|why| !why.is_final()) {
            return owed;
        }
        // a callback that can never be stored keeps nothing from open connections
        if let Some(kind) = kind {
            self.tell_connections(kind, job).await?;
        }
        owed
    }

    /// Starts and ends are owed until they are taken; progress is told once, as it is when its turn comes.
    async fn owe(
        &self,
        before: Option<&Job>,
        job: &Job,
        kind: Option<EventKind>,
    ) -> Result<(), StoreError> {
        let until = now().as_seconds() + Delivery::KNOWN_S;
        let durable = kind.filter(|kind| *kind != EventKind::Progress);
        let progress_of = match durable.and_then(|kind| Delivery::of(job, kind, now(), until)) {
            Some(delivery) => {
                self.deliveries.create(&delivery).await?;
                None
            }
            None if job.callback_url.is_some() && moved(before, job) => Some(job.attempt),
            None => return Ok(()),
        };
        let message = DeliveryMessage {
            progress_of,
            ..DeliveryMessage::now(&job.id, &job.owner)
        };
        self.callback_queue
            .send(&job.owner, &message, Duration::ZERO)
            .await
    }

    async fn tell_connections(&self, kind: EventKind, job: Job) -> Result<(), StoreError> {
        let mut listeners = self.listeners.of(&job.owner).await?;
        listeners.retain(|listener| listener.wants(&job.id));
        if listeners.is_empty() {
            return Ok(());
        }
        let owner = job.owner.clone();
        let message = text(&News::of(kind, job));
        tracing::info!(
            event = kind.name(),
            listeners = listeners.len(),
            "connections notified"
        );
        self.tell_all(&owner, &listeners, &message).await
    }

    /// Those that are not told in time are cut.
    async fn tell_all(
        &self,
        owner: &Owner,
        listeners: &[Listener],
        message: &str,
    ) -> Result<(), StoreError> {
        let (mut all, mut left) = (Ok(()), (0..listeners.len()).collect::<BTreeSet<_>>());
        let telling =
            stream::iter(listeners.iter().enumerate())
                .map(|(place, listener)| async move {
                    (place, self.tell(owner, listener, message).await)
                })
                .buffer_unordered(AT_ONCE)
                .for_each(|(place, told)| {
                    left.remove(&place);
                    if all.is_ok() {
                        all = told;
                    }
                    ready(())
                });
        if timeout(TELLING, telling).await.is_ok() {
            return all;
        }
        tracing::warn!(
            connections = left.len(),
            "connections not notified in time; disconnecting them"
        );
        let cut = stream::iter(left)
            .map(|place| self.cut(owner, &listeners[place]))
            .buffer_unordered(AT_ONCE);
        cut.fold(all, async |all, one| all.and(one)).await
    }

    /// A connection that cannot be told is cut: nobody waits for it.
    async fn tell(
        &self,
        owner: &Owner,
        listener: &Listener,
        message: &str,
    ) -> Result<(), StoreError> {
        let id = &listener.connection_id;
        match self.clients.tell(id, message).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::info!(connection = %id, "the connection has closed");
                self.forget(owner, id).await
            }
            Err(why) => {
                tracing::warn!(connection = %id, %why, "the connection accepts no message; disconnecting it");
                self.cut(owner, listener).await
            }
        }
    }

    /// Its client comes back and is shown where its jobs stand.
    async fn cut(&self, owner: &Owner, listener: &Listener) -> Result<(), StoreError> {
        let id = &listener.connection_id;
        // one that cannot be cut is not known any more: it is cut when it says something
        if let Err(why) = self.clients.cut(id).await {
            tracing::warn!(connection = %id, %why, "the connection could not be disconnected");
        }
        self.forget(owner, id).await
    }

    async fn forget(&self, owner: &Owner, id: &str) -> Result<(), StoreError> {
        self.listeners.remove(owner, id).await?;
        self.sessions.take(&session_of(id), i64::MIN).await?;
        self.shares.give_back(&places_of(owner), id).await
    }
}
