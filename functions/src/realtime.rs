//! `realtime`: the WebSocket API, over which users follow their jobs: `$connect` with a ticket, `subscribe`, `ping`, `$disconnect`.

use std::collections::HashMap;

use aws::{
    ClientConnections, Connection, JobTable, ListenerTable, SessionTable, ShareTable, Slots,
    StoreError, TimeoutProfile,
};
use domain::{
    Job, JobId, Owner,
    limits::{MAX_CLIENT_MESSAGE_BYTES, MAX_CONNECTIONS},
};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use crate::{
    api::realtime::{Message, snapshots, to_json},
    config::Settings,
    http::now,
    rate_limit::RateLimiter,
};

/// API Gateway closes a connection after two hours; its records are kept somewhat longer.
const CONNECTION_LIFETIME_S: i64 = 2 * 3600 + 600;
/// Jobs of a snapshot, the newest of an owner.
const SNAPSHOT_JOBS: usize = 50;

/// What the function has access to.
#[derive(Debug)]
pub struct Realtime {
    /// Jobs.
    pub jobs: JobTable,
    /// Tickets, and the owners of connections.
    pub sessions: SessionTable,
    /// Subscriptions.
    pub listeners: ListenerTable,
    /// Connection slots of each owner.
    pub shares: ShareTable,
    /// Limits of messages.
    pub rate_limiter: RateLimiter,
    /// Open connections.
    pub clients: ClientConnections,
}

/// An event of a connection from API Gateway.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketEvent {
    request_context: SocketContext,
    #[serde(default)]
    query_string_parameters: Option<HashMap<String, String>>,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SocketContext {
    connection_id: String,
    event_type: EventType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum EventType {
    Connect,
    Disconnect,
    Message,
}

/// The response to API Gateway.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SocketAnswer {
    status_code: u16,
}

/// A message of a client.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
enum ClientMessage {
    #[serde(rename_all = "camelCase")]
    Subscribe {
        #[serde(default)]
        job_id: Option<String>,
    },
    Ping,
}

/// Runs the function.
///
/// # Errors
/// When a setting is missing or the runtime ends.
pub async fn serve(settings: Settings) -> Result<(), Error> {
    let connection = Connection::open(TimeoutProfile::Function).await;
    let function = Realtime {
        jobs: JobTable::new(&connection, settings.jobs_table()?),
        sessions: SessionTable::new(&connection, settings.sessions_table()?),
        listeners: ListenerTable::new(&connection, settings.listeners_table()?),
        shares: ShareTable::new(&connection, settings.shares_table()?),
        rate_limiter: RateLimiter {
            shares: ShareTable::new(&connection, settings.shares_table()?),
            user_limit: settings.requests_per_minute()?,
            service_limit: settings.service_requests_per_minute()?,
        },
        clients: ClientConnections::new(&connection, &settings.realtime_url()?),
    };
    // opens the connection at the cold start, so that no request pays for the handshake; the result does not matter
    let _ = function.sessions.owner_of("nobody", 0).await;
    let function = &function;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SocketEvent>| async move {
        Ok::<_, Error>(function.answer(&event.payload).await)
    }))
    .await
}

impl Realtime {
    /// Handles one event of a connection.
    pub async fn answer(&self, event: &SocketEvent) -> SocketAnswer {
        let id = &event.request_context.connection_id;
        let span = tracing::info_span!("connection", connection = %id);
        let answered = async {
            match event.request_context.event_type {
                EventType::Connect => self.connect(id, event).await,
                EventType::Disconnect => self.disconnect(id).await.map(|()| 200),
                EventType::Message => self.handle_message(id, event).await.map(|()| 200),
            }
            .unwrap_or_else(|why| {
                tracing::warn!(%why, "the store is unavailable");
                if why.is_transient() { 503 } else { 500 }
            })
        };
        SocketAnswer {
            status_code: answered.instrument(span).await,
        }
    }

    /// Accepts a connection with a valid ticket if its owner has a free slot. Nothing can be sent to it yet.
    async fn connect(&self, id: &str, event: &SocketEvent) -> Result<u16, StoreError> {
        let now_ms = now().as_ms();
        let now = now_ms / 1000;
        let parameters = event.query_string_parameters.as_ref();
        let Some(ticket) = parameters.and_then(|parameters| parameters.get("ticket")) else {
            return Ok(401);
        };
        let Some(owner) = self.sessions.consume(&ticket_id(ticket), now).await? else {
            tracing::info!("connection rejected: the ticket is unknown, used or expired");
            return Ok(401);
        };
        let (slots, until) = (connection_slots(&owner), now + CONNECTION_LIFETIME_S);
        if !self
            .shares
            .acquire(&slots, id, now_ms, until * 1000)
            .await?
        {
            tracing::info!("connection rejected: the owner has too many connections");
            return Ok(429);
        }
        let known = self.sessions.put(session_id(id), &owner, until).await;
        if known.is_err() {
            // the connection is rejected, and no `$disconnect` will follow
            let free = self.shares.release(&slots, id).await;
            let _ = free.inspect_err(|why| tracing::warn!(%why, "the connection slot is not released; it expires by itself"));
        }
        known.map(|()| 200)
    }

