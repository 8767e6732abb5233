//! A POST request to an untrusted URL, with limits for the whole exchange.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Method, Request, header::HeaderMap};
use url::Url;

use crate::{Client, Error, client::to_error, retry_after};

/// Limits of a POST request.
#[derive(Debug, Clone, Copy)]
pub struct PostLimits {
    /// Timeout of the whole exchange: name look-up, connection, headers and response.
    pub total: Duration,
    /// Bytes of the response body that are read; the rest is discarded.
    pub response_bytes: usize,
}

/// The response to a POST request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// HTTP status.
    pub status: u16,
    /// Delay that the server asks for with `Retry-After`.
    pub retry_after: Option<Duration>,
}

/// Posts a body and reads the response to its end or limit. Redirects are not followed.
///
/// # Errors
/// When the address is not allowed, there is no response, or it does not end in time.
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
        let mut body = response.bytes_stream();
        let mut read = 0;
        while let Some(part) = body.next().await {
            read += part.map_err(|why| to_error(&why))?.len();
            if read >= limits.response_bytes {
                break;
            }
        }
        Ok(posted)
    };
    tokio::time::timeout(limits.total, posting)
        .await
        .unwrap_or(Err(Error::TimedOut(limits.total)))
}
