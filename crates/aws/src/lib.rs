//! The AWS client layer: tables, bucket, queues, executions, secrets and WebSocket connections. No other crate uses an AWS SDK.
//!
//! Each type offers only the calls that clipwright makes; a function holds only the types that it needs.

mod admissions;
mod bucket;
mod clients;
mod conflicts;
mod connection;
mod dead_letters;
mod deliveries;
mod error;
mod executions;
mod expression;
mod jobs;
mod listeners;
mod queue;
mod receivers;
mod secrets;
mod sessions;
mod shares;
mod uploads;
mod value;

pub use admissions::Admissions;
pub use bucket::{Bucket, FencedWrite, Multipart, Part, Provenance};
pub use clients::ClientConnections;
pub use connection::{Connection, TimeoutProfile};
pub use dead_letters::DeadLetterQueue;
pub use deliveries::{DeliveryLease, DeliveryTable};
pub use error::StoreError;
pub use executions::Executions;
pub use jobs::{ChangeResult, Created, JobTable, Page, job_from_image};
pub use listeners::{Listener, ListenerTable};
pub use queue::Queue;
pub use receivers::{Receiver, ReceiverTable};
pub use secrets::SecretStore;
pub use sessions::SessionTable;
pub use shares::{ShareTable, Slots};
pub use uploads::{Upload, UploadTable, UploadUse};
