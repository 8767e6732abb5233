//! One address in front of all services: it counts calls, and drops or rejects those that a test selects.

use std::{
    future::pending,
    sync::{Arc, Mutex},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use s3s::service::S3Service;
use tokio::net::TcpListener;

use crate::fake_services::{Executions, Messages, Secrets, Sockets};

/// A fault injected into a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Throttled.
    Throttled,
    /// An internal error of the service.
    Broken,
    /// A permanent rejection of the call.
    Refused,
    /// Access denied.
    Denied,
    /// The connection ends before the call is executed.
    Cut,
    /// The call is executed, and the connection ends before the response.
    Unheard,
    /// No response, ever.
    Silent,
    /// A conflict with another write to the same record.
    Conflict,
}

type Plan = Box<dyn FnMut(&str) -> Option<Fault> + Send>;

/// The services behind the proxy, and the calls and faults.
pub(crate) struct FaultProxy {
    pub(crate) executions: Executions,
    pub(crate) secrets: Secrets,
    pub(crate) messages: Messages,
    pub(crate) sockets: Sockets,
    calls: Mutex<Vec<String>>,
    plan: Mutex<Option<Plan>>,
    /// Calls with this text in their bodies are rejected permanently.
    refused: Mutex<Option<&'static str>>,
    engine: String,
    objects: S3Service,
    client: reqwest::Client,
}

impl FaultProxy {
    pub(crate) fn new(engine: String, objects: S3Service) -> Self {
        Self {
            executions: Executions::default(),
            secrets: Secrets::default(),
            messages: Messages::default(),
            sockets: Sockets::default(),
            calls: Mutex::default(),
            plan: Mutex::default(),
            refused: Mutex::default(),
            engine,
            objects,
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        }
    }

    /// Names of the calls since the last time, such as `DynamoDB.GetItem` or `S3.PUT`.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().expect("calls"))
    }

    /// Decides on every call from now on, by its name.
    pub(crate) fn faults(&self, plan: impl FnMut(&str) -> Option<Fault> + Send + 'static) {
        *self.plan.lock().expect("plan") = Some(Box::new(plan));
    }

    /// Injects the fault into the `nth` call from now on, from 0, and every one after it, as if the caller had died.
    pub(crate) fn dies_at(&self, nth: usize, fault: Fault) {
        let mut seen = 0;
        self.faults(move |_| {
            seen += 1;
            match seen - 1 {
                number if number < nth => None,
                number if number == nth => Some(fault),
                _ => Some(Fault::Cut),
            }
        });
    }

    /// From now on, rejects calls with this text in their bodies permanently.
    pub(crate) fn refuses(&self, text: &'static str) {
        *self.refused.lock().expect("text") = Some(text);
    }

    /// Injects no more faults.
    pub(crate) fn heal(&self) {
        *self.refused.lock().expect("text") = None;
        *self.plan.lock().expect("plan") = None;
    }

    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let front = Arc::clone(&self);
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let front = Arc::clone(&front);
                    async move { front.answer(request).await }
                });
                // an error is a connection that a fault has ended
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Lost> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
        let request = Request::from_parts(head, body);
        let name = name(&request);
        let fault = {
            let mut plan = self.plan.lock().expect("plan");
            plan.as_mut().and_then(|plan| plan(&name))
        };
        let fault = fault.or_else(|| {
            let text = (*self.refused.lock().expect("text"))?;
            let said = String::from_utf8_lossy(request.body()).into_owned();
            said.contains(text).then_some(Fault::Refused)
        });
        self.calls.lock().expect("calls").push(name.clone());
        match fault {
            None => Ok(self.route(&name, request).await),
            Some(Fault::Throttled) => Ok(failure(400, "ThrottlingException")),
            Some(Fault::Broken) => Ok(failure(500, "InternalServerError")),
            Some(Fault::Refused) => Ok(failure(400, "ValidationException")),
            Some(Fault::Denied) => Ok(failure(400, "AccessDeniedException")),
            Some(Fault::Cut) => Err(Lost),
            Some(Fault::Unheard) => {
                self.route(&name, request).await;
                Err(Lost)
            }
            Some(Fault::Silent) => pending().await,
            Some(Fault::Conflict) => Ok(conflict(&name)),
        }
    }

    async fn route(&self, name: &str, request: Request<Bytes>) -> Response<Full<Bytes>> {
        match name.split_once('.') {
            Some(("DynamoDB", _)) => self.forward(request).await,
            Some(("States", operation)) => self.executions.answer(operation, request.body()),
            Some(("Secrets", _)) => self.secrets.answer(request.body()),
            Some(("Queue", _)) => self.messages.answer(request.body()),
            Some(("Sockets", _)) => self.socket(&request).await,
            _ => self.object(request).await,
        }
    }

    async fn socket(&self, request: &Request<Bytes>) -> Response<Full<Bytes>> {
        let id = connection_id(request).expect("a connection");
        let answered = self.sockets.answer(id, request.method(), request.body());
        match answered {
            Some(answer) => answer,
            None => pending().await,
        }
    }

    async fn forward(&self, request: Request<Bytes>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let mut asked = self.client.post(&self.engine).body(body);
        for (name, value) in &head.headers {
            if name != "host" && name != "content-length" {
                asked = asked.header(name, value);
            }
        }
        let answered = asked.send().await.expect("the engine answers");
        let mut response = Response::builder().status(answered.status());
        for name in ["content-type", "x-amz-crc32"] {
            if let Some(value) = answered.headers().get(name) {
                response = response.header(name, value);
            }
        }
        let body = answered.bytes().await.expect("a whole answer");
        response.body(Full::new(body)).expect("a response")
    }

    async fn object(&self, request: Request<Bytes>) -> Response<Full<Bytes>> {
        let answered = self.objects.call(request.map(s3s::Body::from)).await;
        let (head, body) = answered.expect("S3 answers").into_parts();
        let body = body.collect().await.expect("a whole object").to_bytes();
        Response::from_parts(head, Full::new(body))
    }
}

