//! A forward proxy on loopback that holds another program's connections to a [`Guard`].

mod metered;
mod serve;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::limits::MAX_SOURCE_BYTES;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Error, Guard};

/// What may pass through a [`Proxy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyLimits {
    /// Most bytes that all its connections together may receive.
    pub max_bytes: u64,
    /// Longest time to look up a name and connect.
    pub connect: Duration,
    /// How long a connection may receive nothing.
    pub idle: Duration,
    /// Most connections at a time; more wait.
    pub connections: usize,
}

impl Default for ProxyLimits {
    /// As large as a source may be, 10 s, 60 s, 64.
    fn default() -> Self {
        Self {
            max_bytes: MAX_SOURCE_BYTES,
            connect: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            connections: 64,
        }
    }
}

/// A running proxy; it and all its connections end when it is dropped.
///
/// Each name is looked up here, checked, and its checked address dialled, so that the program that uses the proxy
/// never connects anywhere by itself. Only a program that knows the credential in [`Proxy::url`] is served.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    password: String,
    passage: Arc<Passage>,
    _ends_with_this: DropGuard,
}

/// What all connections of a proxy share.
#[derive(Debug)]
struct Passage {
    guard: Guard,
    limits: ProxyLimits,
    /// The value of `Proxy-Authorization` that is let in.
    authorization: String,
    received: AtomicU64,
    first_forbidden: Mutex<Option<String>>,
    end: CancellationToken,
}

impl Proxy {
    /// Starts a proxy on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When there is no port, or no random number, to be had.
    pub async fn start(guard: Guard, limits: ProxyLimits) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let password = random_hex()?;
        let end = CancellationToken::new();
        let passage = Arc::new(Passage {
            guard,
            limits,
            authorization: format!(
                "Basic {}",
                BASE64_STANDARD.encode(format!("clipwright:{password}"))
            ),
            received: AtomicU64::new(0),
            first_forbidden: Mutex::default(),
            end: end.clone(),
        });
        tokio::spawn(
            end.clone()
                .run_until_cancelled_owned(serve::accept(listener, passage.clone())),
        );
        Ok(Self {
            address,
            password,
            passage,
            _ends_with_this: end.drop_guard(),
        })
    }

    /// Where it listens, with the credential: not for logs.
    pub fn url(&self) -> String {
        format!("http://clipwright:{}@{}", self.password, self.address)
    }

    /// How many bytes came in through it.
    pub fn received(&self) -> u64 {
        self.passage.received.load(Ordering::Relaxed)
    }

    /// What the program behind it may not have been told as clearly: that an address was refused, or that there were
    /// too many bytes.
    pub fn objection(&self) -> Option<Error> {
        let limit = self.passage.limits.max_bytes;
        if self.received() > limit {
            return Some(Error::TooLarge { limit });
        }
        let host = self.passage.forbidden().clone()?;
        Some(Error::Forbidden { host })
    }
}

impl Passage {
    /// Adds to the bytes received; `false` when they are more than the limit.
    fn admit(&self, bytes: usize) -> bool {
        let before = self.received.fetch_add(bytes as u64, Ordering::Relaxed);
        before.saturating_add(bytes as u64) <= self.limits.max_bytes
    }

    fn forbidden(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.first_forbidden
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn random_hex() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(hex::encode(bytes))
}
