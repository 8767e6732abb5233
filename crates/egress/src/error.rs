//! Errors of requests to untrusted URLs.

use std::{io, path::PathBuf, time::Duration};

use url::Url;

/// The failure of a request; each message is one line for display.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is never allowed.
    #[error("{0}")]
    Address(#[from] InvalidAddress),
    /// The host is not on a public network.
    #[error("{host} is not a public address")]
    Forbidden {
        /// The host as given.
        host: String,
    },
    /// The server cannot be found or reached, or fails; a retry may succeed.
    #[error("{0}")]
    Unavailable(String),
    /// The server does not have the file.
    #[error("the server does not have the file (HTTP {status})")]
    Missing {
        /// HTTP status of the response.
        status: u16,
    },
    /// The server asks for a longer delay than the limit.
    #[error("the server asks to retry after {seconds} s, which exceeds the limit")]
    RetryAfter {
        /// Delay that it asked for.
        seconds: u64,
    },
    /// There are too many redirects.
    #[error("the address redirects too many times")]
    Redirects,
    /// The server denies access.
    #[error("the server denies access (HTTP {status})")]
    Blocked {
        /// HTTP status of the response.
        status: u16,
    },
    /// The file is too large.
    #[error("the file is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The whole request took too long.
    #[error("the request was not finished within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The server is connected but sends nothing, or too little.
    #[error("the server sends too slowly: fewer than {min_bytes} bytes in {} s", .window.as_secs_f64())]
    Stalled {
        /// Bytes required in each time window.
        min_bytes: u64,
        /// Length of the time window.
        window: Duration,
    },
    /// The connection was lost, also after retries.
    #[error("the connection was lost after {received} bytes")]
    ConnectionLost {
        /// Bytes received by then.
        received: u64,
    },
    /// A file could not be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// A URL that is rejected whatever its host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// It cannot be parsed.
    #[error("not a web address")]
    Malformed,
    /// It is not `http://` or `https://`.
    #[error("only http:// and https:// addresses are allowed")]
    Scheme,
    /// It contains a user name or password.
    #[error("addresses with a user name or password are not allowed")]
    UserInfo,
}

impl Error {
    /// Returns whether a retry may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_)
                | Self::Stalled { .. }
                | Self::ConnectionLost { .. }
                | Self::TimedOut(_)
        )
    }

    /// The server accepted the connection but does not respond.
    pub(crate) fn no_response(url: &Url) -> Self {
        Self::Unavailable(format!(
            "{} does not respond",
            url.host_str().unwrap_or("the server")
        ))
    }

    pub(crate) fn io(path: &std::path::Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
