//! The Lambda functions. A handler parses, calls a rule of `domain`, stores and responds; the fields of its struct are its permissions.

mod api;
mod cached_secret;
pub mod callbacks;
mod caller;
mod config;
pub mod deliver_callback;
#[doc(hidden)]
pub mod fuzzing;
mod http;
pub mod ingest_webhook;
mod leftovers;
pub mod manage_jobs;
mod observe;
pub mod openapi;
mod permanent_failures;
pub mod publish_events;
mod rate_limit;
pub mod realtime;
mod routes;
pub mod settle_job;
pub mod start_job;
pub mod stream;
pub mod submit_job;
pub mod sweep_jobs;

pub use caller::ServiceKeys;
pub use config::{InvalidSetting, Settings};
pub use http::now;
pub use observe::start;
pub use permanent_failures::PermanentFailures;
pub use rate_limit::RateLimiter;
