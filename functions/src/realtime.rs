//! `realtime`: the WebSocket API, on which users hear of their jobs: `$connect` with a ticket, `subscribe`, `ping`, `$disconnect`.

use std::collections::HashMap;

use aws::{
    Clients, Connection, JobTable, ListenerTable, Patience, Places, SessionTable, ShareTable,
    StoreError,
};
use domain::{
    Job, JobId, Owner,
    limits::{CLIENT_MESSAGE_BYTES, MOST_CONNECTIONS},
};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use crate::{
    api::realtime::{Message, snapshots, text},
    config::Settings,
    http::now,
    rate_limit::RateLimiter,
};

/// API Gateway keeps a connection for two hours; a while more, so that none is forgotten that is still there.
const CONNECTION_HOLDS_S: i64 = 2 * 3600 + 600;
/// Jobs of an owner that a snapshot shows, the newest.
const JOBS_SHOWN: usize = 50;

/// What this function may touch.
#[derive(Debug)]
pub struct Realtime {
    /// All jobs.
    pub jobs: JobTable,
    /// Tickets and whose connections there are.
    pub sessions: SessionTable,
    /// Who listens to what.
    pub listeners: ListenerTable,
    /// How many connections each owner has open.
    pub shares: ShareTable,
    /// How much each owner may say.
    pub rate_limiter: RateLimiter,
    /// The connections.
    pub clients: Clients,
}

/// Something that happens on a connection, as API Gateway tells it.
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

/// What API Gateway is answered.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SocketAnswer {
    status_code: u16,
}

/// What a client says.
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
    let connection = Connection::open(Patience::Function).await;
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
        clients: Clients::new(&connection, &settings.realtime_url()?),
    };
    // the first call of all would pay for the handshake; what it finds does not matter
    let _ = function.sessions.owner_of("nobody", 0).await;
    let function = &function;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SocketEvent>| async move {
        Ok::<_, Error>(function.answer(&event.payload).await)
    }))
    .await
}

impl Realtime {
    /// Answers one event of a connection.
    pub async fn answer(&self, event: &SocketEvent) -> SocketAnswer {
        let id = &event.request_context.connection_id;
        let span = tracing::info_span!("connection", connection = %id);
        let answered = async {
            match event.request_context.event_type {
                EventType::Connect => self.connect(id, event).await,
                EventType::Disconnect => self.disconnect(id).await.map(|()| 200),
                EventType::Message => self.heard(id, event).await.map(|()| 200),
            }
            .unwrap_or_else(|why| {
                tracing::warn!(%why, "the store is unavailable");
                if why.is_passing() { 503 } else { 500 }
            })
        };
        SocketAnswer {
            status_code: answered.instrument(span).await,
        }
    }

    /// Lets a connection in whose ticket is good, if its owner has not too many; nothing can be sent to it yet.
    async fn connect(&self, id: &str, event: &SocketEvent) -> Result<u16, StoreError> {
        let now_ms = now().as_ms();
        let now = now_ms / 1000;
        let parameters = event.query_string_parameters.as_ref();
        let Some(ticket) = parameters.and_then(|parameters| parameters.get("ticket")) else {
            return Ok(401);
        };
        let Some(owner) = self.sessions.take(&ticket_id(ticket), now).await? else {
            tracing::info!("connection rejected: the ticket is unknown, used or expired");
            return Ok(401);
        };
        let (places, until) = (places_of(&owner), now + CONNECTION_HOLDS_S);
        if !self.shares.take(&places, id, now_ms, until * 1000).await? {
            tracing::info!("connection rejected: the owner has too many connections");
            return Ok(429);
        }
        let known = self.sessions.put(session_of(id), &owner, until).await;
        if known.is_err() {
            // it is not let in, and its end will not be told
            let free = self.shares.give_back(&places, id).await;
            let _ = free.inspect_err(|why| tracing::warn!(%why, "the connection slot is not released; it expires by itself"));
        }
        known.map(|()| 200)
    }

    async fn disconnect(&self, id: &str) -> Result<(), StoreError> {
        if let Some(owner) = self.sessions.take(&session_of(id), i64::MIN).await? {
            self.shares.give_back(&places_of(&owner), id).await?;
            self.listeners.remove(&owner, id).await?;
        }
        Ok(())
    }

