//! A forward proxy on loopback that applies a [`Guard`] to another program's connections.

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

/// Limits of a [`Proxy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyLimits {
    /// Maximum of bytes received over all connections.
    pub max_bytes: u64,
    /// Timeout for resolving a name and connecting.
    pub connect: Duration,
    /// Idle timeout of a connection.
    pub idle: Duration,
    /// Maximum of concurrent connections; further ones wait.
    pub connections: usize,
}

impl Default for ProxyLimits {
    /// The size limit of a source, 10 s, 60 s, and 64 connections.
    fn default() -> Self {
        Self {
            max_bytes: MAX_SOURCE_BYTES,
            connect: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            connections: 64,
        }
    }
}

/// A running proxy; dropping it closes all its connections.
///
/// The proxy resolves and checks each name and dials the checked address, so that the program behind it makes no connections of its own.
/// It serves only programs that have the credential in [`Proxy::url`].
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    password: String,
    state: Arc<State>,
    _cancel_on_drop: DropGuard,
}

/// State shared by all connections of a proxy.
#[derive(Debug)]
struct State {
    guard: Guard,
    limits: ProxyLimits,
    /// The accepted value of `Proxy-Authorization`.
    authorization: String,
    received: AtomicU64,
    first_forbidden: Mutex<Option<String>>,
    cancel: CancellationToken,
}

impl Proxy {
    /// Starts a proxy on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port or no random number is available.
    pub async fn start(guard: Guard, limits: ProxyLimits) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let password = random_hex()?;
        let cancel = CancellationToken::new();
        let state = Arc::new(State {
            guard,
            limits,
            authorization: format!(
                "Basic {}",
                BASE64_STANDARD.encode(format!("clipwright:{password}"))
            ),
            received: AtomicU64::new(0),
            first_forbidden: Mutex::default(),
            cancel: cancel.clone(),
        });
        tokio::spawn(
            cancel
                .clone()
                .run_until_cancelled_owned(serve::accept(listener, state.clone())),
        );
        Ok(Self {
            address,
            password,
            state,
            _cancel_on_drop: cancel.drop_guard(),
        })
    }

    /// Returns its URL with the credential; it must not be logged.
    pub fn url(&self) -> String {
        format!("http://clipwright:{}@{}", self.password, self.address)
    }

    /// Returns the bytes received through it.
    pub fn received(&self) -> u64 {
        self.state.received.load(Ordering::Relaxed)
    }

    /// Returns the limit or address rule that the proxy enforced, which the program behind it may report less clearly.
    pub fn violation(&self) -> Option<Error> {
        let limit = self.state.limits.max_bytes;
        if self.received() > limit {
            return Some(Error::TooLarge { limit });
        }
        let host = self.state.forbidden().clone()?;
        Some(Error::Forbidden { host })
    }
}

impl State {
    /// Adds to the bytes received; `false` if they exceed the limit.
    fn count_received(&self, bytes: usize) -> bool {
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
