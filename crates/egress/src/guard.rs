//! The guard for connections to untrusted hosts: names are resolved once, all addresses are checked, and only the checked addresses are
//! dialled, which rules out DNS rebinding.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use tokio::net::TcpStream;
use url::{Host, Url};

use crate::{Error, InvalidAddress, address::is_public};

/// The future result of a [`Lookup`].
pub type Answer = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
/// Resolves a name to all its addresses.
pub type Lookup = Arc<dyn Fn(String) -> Answer + Send + Sync>;

/// The rule for allowed addresses, and the resolver. Cheap to clone.
///
/// All ports of an allowed address are allowed.
#[derive(Clone)]
pub struct Guard {
    allowed: fn(IpAddr) -> bool,
    lookup: Lookup,
}

impl Guard {
    /// Allows public addresses only or, with `allow_private`, all addresses; uses the system's resolver.
    pub fn new(allow_private: bool) -> Self {
        let allowed = if allow_private { |_| true } else { is_public };
        Self::with(allowed, Arc::new(|name| Box::pin(system_lookup(name))))
    }

    /// Creates a guard with a custom rule and resolver.
    pub fn with(allowed: fn(IpAddr) -> bool, lookup: Lookup) -> Self {
        Self { allowed, lookup }
    }

    /// Parses a URL and checks what needs no name look-up: scheme, user info, IP literals and `localhost`.
    ///
    /// # Errors
    /// When the URL is invalid, or its host is an IP literal in any notation, or a name of this machine, that is not allowed.
    pub fn parse(&self, address: &str) -> Result<Url, Error> {
        let url = Url::parse(address).map_err(|_| InvalidAddress::Malformed)?;
        self.check(&url)?;
        Ok(url)
    }

    /// Checks a parsed URL like [`Guard::parse`].
    ///
    /// # Errors
    /// As [`Guard::parse`].
    pub fn check(&self, url: &Url) -> Result<(), Error> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidAddress::Scheme.into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidAddress::UserInfo.into());
        }
        match url.host() {
            None => Err(InvalidAddress::Malformed.into()),
            Some(Host::Domain(name)) if is_loopback(name) => {
                self.check_all(name, &[Ipv4Addr::LOCALHOST.into()])
            }
            Some(Host::Domain(_)) => Ok(()),
            Some(Host::Ipv4(v4)) => self.check_all(&v4.to_string(), &[v4.into()]),
            Some(Host::Ipv6(v6)) => self.check_all(&v6.to_string(), &[v6.into()]),
        }
    }

    /// Resolves a host name or IP literal; all returned addresses are allowed.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when any of them is not allowed, [`Error::Unavailable`] when there are none.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        let addresses = match literal {
            Ok(address) => vec![address],
            Err(_) => (self.lookup)(host.to_owned())
                .await
                .map_err(|_| Error::Unavailable(format!("there is no server named {host}")))?,
        };
        if addresses.is_empty() {
            return Err(Error::Unavailable(format!("{host} has no address")));
        }
        self.check_all(host, &addresses)?;
        Ok(addresses)
    }

    /// Connects to a host name or IP literal by its checked addresses in turn; `timeout` covers all of it.
    ///
    /// # Errors
    /// As [`Guard::addresses`], and when no address accepts the connection in time.
    pub async fn dial(&self, host: &str, port: u16, timeout: Duration) -> Result<TcpStream, Error> {
        let dialling = async {
            let to: Vec<_> = (self.addresses(host).await?.into_iter())
                .map(|address| SocketAddr::new(address, port))
                .collect();
            TcpStream::connect(&to[..])
                .await
                .map_err(|why| Error::Unavailable(format!("{host} cannot be reached: {why}")))
        };
        tokio::time::timeout(timeout, dialling)
            .await
            .unwrap_or_else(|_| Err(Error::Unavailable(format!("{host} does not respond"))))
    }

    fn check_all(&self, host: &str, addresses: &[IpAddr]) -> Result<(), Error> {
        if addresses.iter().all(|address| (self.allowed)(*address)) {
            Ok(())
        } else {
            Err(Error::Forbidden {
                host: host.to_owned(),
            })
        }
    }
}

/// Returns whether a name always denotes this machine (RFC 6761, 6.3).
fn is_loopback(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.rsplit('.').next() == Some("localhost")
}

async fn system_lookup(name: String) -> io::Result<Vec<IpAddr>> {
    let answers = tokio::net::lookup_host((name, 0)).await?;
    Ok(answers.map(|answer| answer.ip()).collect())
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}
