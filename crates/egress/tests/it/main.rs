//! The guard, the download and the proxy against real servers on loopback.
//!
//! 127.0.0.2 stands for the public internet here, every other address for what must not be reached.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it")]

mod addresses;
mod fetching;
mod proxying;
mod resuming;
mod server;
