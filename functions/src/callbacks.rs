//! Sends callbacks: with links in place of object addresses, signed with the customer's secret.

use std::time::{Duration, Instant};

use aws::{Bucket, Receiver, StoreError};
use domain::{
    DeliveryAttempt, Event, Labels, Secret, Timestamp,
    limits::{MAX_RECEIVER_ANSWER_BYTES, MAX_URL_BYTES},
};
use egress::{Client, Guard, PostLimits, post};
use lambda_http::http::{HeaderMap, HeaderValue};
use url::Url;

use crate::{
    api::jobs::{link, link_clip},
    http::now,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const LIMITS: PostLimits = PostLimits {
    total: Duration::from_secs(15),
    response_bytes: MAX_RECEIVER_ANSWER_BYTES,
};

/// Which addresses callbacks may go to: public ones over TLS; private or plain ones only where the whole service runs on one machine.
#[derive(Debug, Clone)]
pub struct Addresses {
    guard: Guard,
    allow_private: bool,
}

impl Addresses {
    /// The rule of a deployment.
    pub fn new(allow_private: bool) -> Self {
        Self {
            guard: Guard::new(allow_private),
            allow_private,
        }
    }

    /// Parses an address and checks it as far as possible without resolving its name.
    pub(crate) fn check(&self, url: &str) -> Result<Url, String> {
        let url = self.guard.parse(url).map_err(|why| why.to_string())?;
        if url.scheme() != "https" && !self.allow_private {
            return Err("must be an https:// address".to_owned());
        }
        // the normalised form is the one that is stored, and it may be three times as long
        if url.as_str().len() > MAX_URL_BYTES {
            return Err(format!("must have at most {MAX_URL_BYTES} bytes"));
        }
        Ok(url)
    }
}

/// Sends callbacks.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    pub(crate) addresses: Addresses,
}

/// The result of an attempt.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) attempt: DeliveryAttempt,
    pub(crate) is_accepted: bool,
    /// The receiver answered 410: it wants no more callbacks.
    pub(crate) is_gone: bool,
    pub(crate) retry_after: Option<Duration>,
}

impl Sender {
    /// Makes a sender; `allow_private` is for a service on one machine only.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(allow_private: bool) -> Result<Self, egress::Error> {
        let addresses = Addresses::new(allow_private);
        let client = Client::new(addresses.guard.clone(), CONNECT_TIMEOUT)?;
        Ok(Self { client, addresses })
    }

    /// Sends a body once. Time and signature are new for each attempt, the id stays the same.
    pub(crate) async fn send(
        &self,
        url: &str,
        id: &str,
        body: Vec<u8>,
        receiver: &Receiver,
    ) -> Sent {
        let (at, begun) = (now(), Instant::now());
        let posted = match (self.addresses.check(url), headers(id, &body, receiver, at)) {
            (Ok(url), Ok(headers)) => post(&self.client, url, headers, body, LIMITS)
                .await
                .map_err(|why| why.to_string()),
            (Err(why), _) | (_, Err(why)) => Err(why),
        };
        let status = posted.as_ref().ok().map(|posted| posted.status);
        let is_accepted = status.is_some_and(|status| (200..300).contains(&status));
        let error = match (&posted, status) {
            (Err(why), _) => Some(why.clone()),
            (_, Some(status @ 300..400)) => {
                Some(format!("HTTP {status}: redirects are not followed"))
            }
            (_, Some(status)) if !is_accepted => Some(format!("HTTP {status}")),
            _ => None,
        };
        Sent {
            attempt: DeliveryAttempt {
                at,
                status,
                error,
                duration_ms: begun.elapsed().as_millis() as u64,
            },
            is_accepted,
            is_gone: status == Some(410),
            retry_after: posted.ok().and_then(|posted| posted.retry_after),
        }
    }
}

impl Sent {
    /// The result of an attempt that was skipped because the address is disabled.
    pub(crate) fn address_disabled(at: Timestamp) -> Self {
        let error = "the address is disabled because it answered 410; a successful callback test enables it again";
        Self {
            attempt: DeliveryAttempt {
                at,
                status: None,
                error: Some(error.to_owned()),
                duration_ms: 0,
            },
            is_accepted: false,
            is_gone: true,
            retry_after: None,
        }
    }
}

/// Signs with every valid secret: several during a rotation, none for a back end that has never made one.
fn headers(id: &str, body: &[u8], receiver: &Receiver, at: Timestamp) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: String| {
        let value = HeaderValue::from_str(&value).map_err(|why| format!("{name}: {why}"))?;
        headers.insert(name, value);
        Ok::<_, String>(())
    };
    put("content-type", "application/json".to_owned())?;
    let secrets: Result<Vec<Secret>, _> = receiver
        .secrets(at.as_seconds())
        .map(Secret::parse)
        .collect();
    let secrets = secrets.map_err(|why| why.to_string())?;
    if !secrets.is_empty() {
        let signatures: Vec<String> = secrets
            .iter()
            .map(|secret| secret.sign(id, at, body))
            .collect();
        put("webhook-id", id.to_owned())?;
        put("webhook-timestamp", at.as_seconds().to_string())?;
        put("webhook-signature", signatures.join(" "))?;
    }
    Ok(headers)
}

/// The body of an event, with fresh links to the stored objects.
pub(crate) async fn body_of(
    event: &Event,
    labels: &Labels,
    bucket: &Bucket,
) -> Result<Vec<u8>, StoreError> {
    let mut event = event.clone();
    if let Some(clip) = &mut event.clip {
        link_clip(clip, bucket).await?;
    }
    if let Some(output) = &mut event.output {
        for clip in &mut output.clips {
            link_clip(clip, bucket).await?;
        }
        output.transcript_url = link(bucket, output.transcript_url.take()).await?;
        output.plan_url = link(bucket, output.plan_url.take()).await?;
    }
    Ok(labels.apply_to(&event).to_string().into_bytes())
}