/// A lost connection.
#[derive(Debug, thiserror::Error)]
#[error("lost")]
struct Lost;

/// Service and operation of a call.
fn name(request: &Request<Bytes>) -> String {
    let target = request.headers().get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok()).unwrap_or("");
    match target.split_once('.') {
        Some(("AWSStepFunctions", operation)) => format!("States.{operation}"),
        Some(("secretsmanager", operation)) => format!("Secrets.{operation}"),
        Some(("AmazonSQS", operation)) => format!("Queue.{operation}"),
        Some((_, operation)) => format!("DynamoDB.{operation}"),
        None if connection_id(request).is_some() => format!("Sockets.{}", request.method()),
        None => format!("S3.{}", request.method()),
    }
}

/// The WebSocket connection that a call is about.
fn connection_id(request: &Request<Bytes>) -> Option<&str> {
    let path = request.uri().path();
    let (_, id) = path.split_once("/@connections/")?;
    Some(id)
}

/// An error response of the JSON services; REST services have the code in a header.
pub(crate) fn failure(status: u16, kind: &str) -> Response<Full<Bytes>> {
    let body =
        serde_json::json!({"__type": format!("com.amazonaws#{kind}"), "message": kind}).to_string();
    let mut failure = json(status, body);
    let kind = kind.parse().expect("a name");
    failure.headers_mut().insert("x-amzn-errortype", kind);
    failure
}

/// The error of a transaction, or of another write, that conflicts with a transaction.
fn conflict(name: &str) -> Response<Full<Bytes>> {
    if name != "DynamoDB.TransactWriteItems" {
        return failure(400, "TransactionConflictException");
    }
    let body = serde_json::json!({"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled", "CancellationReasons": [{"Code": "TransactionConflict", "Message": "conflict"}, {"Code": "None"}]});
    json(400, body.to_string())
}

pub(crate) fn json(status: u16, body: String) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .body(Full::new(body.into()))
        .expect("a response")
}
