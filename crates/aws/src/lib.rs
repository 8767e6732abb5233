//! The one place that speaks to AWS: the job table, the uploads, the bucket, executions, secrets, open connections and what is owed to
//! customers.
//!
//! Each part has just the calls that clipwright makes; a function holds only the parts that it was given.

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
pub use bucket::{Bucket, Kept, MadeBy, Multipart, Part};
pub use clients::Clients;
pub use connection::{Connection, Patience};
pub use dead_letters::DeadLetters;
pub use deliveries::{DeliveryTable, Turn};
pub use error::StoreError;
pub use executions::Executions;
pub use jobs::{Changed, Created, JobTable, Page, job_of_image};
pub use listeners::{Listener, ListenerTable};
pub use queue::Queue;
pub use receivers::{Receiver, ReceiverTable};
pub use secrets::SecretStore;
pub use sessions::SessionTable;
pub use shares::{Places, ShareTable};
pub use uploads::{Upload, UploadTable, UploadUse};
