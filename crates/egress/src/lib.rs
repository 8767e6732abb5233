//! Requests to untrusted URLs, restricted to public networks (SSRF protection): an address guard, an HTTP client, a POST with limits, a
//! resumable download, and a loopback proxy that applies the same guard to other programs.

mod address;
mod client;
mod error;
mod fetch;
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod post;
mod proxy;
mod retry_after;

pub use address::is_public;
pub use client::Client;
pub use error::{Error, InvalidAddress};
pub use fetch::{FetchLimits, Fetched, MediaFile, Progress, fetch};
pub use guard::{Answer, Guard, Lookup};
pub use post::{PostLimits, Posted, post};
pub use proxy::{Proxy, ProxyLimits};
pub use retry_after::retry_after;
