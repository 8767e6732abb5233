//! Why a request to a stranger's address did not end well.

use std::{io, path::PathBuf, time::Duration};

use url::Url;

/// Why something could not be fetched; each reads as one line for a person.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not an address that is ever asked for.
    #[error("{0}")]
    Address(#[from] InvalidAddress),
    /// The address is not a public one.
    #[error("{host} is not a public address")]
    Forbidden {
        /// The host as it was named.
        host: String,
    },
    /// The server cannot be found or reached, or fails; it may be better later.
    #[error("{0}")]
    Unavailable(String),
    /// The server does not have it.
    #[error("the server does not have it (HTTP {status})")]
    Missing {
        /// The status that it answered with.
        status: u16,
    },
    /// The server has too much to do and says for how long.
    #[error("the server wants to be left alone for {seconds} s, which is longer than is waited")]
    LeftAlone {
        /// How long it asked for.
        seconds: u64,
    },
    /// Redirects lead on and on.
    #[error("it redirects too many times")]
    Redirects,
    /// The server refuses to hand it out.
    #[error("the server refuses access (HTTP {status})")]
    Blocked {
        /// The status that it answered with.
        status: u16,
    },
    /// There are more bytes than wanted.
    #[error("it is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The whole took too long.
    #[error("it was not there within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The server is connected but sends nothing, or next to nothing.
    #[error("the server sends too slowly: fewer than {min_bytes} bytes in {} s", .window.as_secs_f64())]
    Stalled {
        /// How many bytes were asked for in each window of time.
        min_bytes: u64,
        /// The length of that window.
        window: Duration,
    },
    /// The connection broke again and again.
    #[error("the connection broke off after {received} bytes")]
    BrokenOff {
        /// How many bytes had arrived by then.
        received: u64,
    },
    /// A file could not be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why an address is never asked for, wherever it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// It cannot be parsed.
    #[error("not a web address")]
    Malformed,
    /// It is not `http://` or `https://`.
    #[error("only http:// and https:// addresses are fetched")]
    Scheme,
    /// It carries a user's name or password.
    #[error("an address with a user name or password in it is not fetched")]
    UserInfo,
}

impl Error {
    /// Whether another attempt may end better.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_)
                | Self::Stalled { .. }
                | Self::BrokenOff { .. }
                | Self::TimedOut(_)
        )
    }

    /// A server that took the connection and says nothing.
    pub(crate) fn silent(url: &Url) -> Self {
        Self::Unavailable(format!(
            "{} does not answer",
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
