//! The Lambda runtime API: sends events one after the other and measures how long each takes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Collected, Full};
use hyper::{Method, Request, Response, StatusCode, body::Bytes, body::Incoming};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{load::Event, loopback};

/// The runtime API of one function.
pub(crate) struct Runtime {
    pub(crate) address: String,
    state: Arc<RuntimeState>,
}

/// The events left, and when each was sent and answered.
struct RuntimeState {
    events: Mutex<VecDeque<Event>>,
    begun: Mutex<Instant>,
    answers: Mutex<Vec<(Duration, Instant)>>,
    wrong: Mutex<Option<String>>,
    done: Notify,
}

impl Runtime {
    pub(crate) async fn open(events: VecDeque<Event>) -> Self {
        let state = Arc::new(RuntimeState {
            events: Mutex::new(events),
            begun: Mutex::new(Instant::now()),
            answers: Mutex::default(),
            wrong: Mutex::default(),
            done: Notify::new(),
        });
        let (listener, address) = loopback::port().await;
        let served = Arc::clone(&state);
        loopback::serve(listener, None, move |request| {
            let state = Arc::clone(&served);
            async move { state.answer(request).await }
        });
        Self { address, state }
    }

    /// Waits until all events are answered, or one is answered wrongly.
    pub(crate) async fn ended(&self) -> Result<(), String> {
        self.state.done.notified().await;
        let wrong = self.state.wrong.lock().expect("no panic").take();
        wrong.map_or(Ok(()), Err)
    }

    /// Times in milliseconds. The first counts from the start of the process and is not part of the others.
    pub(crate) fn times(&self, started: Instant) -> Value {
        let answers = self.state.answers.lock().expect("no panic");
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let mut taken: Vec<f64> = answers.iter().skip(1).map(|(time, _)| ms(*time)).collect();
        taken.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = (taken.len() as f64 * part) as usize;
            taken.get(place.min(taken.len().saturating_sub(1)))
        };
        json!({
            "cold_ms": answers.first().map(|(_, at)| ms(at.duration_since(started))),
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
        })
    }
}

impl RuntimeState {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.method() == Method::GET {
            return self.next().await;
        }
        self.record(request).await;
        let accepted = Response::builder().status(StatusCode::ACCEPTED);
        accepted.body(Full::default()).expect("an answer")
    }

    /// The next event; after the last one the call never returns.
    async fn next(&self) -> Response<Full<Bytes>> {
        let payload = {
            let events = self.events.lock().expect("no panic");
            events.front().map(|event| event.payload.clone())
        };
        let Some(payload) = payload else {
            self.done.notify_one();
            return std::future::pending().await;
        };
        *self.begun.lock().expect("no panic") = Instant::now();
        Response::builder()
            .header("content-type", "application/json")
            .header(
                "lambda-runtime-aws-request-id",
                "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            )
            .header("lambda-runtime-deadline-ms", "9999999999999")
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:123456789012:function:bench",
            )
            .header(
                "lambda-runtime-trace-id",
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            )
            .body(Full::from(payload))
            .expect("an answer")
    }

    /// Records the response to the last event.
    async fn record(&self, request: Request<Incoming>) {
        let at = Instant::now();
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await;
        let response = body.map(Collected::to_bytes).unwrap_or_default();
        let begun = *self.begun.lock().expect("no panic");
        let mut answers = self.answers.lock().expect("no panic");
        answers.push((at.duration_since(begun), at));
        let event = self.events.lock().expect("no panic").pop_front();
        let is_right = path.ends_with("/response")
            && event.is_some_and(|event| event.is_answered_by(&response));
        if !is_right {
            let response = String::from_utf8_lossy(&response);
            *self.wrong.lock().expect("no panic") =
                Some(format!("wrong response of the function: {response}"));
            self.done.notify_one();
        }
    }
}