    /// A client is not told how its message was dealt with: where that fails it is cut, and comes back.
    async fn heard(&self, id: &str, event: &SocketEvent) -> Result<(), StoreError> {
        let failed = match self.message(id, event).await {
            Ok(()) => return Ok(()),
            Err(why) => why,
        };
        if failed.is_final() {
            // it would come back for the same again
            let sorry = refusal("internal", "an internal error occurred");
            self.say(id, &sorry).await?;
            return Err(failed);
        }
        let sorry = refusal(
            "unavailable",
            "the service is temporarily unavailable; connect again",
        );
        // it may be just this that fails
        let told = self.say(id, &sorry).await.map(drop);
        let cut = self.clients.cut(id).await;
        if let Err(why) = told.and(cut) {
            tracing::warn!(%why, "the client could not be notified or disconnected");
        }
        Err(failed)
    }

    async fn message(&self, id: &str, event: &SocketEvent) -> Result<(), StoreError> {
        let now = now().as_seconds();
        let Some(owner) = self.sessions.owner_of(&session_of(id), now).await? else {
            let what = "the connection has expired; connect again";
            self.say(id, &refusal("unauthorized", what)).await?;
            return self.clients.cut(id).await;
        };
        if self.rate_limiter.retry_after_s(&owner).await?.is_some() {
            // a client that goes on talking would take the others' share of what all may say
            let what =
                "the message limit of this minute is exceeded; connect again in the next minute";
            self.say(id, &refusal("rate_limited", what)).await?;
            return self.clients.cut(id).await;
        }
        let body = event.body.as_deref().unwrap_or_default();
        let message = Some(body).filter(|body| body.len() <= CLIENT_MESSAGE_BYTES);
        let answers = match message.and_then(|body| serde_json::from_str(body).ok()) {
            Some(ClientMessage::Ping) => vec![Message::Pong],
            Some(ClientMessage::Subscribe { job_id }) => {
                self.subscribe(id, &owner, job_id, now).await?
            }
            None => {
                let what = "must be {\"action\": \"subscribe\"}, optionally with a jobId, or {\"action\": \"ping\"}";
                vec![refusal("invalid_request", what)]
            }
        };
        for answer in &answers {
            if !self.say(id, answer).await? {
                // its end may have been dealt with before it was registered
                return self.listeners.remove(&owner, id).await;
            }
        }
        Ok(())
    }

    /// Registers first and shows where the jobs stand after that, so that nothing falls between the two.
    async fn subscribe(
        &self,
        id: &str,
        owner: &Owner,
        job_id: Option<String>,
        now: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let until = now + CONNECTION_HOLDS_S;
        let jobs = match job_id {
            None => {
                self.listeners.add(owner, id, None, until).await?;
                self.newest(owner).await?
            }
            Some(job_id) => {
                let Some(job) = self.find(owner, &job_id).await? else {
                    return Ok(vec![refusal("not_found", "there is no such job")]);
                };
                if !self.listeners.add(owner, id, Some(&job.id), until).await? {
                    let what = "the connection has reached its limit of subscribed jobs; subscribe without a jobId to follow all jobs";
                    return Ok(vec![refusal("too_many_jobs", what)]);
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

    /// The newest jobs of an owner. The index that lists them lags behind: those under way are read again.
    async fn newest(&self, owner: &Owner) -> Result<Vec<Job>, StoreError> {
        let listed = self.jobs.list(owner, None, JOBS_SHOWN, None).await?.jobs;
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

    /// Whether the client was there; one that is gone meanwhile needs no answer.
    async fn say(&self, id: &str, message: &Message) -> Result<bool, StoreError> {
        self.clients.tell(id, &text(message)).await
    }
}

/// A ticket's id among those of sessions: what is stored opens nothing.
pub(crate) fn ticket_id(ticket: &str) -> String {
    format!("ticket#{}", hex::encode(Sha256::digest(ticket)))
}

/// A connection's id among those of sessions.
pub(crate) fn session_of(connection_id: &str) -> String {
    format!("connection#{connection_id}")
}

/// Places of an owner's connections that are open.
pub(crate) fn places_of(owner: &Owner) -> Places<'_> {
    Places {
        what: "connections",
        owner,
        most: MOST_CONNECTIONS,
    }
}

fn refusal(code: &'static str, message: &'static str) -> Message {
    Message::Error { code, message }
}