    async fn disconnect(&self, id: &str) -> Result<(), StoreError> {
        if let Some(owner) = self.sessions.consume(&session_id(id), i64::MIN).await? {
            self.shares.release(&connection_slots(&owner), id).await?;
            self.listeners.remove(&owner, id).await?;
        }
        Ok(())
    }

    /// API Gateway does not pass the result on to the client: after a failure the client is sent an error and disconnected, and connects again.
    async fn handle_message(&self, id: &str, event: &SocketEvent) -> Result<(), StoreError> {
        let failed = match self.answer_message(id, event).await {
            Ok(()) => return Ok(()),
            Err(why) => why,
        };
        if failed.is_permanent() {
            // not disconnected: it would connect and send the same message again
            let message = error("internal", "an internal error occurred");
            self.send(id, &message).await?;
            return Err(failed);
        }
        let message = error(
            "unavailable",
            "the service is temporarily unavailable; connect again",
        );
        // sending may be the call that fails
        let sent = self.send(id, &message).await.map(drop);
        let cut = self.clients.disconnect(id).await;
        if let Err(why) = sent.and(cut) {
            tracing::warn!(%why, "the client could not be notified or disconnected");
        }
        Err(failed)
    }

    async fn answer_message(&self, id: &str, event: &SocketEvent) -> Result<(), StoreError> {
        let now = now().as_seconds();
        let Some(owner) = self.sessions.owner_of(&session_id(id), now).await? else {
            let message = "the connection has expired; connect again";
            self.send(id, &error("unauthorized", message)).await?;
            return self.clients.disconnect(id).await;
        };
        if self.rate_limiter.count_request(&owner).await?.is_some() {
            // a client that keeps sending would use up the throttling limit that all share
            let message =
                "the message limit of this minute is exceeded; connect again in the next minute";
            self.send(id, &error("rate_limited", message)).await?;
            return self.clients.disconnect(id).await;
        }
        let body = event.body.as_deref().unwrap_or_default();
        let body = Some(body).filter(|body| body.len() <= MAX_CLIENT_MESSAGE_BYTES);
        let answers = match body.and_then(|body| serde_json::from_str(body).ok()) {
            Some(ClientMessage::Ping) => vec![Message::Pong],
            Some(ClientMessage::Subscribe { job_id }) => {
                self.subscribe(id, &owner, job_id, now).await?
            }
            None => {
                let message = "must be {\"action\": \"subscribe\"}, optionally with a jobId, or {\"action\": \"ping\"}";
                vec![error("invalid_request", message)]
            }
        };
        for answer in &answers {
            if !self.send(id, answer).await? {
                // its `$disconnect` may have been handled before the subscription was stored
                return self.listeners.remove(&owner, id).await;
            }
        }
        Ok(())
    }

    /// Stores the subscription before it reads the jobs, so that no change is missed between the two.
    async fn subscribe(
        &self,
        id: &str,
        owner: &Owner,
        job_id: Option<String>,
        now: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let until = now + CONNECTION_LIFETIME_S;
        let jobs = match job_id {
            None => {
                self.listeners.subscribe(owner, id, None, until).await?;
                self.newest(owner).await?
            }
            Some(job_id) => {
                let Some(job) = self.find(owner, &job_id).await? else {
                    return Ok(vec![error("not_found", "there is no such job")]);
                };
                if !self
                    .listeners
                    .subscribe(owner, id, Some(&job.id), until)
                    .await?
                {
                    let message = "the connection has reached its limit of subscribed jobs; subscribe without a jobId to follow all jobs";
                    return Ok(vec![error("too_many_jobs", message)]);
                }
                self.jobs.get(&job.id).await?.into_iter().collect()
            }
        };
        Ok(snapshots(jobs))
    }

    async fn find(&self, owner: &Owner, id: &str) -> Result<Option<Job>, StoreError> {
        let Ok(id) = id.parse::<JobId>() else {
            return Ok(None);
        };
        let job = self.jobs.get(&id).await?;
        Ok(job.filter(|job| job.owner == *owner))
    }

    /// The newest jobs of an owner. The index that lists them is eventually consistent, so active ones are read again.
    async fn newest(&self, owner: &Owner) -> Result<Vec<Job>, StoreError> {
        let listed = self.jobs.list(owner, None, SNAPSHOT_JOBS, None).await?.jobs;
        let mut jobs = Vec::with_capacity(listed.len());
        for job in listed {
            if job.status.is_terminal() {
                jobs.push(job);
            } else {
                jobs.extend(self.jobs.get(&job.id).await?);
            }
        }
        Ok(jobs)
    }

    /// Sends a message; `false` if the client has disconnected.
    async fn send(&self, id: &str, message: &Message) -> Result<bool, StoreError> {
        self.clients.send(id, &to_json(message)).await
    }
}

/// The id of a ticket in the table of sessions: a hash, which cannot be used as a ticket.
pub(crate) fn ticket_id(ticket: &str) -> String {
    format!("ticket#{}", hex::encode(Sha256::digest(ticket)))
}

/// The id of a connection in the table of sessions.
pub(crate) fn session_id(connection_id: &str) -> String {
    format!("connection#{connection_id}")
}

/// The connection slots of an owner.
pub(crate) fn connection_slots(owner: &Owner) -> Slots<'_> {
    Slots {
        purpose: "connections",
        owner,
        count: MAX_CONNECTIONS,
    }
}

fn error(code: &'static str, message: &'static str) -> Message {
    Message::Error { code, message }
}
