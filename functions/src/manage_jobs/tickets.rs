//! Tickets for WebSocket connections: browsers cannot send a token when they open one. A ticket is valid once and for a minute.

use domain::{Owner, Timestamp};
use lambda_http::{Body, Response, http::StatusCode};

use super::ManageJobs;
use crate::{
    api::realtime::RealtimeTicket,
    http::{Problem, json_response, now},
    realtime::ticket_id,
};

const TICKET_LIFETIME_S: i64 = 60;

impl ManageJobs {
    pub(super) async fn issue_ticket(&self, owner: &Owner) -> Result<Response<Body>, Problem> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(Problem::internal)?;
        let ticket = hex::encode(random);
        let until = now().as_seconds() + TICKET_LIFETIME_S;
        self.sessions.put(ticket_id(&ticket), owner, until).await?;
        let ticket = RealtimeTicket {
            url: format!("{}?ticket={ticket}", self.realtime_url),
            ticket,
            expires_at: Timestamp::from_ms(until * 1000),
        };
        Ok(json_response(StatusCode::CREATED, &ticket))
    }
}
