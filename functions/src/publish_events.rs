//! `publish-events`: publishes the changes that the table's stream reports: to the owners' open connections at once, to customers' addresses
//! through a
//! queue.

use std::{collections::BTreeSet, future::ready, time::Duration};

use aws::{
    ClientConnections, Connection, DeadLetterQueue, DeliveryTable, Listener, ListenerTable, Queue,
    SessionTable, ShareTable, StoreError, TimeoutProfile, job_from_image,
};
use domain::{Delivery, EventKind, Job, Owner, has_progressed, notification};
use futures_util::{StreamExt, stream};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    api::realtime::{JobEvent, to_json},
    config::Settings,
    deliver_callback::DeliveryMessage,
    http::now,
    permanent_failures::PermanentFailures,
    realtime::{connection_slots, session_id},
    stream::{Batch, BatchAnswer},
};

/// Connections that are notified at the same time.
const MAX_CONCURRENT: usize = 100;
/// Time limit for notifying all connections of one change; the changes of other jobs wait meanwhile.
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(5);

/// What the function has access to.
#[derive(Debug)]
pub struct PublishEvents {
    /// Subscriptions.
    pub listeners: ListenerTable,
    /// Owners of connections.
    pub sessions: SessionTable,
    /// Connection slots of each owner.
    pub shares: ShareTable,
    /// Open connections.
    pub clients: ClientConnections,
    /// Callback deliveries.
    pub deliveries: DeliveryTable,
    /// Messages to `deliver-callback`.
    pub callback_queue: Queue,
    /// Changes that can never be published.
    pub permanent_failures: PermanentFailures,
}

/// Runs the function.
///
/// # Errors
/// When a setting is missing or the runtime ends.
pub async fn serve(settings: Settings) -> Result<(), Error> {
    let connection = Connection::open(TimeoutProfile::Function).await;
    let function = PublishEvents {
        listeners: ListenerTable::new(&connection, settings.listeners_table()?),
        sessions: SessionTable::new(&connection, settings.sessions_table()?),
        shares: ShareTable::new(&connection, settings.shares_table()?),
        clients: ClientConnections::new(&connection, &settings.realtime_url()?),
        deliveries: DeliveryTable::new(&connection, settings.deliveries_table()?),
        callback_queue: Queue::new(&connection, settings.callback_queue()?),
        permanent_failures: PermanentFailures::new(
            "publish-events",
            DeadLetterQueue::new(&connection, settings.undelivered_queue()?),
        ),
    };
    // opens the connection at the cold start, so that no request pays for the handshake; the result does not matter
    let _ = function.listeners.list(&Owner::user("nobody")).await;
    let function = &function;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Batch>| async move {
        Ok::<_, Error>(function.handle(&event.payload).await)
    }))
    .await
}

impl PublishEvents {
    /// Publishes every change of a batch. Retries repeat changes; clients drop those that they have seen.
    pub async fn handle(&self, batch: &Batch) -> BatchAnswer {
        batch
            .process(&self.permanent_failures, |record| self.publish(record))
            .await
    }

    async fn publish(&self, record: &Value) -> Result<(), StoreError> {
        let before = job_from_image(&record["dynamodb"]["OldImage"]);
        let Some(job) = job_from_image(&record["dynamodb"]["NewImage"]) else {
            return Ok(());
        };
        let kind = notification(before.as_ref(), &job);
        let queued = self.queue_callback(before.as_ref(), &job, kind).await;
        if queued.as_ref().is_err_and(|why| !why.is_permanent()) {
            return queued;
        }
        // a callback that can never be stored does not keep the change from open connections
        if let Some(kind) = kind {
            self.notify_connections(kind, job).await?;
        }
        queued
    }

    /// Queues a callback. Starts and ends become deliveries that are retried until they are accepted; progress is sent once, as it is by then.
    async fn queue_callback(
        &self,
        before: Option<&Job>,
        job: &Job,
        kind: Option<EventKind>,
    ) -> Result<(), StoreError> {
        let until = now().as_seconds() + Delivery::RETENTION_S;
        let durable = kind.filter(|kind| *kind != EventKind::Progress);
        let progress_of = match durable
            .and_then(|kind| Delivery::for_change(job, kind, now(), until))
        {
            Some(delivery) => {
                self.deliveries.create(&delivery).await?;
                None
            }
            None if job.callback_url.is_some() && has_progressed(before, job) => Some(job.attempt),
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

    async fn notify_connections(&self, kind: EventKind, job: Job) -> Result<(), StoreError> {
        let mut listeners = self.listeners.list(&job.owner).await?;
        listeners.retain(|listener| listener.is_subscribed_to(&job.id));
        if listeners.is_empty() {
            return Ok(());
        }
        let owner = job.owner.clone();
        let message = to_json(&JobEvent::of(kind, job));
        tracing::info!(
            event = kind.name(),
            listeners = listeners.len(),
            "connections notified"
        );
        self.notify_all(&owner, &listeners, &message).await
    }

    /// Notifies all listeners; disconnects those that do not accept the message in time.
    async fn notify_all(
        &self,
        owner: &Owner,
        listeners: &[Listener],
        message: &str,
    ) -> Result<(), StoreError> {
        let (mut all, mut left) = (Ok(()), (0..listeners.len()).collect::<BTreeSet<_>>());
        let notifying =
            stream::iter(listeners.iter().enumerate())
                .map(|(index, listener)| async move {
                    (index, self.notify(owner, listener, message).await)
                })
                .buffer_unordered(MAX_CONCURRENT)
                .for_each(|(index, result)| {
                    left.remove(&index);
                    if all.is_ok() {
                        all = result;
                    }
                    ready(())
                });
        if timeout(NOTIFY_TIMEOUT, notifying).await.is_ok() {
            return all;
        }
        tracing::warn!(
            connections = left.len(),
            "connections not notified in time; disconnecting them"
        );
        let disconnecting = stream::iter(left)
            .map(|index| self.disconnect(owner, &listeners[index]))
            .buffer_unordered(MAX_CONCURRENT);
        disconnecting.fold(all, async |all, one| all.and(one)).await
    }

    /// Notifies a listener; disconnects it if it cannot be notified, so that nothing waits for it.
    async fn notify(
        &self,
        owner: &Owner,
        listener: &Listener,
        message: &str,
    ) -> Result<(), StoreError> {
        let id = &listener.connection_id;
        match self.clients.send(id, message).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::info!(connection = %id, "the connection has closed");
                self.forget(owner, id).await
            }
            Err(why) => {
                tracing::warn!(connection = %id, %why, "the connection accepts no message; disconnecting it");
                self.disconnect(owner, listener).await
            }
        }
    }

    /// Disconnects a client: it connects again and receives a snapshot.
    async fn disconnect(&self, owner: &Owner, listener: &Listener) -> Result<(), StoreError> {
        let id = &listener.connection_id;
        // its session is forgotten all the same: it is disconnected with its next message
        if let Err(why) = self.clients.disconnect(id).await {
            tracing::warn!(connection = %id, %why, "the connection could not be disconnected");
        }
        self.forget(owner, id).await
    }

    async fn forget(&self, owner: &Owner, id: &str) -> Result<(), StoreError> {
        self.listeners.remove(owner, id).await?;
        self.sessions.consume(&session_id(id), i64::MIN).await?;
        self.shares.release(&connection_slots(owner), id).await
    }
}
