//! Requests as API Gateway passes them to a function, and the responses.

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{Secret, Timestamp};
use lambda_http::{Body, Request, Response};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{cloud::ACME_KEY, samples::SECRET};

/// The path for the worker's events.
pub(crate) const EVENTS: &str = "/api/webhooks/ai-clipping";

/// A request before it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: &'static str,
    path: String,
    query: String,
    headers: Map<String, Value>,
    body: Vec<u8>,
    user: Option<String>,
    is_base64: bool,
}

impl Call {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        let path = path.into();
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Map::new(),
            body: Vec::new(),
            user: None,
            is_base64: false,
        }
    }

    /// Sent by a user whose token the authorizer has verified.
    pub(crate) fn user(mut self, subject: &str) -> Self {
        self.user = Some(subject.to_owned());
        self
    }

    /// Sent by the back end `acme`.
    pub(crate) fn acme(self) -> Self {
        self.header("X-Api-Key", ACME_KEY)
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.insert(name.to_owned(), value.into().into());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With a base64 body, as API Gateway passes on binary content.
    pub(crate) fn base64(mut self) -> Self {
        self.is_base64 = true;
        self
    }

    /// Signed now as the worker signs: each body has its own id.
    pub(crate) fn signed(self) -> Self {
        let at = functions::now();
        let id = hex::encode(&Sha256::digest(&self.body)[..16]);
        self.signed_with(SECRET, &format!("msg_{id}"), at)
    }

    pub(crate) fn signed_with(self, secret: &str, id: &str, at: Timestamp) -> Self {
        let secret = Secret::parse(secret).expect("a secret");
        let signature = secret.sign(id, at, &self.body);
        self.header("webhook-id", id)
            .header("webhook-timestamp", at.as_seconds().to_string())
            .header("webhook-signature", signature)
    }

    fn text(&self) -> String {
        if self.is_base64 {
            BASE64_STANDARD.encode(&self.body)
        } else {
            String::from_utf8(self.body.clone()).expect("text, or base64 is needed")
        }
    }

    /// Through the public HTTP API (payload version 2.0).
    pub(crate) fn to_http_api(&self) -> Request {
        lambda_http::request::from_str(&self.http_api_event().to_string()).expect("an event")
    }

    pub(crate) fn http_api_event(&self) -> Value {
        let authorizer = self.user.as_ref().map(|subject| {
            let claims = json!({"sub": subject, "iss": "https://issuer.test", "aud": "clipwright"});
            json!({"jwt": {"claims": claims, "scopes": null}})
        });
        let http = json!({"method": self.method, "path": self.path, "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1", "userAgent": "test"});
        let mut context = json!({"accountId": "123456789012", "apiId": "api", "domainName": "api.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "api", "http": http, "requestId": "id", "routeKey": "$default", "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1_583_348_638_390_u64});
        if let Some(authorizer) = authorizer {
            context["authorizer"] = authorizer;
        }
        let mut event = json!({"version": "2.0", "routeKey": "$default", "rawPath": self.path, "rawQueryString": self.query,
            "headers": self.headers, "requestContext": context, "isBase64Encoded": self.is_base64});
        if !self.body.is_empty() {
            event["body"] = self.text().into();
        }
        event
    }

    /// Through the private REST API (payload version 1.0).
    pub(crate) fn to_rest_api(&self) -> Request {
        let several: Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), json!([value])))
            .collect();
        let context = json!({"accountId": "123456789012", "apiId": "events", "httpMethod": self.method, "path": format!("/events{}", self.path),
            "stage": "events", "resourcePath": self.path, "requestId": "id", "protocol": "HTTP/1.1", "identity": {"sourceIp": "10.0.0.7"}});
        let body = (!self.body.is_empty()).then(|| self.text());
        let event = json!({"resource": self.path, "path": self.path, "httpMethod": self.method, "headers": self.headers,
            "multiValueHeaders": several, "queryStringParameters": null, "multiValueQueryStringParameters": null,
            "pathParameters": null, "stageVariables": null, "requestContext": context, "body": body, "isBase64Encoded": self.is_base64});
        lambda_http::request::from_str(&event.to_string()).expect("an event")
    }
}

/// An event of the worker, not signed yet.
pub(crate) fn event(body: &Value) -> Call {
    raw_event(body.to_string())
}

pub(crate) fn raw_event(body: impl Into<Vec<u8>>) -> Call {
    Call::new("POST", EVENTS)
        .header("Content-Type", "application/json")
        .body(body)
}

/// The response of a function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    headers: Vec<(String, String)>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The code of the error.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn field(&self) -> &str {
        self.body["error"]["field"].as_str().unwrap_or_default()
    }

    /// The id of the job in the response.
    pub(crate) fn id(&self) -> domain::JobId {
        let id = self.body.get("id").or(self.body.get("job_id"));
        let id = id.and_then(Value::as_str).expect("an id");
        id.parse().expect("an id")
    }
}

impl From<Response<Body>> for Answer {
    fn from(response: Response<Body>) -> Self {
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| {
                let value = value.to_str().expect("text");
                (name.to_string(), value.to_owned())
            })
            .collect();
        let status = response.status().as_u16();
        let body: &[u8] = response.body().as_ref();
        let body = match body {
            [] => Value::Null,
            text => serde_json::from_slice(text).expect("JSON"),
        };
        Self {
            status,
            body,
            headers,
        }
    }
}

/// Calls a function through the HTTP API.
macro_rules! call {
    ($function:expr, $call:expr) => {
        $crate::requests::Answer::from($function.answer(&$call.to_http_api()).await)
    };
}

/// Sends an event to `ingest-webhook` through its REST API.
macro_rules! send_event {
    ($function:expr, $call:expr) => {
        $crate::requests::Answer::from($function.answer(&$call.to_rest_api()).await)
    };
}

pub(crate) use {call, send_event};
