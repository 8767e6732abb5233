//! An HTTP client that only reaches what a [`Guard`] allows.

use std::{error::Error as _, net::SocketAddr, time::Duration};

use domain::limits::MAX_REDIRECTS;
use reqwest::{
    Method, Request, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderMap, LOCATION},
    redirect,
};
use url::Url;

use crate::{Error, Guard};

/// An HTTP client behind a [`Guard`]. It takes no proxy from the environment and keeps no cookies. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    guard: Guard,
    http: reqwest::Client,
}

impl Client {
    /// A client that gives up connecting, name look-up included, after `connect`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(guard: Guard, connect: Duration) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .dns_resolver(GuardedNames(guard.clone()))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(connect)
            .user_agent(concat!("clipwright/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|why| Error::Unavailable(innermost(&why)))?;
        Ok(Self { guard, http })
    }

    /// The guard that this client obeys.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Sends one request and follows no redirect.
    ///
    /// # Errors
    /// When its address is not allowed, or no answer comes.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        self.guard.check(request.url())?;
        self.http
            .execute(request)
            .await
            .map_err(|why| readable(&why))
    }

    /// Gets an address with these headers, following redirects of which each is checked like the first.
    ///
    /// # Errors
    /// As [`Client::send`], and when there are too many redirects.
    pub async fn get(&self, url: &Url, headers: &HeaderMap) -> Result<Response, Error> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = Request::new(Method::GET, url);
            request.headers_mut().clone_from(headers);
            let response = self.send(request).await?;
            match redirect_target(&response) {
                Some(next) => url = next,
                None => return Ok(response),
            }
        }
        Err(Error::Redirects)
    }
}

fn redirect_target(response: &Response) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    // servers send raw UTF-8 here, which `to_str` would refuse
    let location = str::from_utf8(location.as_bytes()).ok()?;
    response.url().join(location).ok()
}

/// The resolver given to the HTTP client; literal addresses do not pass through it, [`Guard::check`] sees those.
struct GuardedNames(Guard);

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let addresses = guard.addresses(name.as_str()).await?;
            let sockets = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}

/// Takes our own error back out of the client's, or puts its reason into one line.
pub(crate) fn readable(why: &reqwest::Error) -> Error {
    let mut source = why.source();
    while let Some(inner) = source {
        match inner.downcast_ref::<Error>() {
            Some(Error::Forbidden { host }) => return Error::Forbidden { host: host.clone() },
            Some(other) => return Error::Unavailable(other.to_string()),
            None => source = inner.source(),
        }
    }
    let host = why.url().and_then(Url::host_str).unwrap_or("the server");
    Error::Unavailable(match (why.is_timeout(), why.is_connect()) {
        (true, _) => format!("{host} does not answer"),
        (_, true) => format!("{host} cannot be reached: {}", innermost(why)),
        _ => format!("{host} gives no proper answer: {}", innermost(why)),
    })
}

fn innermost(why: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = why;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    reason.to_string()
}
