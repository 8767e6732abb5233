//! An HTTP client that connects only to addresses that a [`Guard`] allows.

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

/// An HTTP client behind a [`Guard`]. It ignores proxies from the environment and stores no cookies. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    guard: Guard,
    http: reqwest::Client,
}

impl Client {
    /// Creates a client with a timeout for connecting, including the name look-up.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(guard: Guard, connect: Duration) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .dns_resolver(GuardedResolver(guard.clone()))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(connect)
            .user_agent(concat!("clipwright/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|why| Error::Unavailable(innermost(&why)))?;
        Ok(Self { guard, http })
    }

    /// Returns the guard of this client.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Sends one request without following redirects.
    ///
    /// # Errors
    /// When its address is not allowed, or there is no response.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        self.guard.check(request.url())?;
        self.http
            .execute(request)
            .await
            .map_err(|why| to_error(&why))
    }

    /// Sends a GET request with these headers and follows redirects, each of which is checked like the first URL.
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
    // servers send raw UTF-8 here, which `to_str` rejects
    let location = str::from_utf8(location.as_bytes()).ok()?;
    response.url().join(location).ok()
}

/// The DNS resolver of the HTTP client. IP literals bypass it and are covered by [`Guard::check`].
struct GuardedResolver(Guard);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let addresses = guard.addresses(name.as_str()).await?;
            let sockets = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}

/// Converts an error of `reqwest`: unwraps the resolver's own error, or summarises the cause in one line.
pub(crate) fn to_error(why: &reqwest::Error) -> Error {
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
        (true, _) => format!("{host} does not respond"),
        (_, true) => format!("{host} cannot be reached: {}", innermost(why)),
        _ => format!("{host} sent an invalid response: {}", innermost(why)),
    })
}

fn innermost(why: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = why;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    reason.to_string()
}
