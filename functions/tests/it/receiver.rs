//! A customer's server that answers as a test says and records what it receives.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

/// One received request.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) raw: Vec<u8>,
}

impl Received {
    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.raw).expect("JSON")
    }

    pub(crate) fn event(&self) -> String {
        self.body()["event"].as_str().expect("an event").to_owned()
    }

    /// Whether the peer's library verifies it with a secret.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let mut headers = hyper::HeaderMap::new();
        for (name, value) in &self.headers {
            let name: hyper::header::HeaderName = name.parse().expect("a name");
            headers.insert(name, value.parse().expect("a value"));
        }
        let webhook = Webhook::new(secret).expect("a secret");
        webhook.verify(&self.raw, &headers).is_ok()
    }
}

/// The server of one test.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    received: Mutex<Vec<Received>>,
    /// Responses to the next requests; then 204.
    answers: Mutex<VecDeque<u16>>,
    at_work: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Receiver {
    /// Starts the server and returns its address.
    pub(crate) async fn start() -> (Arc<Self>, String) {
        let receiver = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(Arc::clone(&receiver).serve(listener));
        (receiver, format!("http://{address}/hook"))
    }

    /// Sets the responses to the next requests.
    pub(crate) fn answer_with(&self, answers: impl IntoIterator<Item = u16>) {
        self.answers.lock().expect("answers").extend(answers);
    }

    /// Requests since the last call.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.received.lock().expect("received"))
    }

    /// Waits until a request is being handled.
    pub(crate) async fn busy(&self) {
        let comes = async {
            while self.at_work.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let came = tokio::time::timeout(Duration::from_secs(10), comes).await;
        came.expect("a request");
    }

    /// The greatest number of concurrent requests.
    pub(crate) fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }

    async fn serve(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let receiver = Arc::clone(&self);
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let receiver = Arc::clone(&receiver);
                    async move { receiver.answer(request).await }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let now = self.at_work.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        let (head, body) = request.into_parts();
        let raw = body.collect().await?.to_bytes().to_vec();
        let text =
            |value: &hyper::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)));
        let headers = headers.collect();
        self.received
            .lock()
            .expect("received")
            .push(Received { headers, raw });
        // long enough for a concurrent request to arrive, if one is sent
        tokio::time::sleep(Duration::from_millis(20)).await;
        let status = self
            .answers
            .lock()
            .expect("answers")
            .pop_front()
            .unwrap_or(204);
        self.at_work.fetch_sub(1, Ordering::SeqCst);
        let response = Response::builder().status(status).body(Full::default());
        Ok(response.expect("a response"))
    }
}
