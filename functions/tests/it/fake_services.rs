//! Stand-ins for the services without an engine: Step Functions, Secrets Manager, SQS and the connections of a WebSocket API, answering as
//! AWS documents it.

use std::{collections::BTreeMap, sync::Mutex};

use http_body_util::Full;
use hyper::{Method, Response, body::Bytes};
use serde_json::{Value, json};

use crate::{
    cloud::UNDELIVERED_QUEUE,
    fault_proxy::{failure, json as answer},
};

/// Executions by name.
#[derive(Debug, Default)]
pub(crate) struct Executions(Mutex<BTreeMap<String, Execution>>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Execution {
    pub(crate) input: Value,
    pub(crate) running: bool,
}

impl Executions {
    /// All executions.
    pub(crate) fn all(&self) -> BTreeMap<String, Execution> {
        self.0.lock().expect("executions").clone()
    }

    /// Names of running executions.
    pub(crate) fn running(&self) -> Vec<String> {
        let running = self.all().into_iter().filter(|(_, one)| one.running);
        running.map(|(name, _)| name).collect()
    }

    /// Ends an execution.
    pub(crate) fn end(&self, name: &str) {
        let mut all = self.0.lock().expect("executions");
        all.get_mut(name).expect("an execution").running = false;
    }

    pub(crate) fn answer(&self, operation: &str, body: &Bytes) -> Response<Full<Bytes>> {
        let asked: Value = serde_json::from_slice(body).expect("JSON");
        let text = |name: &str| asked[name].as_str().expect("a text").to_owned();
        let mut all = self.0.lock().expect("executions");
        match operation {
            "StartExecution" => {
                let name = text("name");
                let input: Value = serde_json::from_str(&text("input")).expect("JSON");
                let there = all.get(&name);
                // the same call for a running execution succeeds again
                if there.is_some_and(|there| !there.running || there.input != input) {
                    return failure(400, "ExecutionAlreadyExists");
                }
                let arn = text("stateMachineArn").replace(":stateMachine:", ":execution:");
                let said = json!({"executionArn": format!("{arn}:{name}"), "startDate": 1.7e9});
                let running = true;
                all.insert(name, Execution { input, running });
                answer(200, said.to_string())
            }
            "StopExecution" => {
                let arn = text("executionArn");
                let name = arn.rsplit(':').next().expect("a name");
                match all.get_mut(name) {
                    Some(execution) if arn.contains(":execution:") => {
                        execution.running = false;
                        answer(200, json!({"stopDate": 1.7e9}).to_string())
                    }
                    _ => failure(400, "ExecutionDoesNotExist"),
                }
            }
            other => panic!("{other} is not used"),
        }
    }
}

/// Secrets by name.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Mutex<BTreeMap<String, String>>);

impl Secrets {
    pub(crate) fn set(&self, name: &str, text: impl Into<String>) {
        let mut all = self.0.lock().expect("secrets");
        all.insert(name.to_owned(), text.into());
    }

    pub(crate) fn answer(&self, body: &Bytes) -> Response<Full<Bytes>> {
        let asked: Value = serde_json::from_slice(body).expect("JSON");
        let name = asked["SecretId"].as_str().expect("a name");
        match self.0.lock().expect("secrets").get(name) {
            Some(text) => answer(200, json!({"Name": name, "SecretString": text}).to_string()),
            None => failure(400, "ResourceNotFoundException"),
        }
    }
}

/// Sent messages with their delay in seconds; those of the dead-letter queue apart.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    sent: Mutex<Vec<(u64, Value)>>,
    letters: Mutex<Vec<Value>>,
    groups: Mutex<Vec<String>>,
}

impl Messages {
    /// Messages since the last call.
    pub(crate) fn take(&self) -> Vec<(u64, Value)> {
        std::mem::take(&mut *self.sent.lock().expect("messages"))
    }

    /// Message groups of all messages so far.
    pub(crate) fn groups(&self) -> Vec<String> {
        self.groups.lock().expect("groups").clone()
    }

    /// Dead-lettered messages since the last call.
    pub(crate) fn letters(&self) -> Vec<Value> {
        std::mem::take(&mut *self.letters.lock().expect("letters"))
    }

    pub(crate) fn answer(&self, body: &Bytes) -> Response<Full<Bytes>> {
        let asked: Value = serde_json::from_slice(body).expect("JSON");
        let text = asked["MessageBody"].as_str().expect("a message");
        let message = serde_json::from_str(text).expect("JSON");
        let delay = asked["DelaySeconds"].as_u64().unwrap_or(0);
        assert!(delay <= 900, "SQS takes no longer delay");
        if asked["QueueUrl"] == UNDELIVERED_QUEUE {
            self.letters.lock().expect("letters").push(message);
        } else {
            let group = asked["MessageGroupId"].as_str().expect("an owner's group");
            let is_plain = group.bytes().all(|byte| byte.is_ascii_alphanumeric());
            assert!(is_plain && (1..=128).contains(&group.len()), "{group}");
            self.groups.lock().expect("groups").push(group.to_owned());
            self.sent.lock().expect("messages").push((delay, message));
        }
        answer(200, json!({"MessageId": "message"}).to_string())
    }
}

/// Connections of a WebSocket API with the messages sent to each.
#[derive(Debug, Default)]
pub(crate) struct Sockets(Mutex<BTreeMap<String, Socket>>);

#[derive(Debug, Default)]
struct Socket {
    messages: Vec<Value>,
    is_stuck: bool,
}

impl Sockets {
    /// Opens a connection.
    pub(crate) fn open(&self, id: &str) {
        let mut all = self.0.lock().expect("sockets");
        all.insert(id.to_owned(), Socket::default());
    }

    /// Closes a connection without `$disconnect`.
    pub(crate) fn lose(&self, id: &str) {
        self.0.lock().expect("sockets").remove(id);
    }

    /// Makes a client stop reading: messages to it are never accepted.
    pub(crate) fn stick(&self, id: &str) {
        let mut all = self.0.lock().expect("sockets");
        all.get_mut(id).expect("a socket").is_stuck = true;
    }

    pub(crate) fn is_open(&self, id: &str) -> bool {
        self.0.lock().expect("sockets").contains_key(id)
    }

    /// Messages to a client since the last call.
    pub(crate) fn heard(&self, id: &str) -> Vec<Value> {
        let mut all = self.0.lock().expect("sockets");
        let socket = all.get_mut(id).expect("a socket");
        std::mem::take(&mut socket.messages)
    }

    /// No response, ever.
    pub(crate) fn answer(
        &self,
        id: &str,
        method: &Method,
        body: &Bytes,
    ) -> Option<Response<Full<Bytes>>> {
        let mut all = self.0.lock().expect("sockets");
        let Some(socket) = all.get_mut(id) else {
            return Some(failure(410, "GoneException"));
        };
        if method == Method::DELETE {
            all.remove(id);
            return Some(answer(204, String::new()));
        }
        assert!(
            body.len() <= 128 * 1024,
            "API Gateway takes no longer message"
        );
        if socket.is_stuck {
            return None;
        }
        socket
            .messages
            .push(serde_json::from_slice(body).expect("JSON"));
        Some(answer(200, String::new()))
    }
}
