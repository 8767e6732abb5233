//! The function as a process, with only the environment that Lambda and the template set.

use std::{
    fs::File,
    io::{Read, Seek},
    path::PathBuf,
    process::Stdio,
    time::Instant,
};

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::{account, load::SECRET};

/// Addresses of the services that the function uses, each as `host:port`.
pub(crate) struct Addresses<'a> {
    pub(crate) runtime: &'a str,
    pub(crate) engine: &'a str,
    pub(crate) receiver: &'a str,
}

/// A running function.
pub(crate) struct Function {
    pub(crate) started: Instant,
    process: Child,
    log: File,
}

impl Function {
    /// Starts a command; a certificate replaces the system's as the only trusted one.
    pub(crate) fn start(
        command: &[String],
        addresses: &Addresses<'_>,
        certificate: Option<PathBuf>,
    ) -> Result<Self, String> {
        let log = tempfile::tempfile().map_err(|why| why.to_string())?;
        let output = log.try_clone().map_err(|why| why.to_string())?;
        let started = Instant::now();
        let process = Command::new(&command[0])
            .args(&command[1..])
            .env_clear()
            .envs(lambda(addresses.runtime))
            .envs(settings(addresses))
            .envs(account::TABLES.map(|table| (table.variable, table.name.to_owned())))
            .envs(certificate.map(|file| ("SSL_CERT_FILE", file)))
            .stdout(Stdio::from(output))
            .kill_on_drop(true)
            .spawn()
            .map_err(|why| format!("{}: {why}", command[0]))?;
        Ok(Self {
            started,
            process,
            log,
        })
    }

    /// Waits for the function to exit, which it should not, and returns the reason if it logs one.
    pub(crate) async fn ended(&mut self) -> String {
        let status = match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(why) => why.to_string(),
        };
        let why = self
            .reason()
            .map_or(String::new(), |why| format!(": {why}"));
        format!("the function exited unexpectedly, {status}{why}")
    }

    /// The reason in the last line of its log.
    fn reason(&mut self) -> Option<String> {
        let mut text = String::new();
        self.log.rewind().ok()?;
        self.log.read_to_string(&mut text).ok()?;
        let last = text.lines().last()?.to_owned();
        let line: Value = serde_json::from_str(&last).unwrap_or_default();
        Some(line["why"].as_str().map_or(last, str::to_owned))
    }

    /// Processor time so far, user and system; /proc counts 100 ticks a second.
    pub(crate) fn cpu_ms(&self) -> Option<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()?)).ok()?;
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().ok()? + fields[12].parse::<f64>().ok()?;
        Some(ticks * 10.0)
    }

    pub(crate) async fn stop(&mut self) {
        // it may have exited already
        let _ = self.process.kill().await;
    }
}

/// The variables that Lambda sets.
fn lambda(runtime: &str) -> [(&'static str, String); 10] {
    [
        ("AWS_LAMBDA_RUNTIME_API", runtime),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ("AWS_LAMBDA_LOG_LEVEL", "WARN"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
}

/// The variables that the template sets besides table names, with the fakes in place of AWS.
fn settings(addresses: &Addresses<'_>) -> [(&'static str, String); 12] {
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:jobs";
    let queue = "https://sqs.us-east-1.amazonaws.com/123456789012/callbacks";
    [
        ("AWS_ENDPOINT_URL", format!("http://{}", addresses.engine)),
        ("REALTIME_URL", format!("ws://{}/live", addresses.receiver)),
        ("BUCKET", account::BUCKET.to_owned()),
        ("STATE_MACHINE_ARN", machine.to_owned()),
        ("CALLBACK_QUEUE", queue.to_owned()),
        ("UNDELIVERED_QUEUE", queue.to_owned()),
        // a single owner makes all requests
        ("REQUESTS_PER_MINUTE", "1000000".to_owned()),
        ("SERVICE_REQUESTS_PER_MINUTE", "1000000".to_owned()),
        // receivers are on this machine
        ("ALLOW_PRIVATE_CALLBACKS", "true".to_owned()),
        ("ALLOW_PRIVATE_SOURCES", "true".to_owned()),
        ("SERVICE_KEYS", "keys".to_owned()),
        ("WEBHOOK_SECRET", SECRET.to_owned()),
    ]
}
