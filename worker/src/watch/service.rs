//! The service as one who watches it sees it: a ticket by HTTP, then a WebSocket.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::StatusCode;
use reqwest_websocket::{Message, Upgrade, WebSocket};
use serde::Deserialize;
use serde_json::{Value, json};

use super::frames::Frame;

const TICKETS: &str = "/api/ai-clipping-agent/realtime-tickets";
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// What goes wrong on the way to the service.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It will be the same the next time.
    Fatal(String),
    /// The next try may go well.
    Lost(String),
}

/// The service's public API, as its user.
#[derive(Debug)]
pub(super) struct Service {
    http: reqwest::Client,
    api: String,
    token: String,
}

#[derive(Debug, Deserialize)]
struct Ticket {
    url: String,
}

impl Service {
    pub(super) fn new(api: &str, token: String) -> Result<Self, String> {
        // a WebSocket begins as HTTP/1.1
        let http = reqwest::Client::builder()
            .http1_only()
            .connect_timeout(CONNECT_WITHIN)
            .build();
        Ok(Self {
            http: http.map_err(|why| why.to_string())?,
            api: api.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// Opens a connection, each with a ticket of its own.
    pub(super) async fn connect(&self) -> Result<Socket, Trouble> {
        let connecting = async {
            let ticket = self.ticket().await?;
            let upgraded = self.http.get(ticket.url).upgrade().send().await;
            let socket = upgraded.map_err(|why| lost(&why))?.into_websocket().await;
            Ok(Socket(socket.map_err(|why| lost(&why))?))
        };
        tokio::time::timeout(CONNECT_WITHIN, connecting)
            .await
            .unwrap_or_else(|_| Err(Trouble::Lost("the service does not answer".to_owned())))
    }

    async fn ticket(&self) -> Result<Ticket, Trouble> {
        let asked = self.http.post(format!("{}{TICKETS}", self.api));
        let answer = asked.bearer_auth(&self.token).send().await;
        let answer = answer.map_err(|why| {
            let line = innermost(&why);
            if why.is_builder() {
                Trouble::Fatal(format!("{}: {line}", self.api))
            } else {
                Trouble::Lost(line)
            }
        })?;
        match answer.status() {
            StatusCode::CREATED => answer.json().await.map_err(|why| lost(&why)),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Trouble::Fatal(
                "the service does not accept the token".to_owned(),
            )),
            StatusCode::NOT_FOUND => Err(Trouble::Fatal(format!(
                "{} is not the address of the service",
                self.api
            ))),
            status => Err(Trouble::Lost(format!(
                "the service answers with HTTP {}",
                status.as_u16()
            ))),
        }
    }
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Socket(WebSocket);

impl Socket {
    pub(super) async fn subscribe(&mut self, job: Option<&str>) -> Result<(), Trouble> {
        let wish = match job {
            Some(job) => json!({"action": "subscribe", "jobId": job}),
            None => json!({"action": "subscribe"}),
        };
        self.say(&wish).await
    }

    pub(super) async fn ping(&mut self) -> Result<(), Trouble> {
        self.say(&json!({"action": "ping"})).await
    }

    async fn say(&mut self, wish: &Value) -> Result<(), Trouble> {
        let said = self.0.send(Message::Text(wish.to_string())).await;
        said.map_err(|why| lost(&why))
    }

    /// The next message; what is of another kind than we know is passed over.
    pub(super) async fn next(&mut self) -> Result<Frame, Trouble> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    if let Ok(frame) = serde_json::from_str(&text) {
                        return Ok(frame);
                    }
                }
                Some(Ok(Message::Close { .. })) | None => {
                    return Err(Trouble::Lost("the connection has ended".to_owned()));
                }
                Some(Ok(_)) => {}
                Some(Err(why)) => return Err(lost(&why)),
            }
        }
    }
}

fn lost(why: &dyn std::error::Error) -> Trouble {
    Trouble::Lost(innermost(why))
}

fn innermost(why: &dyn std::error::Error) -> String {
    let mut reason = why;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    reason.to_string()
}
