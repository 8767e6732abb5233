//! `publish-events`: tells an owner's open connections what the table's stream shows of the owner's jobs.

use aws::{
    Clients, Connection, Listener, ListenerTable, Patience, SessionTable, StoreError, job_of_image,
};
use domain::{Owner, news};
use futures_util::{StreamExt, stream};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use tracing::Instrument;

use crate::{
    config::Settings,
    messages::{News, text},
    realtime::session_of,
    stream::{Batch, BatchAnswer},
};

/// Connections that are told something at the same time.
const AT_ONCE: usize = 100;

/// What this function may touch.
#[derive(Debug)]
pub struct PublishEvents {
    /// Who listens to what.
    pub listeners: ListenerTable,
    /// Whose connections there are.
    pub sessions: SessionTable,
    /// The connections.
    pub clients: Clients,
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
        clients: Clients::new(&connection, &settings.realtime_url()?),
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
        batch.each(|record| self.publish(record)).await
    }

    async fn publish(&self, record: &Value) -> Result<(), StoreError> {
        let before = job_of_image(&record["dynamodb"]["OldImage"]);
        let Some(job) = job_of_image(&record["dynamodb"]["NewImage"]) else {
            return Ok(());
        };
        let Some(kind) = news(before.as_ref(), &job) else {
            return Ok(());
        };
        let span = tracing::info_span!("job", job_id = %job.id, attempt = job.attempt);
        async {
            let mut listeners = self.listeners.of(&job.owner).await?;
            listeners.retain(|listener| listener.wants(&job.id));
            if listeners.is_empty() {
                return Ok(());
            }
            let owner = job.owner.clone();
            let message = text(&News::of(kind, job));
            tracing::info!(event = kind.name(), listeners = listeners.len(), "told");
            self.tell_all(&owner, &listeners, &message).await
        }
        .instrument(span)
        .await
    }

    async fn tell_all(
        &self,
        owner: &Owner,
        listeners: &[Listener],
        message: &str,
    ) -> Result<(), StoreError> {
        let told = stream::iter(listeners)
            .map(|listener| self.tell(owner, listener, message))
            .buffer_unordered(AT_ONCE);
        told.fold(Ok(()), async |all, one| all.and(one)).await
    }

    /// A connection that cannot be told is cut, so that its client comes back and is shown where its jobs stand: nobody waits for it.
    async fn tell(
        &self,
        owner: &Owner,
        listener: &Listener,
        message: &str,
    ) -> Result<(), StoreError> {
        let id = &listener.connection_id;
        match self.clients.tell(id, message).await {
            Ok(true) => return Ok(()),
            Ok(false) => tracing::info!(connection = %id, "a connection is gone"),
            Err(why) => {
                tracing::warn!(connection = %id, %why, "a connection takes no message and is cut");
                self.clients.cut(id).await?;
            }
        }
        self.listeners.remove(owner, id).await?;
        self.sessions
            .take(&session_of(id), i64::MIN)
            .await
            .map(drop)
    }
}
