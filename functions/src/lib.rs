//! The Lambda functions. A handler parses, calls a rule of `domain`, stores, answers; its struct shows its powers.

mod caller;
mod config;
mod http;
pub mod ingest_webhook;
pub mod manage_jobs;
mod observe;
pub mod openapi;
pub mod routes;
pub mod settle_job;
pub mod start_job;
mod submission;
pub mod submit_job;
mod view;

pub use caller::ServiceKeys;
pub use config::{InvalidSetting, Settings};
pub use http::now;
pub use observe::start;
