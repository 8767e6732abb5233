//! A message posted to an address that a stranger named, with limits for the whole of it.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Method, Request, header::HeaderMap};
use url::Url;

use crate::{Client, Error, client::readable, retry_after};

/// Limits of a post.
#[derive(Debug, Clone, Copy)]
pub struct PostLimits {
    /// For name, connection, headers and answer together.
    pub whole: Duration,
    /// Bytes of the answer that are read; what follows is left.
    pub answer_bytes: usize,
}

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// The status.
    pub status: u16,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// Posts a body and reads the answer to its end or limit. Redirects are not followed.
///
/// # Errors
/// When the address is not allowed, no answer comes, or it does not end in time.
pub async fn post(
    client: &Client,
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
    limits: PostLimits,
) -> Result<Posted, Error> {
    let mut request = Request::new(Method::POST, url);
    *request.headers_mut() = headers;
    *request.body_mut() = Some(body.into());
    let posting = async {
        let response = client.send(request).await?;
        let posted = Posted {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers()),
        };
        let mut answer = response.bytes_stream();
        let mut read = 0;
        while let Some(part) = answer.next().await {
            read += part.map_err(|why| readable(&why))?.len();
            if read >= limits.answer_bytes {
                break;
            }
        }
        Ok(posted)
    };
    tokio::time::timeout(limits.whole, posting)
        .await
        .unwrap_or(Err(Error::TimedOut(limits.whole)))
}
