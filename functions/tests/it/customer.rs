//! A customer with a server and a secret, and the path of its callbacks: stream, queue, server.

use std::sync::Arc;

use domain::{Delivery, DeliveryState, JobId};
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    receiver::{Received, Receiver},
    requests::{Call, call, event, send_event},
    samples,
};

pub(crate) const JOBS: &str = "/api/ai-clipping-agent/jobs";
pub(crate) const SECRETS: &str = "/api/ai-clipping-agent/callback-secrets";

pub(crate) fn post(path: impl Into<String>) -> Call {
    Call::new("POST", path).user("ann")
}

/// A customer with a server and a secret.
pub(crate) struct Customer {
    pub(crate) cloud: Cloud,
    pub(crate) receiver: Arc<Receiver>,
    pub(crate) url: String,
    pub(crate) secret: String,
}

impl Customer {
    pub(crate) async fn start() -> Self {
        let cloud = Cloud::start().await;
        let (receiver, url) = Receiver::start().await;
        let made = call!(cloud.manage_jobs(), post(SECRETS));
        assert_eq!(
            (made.status, &made.body["previousValidUntil"]),
            (201, &Value::Null)
        );
        let secret = made.body["secret"].as_str().expect("a secret").to_owned();
        Self {
            cloud,
            receiver,
            url,
            secret,
        }
    }

    pub(crate) async fn submit(&self) -> JobId {
        let mut body = samples::submission();
        body["callbackUrl"] = json!(self.url);
        call!(self.cloud.submit_job(), post(JOBS).json(&body)).id()
    }

    /// Passes all new records of the stream to `publish-events` and returns the messages.
    pub(crate) async fn publish(&self) -> Vec<Value> {
        let records = self.cloud.stream();
        let batch = serde_json::from_value(json!({"Records": records})).expect("a batch");
        let answer = self.cloud.publish_events().handle(&batch).await;
        assert_eq!(json!(answer), json!({"batchItemFailures": []}));
        self.messages()
    }

    /// Messages that are in the queue.
    pub(crate) fn messages(&self) -> Vec<Value> {
        let sent = self.cloud.front.messages.take();
        sent.into_iter().map(|(_, message)| message).collect()
    }

    /// Delivers messages, each in a batch of its own; returns how many failed.
    pub(crate) async fn run(&self, messages: &[Value]) -> usize {
        let deliver = self.cloud.deliver_callback();
        let mut failed = 0;
        for message in messages {
            let call = json!({"Records": [{"messageId": "m", "body": message.to_string()}]});
            let call = serde_json::from_value(call).expect("messages");
            let answer = json!(deliver.handle(&call).await);
            failed += answer["batchItemFailures"]
                .as_array()
                .expect("failures")
                .len();
        }
        failed
    }

    /// Delivers messages until the queue is empty, skipping all delays.
    pub(crate) async fn run_all(&self, mut messages: Vec<Value>) {
        for _ in 0..50 {
            if messages.is_empty() {
                return;
            }
            self.run(&messages).await;
            messages = self.messages();
        }
        panic!("messages for ever: {messages:?}");
    }

    pub(crate) async fn tell(&self, event_body: &Value) {
        let ingest = self.cloud.ingest_webhook().await;
        assert_eq!(send_event!(ingest, event(event_body).signed()).status, 200);
    }

    /// A finished job of which nothing was sent yet.
    pub(crate) async fn ended(&self) -> JobId {
        let id = self.submit().await;
        assert!(self.cloud.claim(&id, 1).await);
        for each in samples::events(&id, 1, "job.completed") {
            self.tell(&each).await;
        }
        id
    }

    /// Makes pending deliveries due now.
    pub(crate) async fn let_time_pass(&self, id: &JobId) -> Vec<Value> {
        for mut delivery in self.owed(id).await {
            let due_ms = std::mem::take(&mut delivery.due_ms);
            let saved = self.cloud.deliveries().save(&delivery, due_ms).await;
            assert!(saved.expect("an answer"));
        }
        self.messages();
        vec![json!({"job_id": id, "not_before": 0})]
    }

    pub(crate) async fn owed(&self, id: &JobId) -> Vec<Delivery> {
        self.cloud.deliveries().list(id).await.expect("deliveries")
    }

    pub(crate) async fn states(&self, id: &JobId) -> Vec<DeliveryState> {
        let owed = self.owed(id).await.into_iter();
        owed.map(|delivery| delivery.state).collect()
    }
}

pub(crate) fn events_of(received: &[Received]) -> Vec<String> {
    received.iter().map(Received::event).collect()
}
