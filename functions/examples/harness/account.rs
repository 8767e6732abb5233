//! The tables of a function, in an engine of the `DynamoDB` API, and the records that are written before it starts.

use aws::{Admissions, Connection, DeliveryTable, JobTable, ListenerTable, ReceiverTable};
use domain::{AttemptId, ClipOptions, Delivery, Job, JobId, JobSource, Labels, Owner, Submission};
use dynoxide::Database;
use serde_json::{Value, json};

use crate::loopback;

pub(crate) const BUCKET: &str = "bucket";
/// A time in the far future, in seconds since 1970.
const LATER: i64 = 9_999_999_999;

/// A table with its environment variable and keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) variable: &'static str,
    pub(crate) name: &'static str,
    hash: &'static str,
    range: Option<&'static str>,
}

const JOBS: Table = table("JOBS_TABLE", "jobs", "id", None);
const ADMISSIONS: Table = table("ADMISSIONS_TABLE", "admissions", "owner", None);
const LISTENERS: Table = table(
    "LISTENERS_TABLE",
    "listeners",
    "owner",
    Some("connection_id"),
);
const DELIVERIES: Table = table("DELIVERIES_TABLE", "deliveries", "job_id", Some("id"));
const RECEIVERS: Table = table("RECEIVERS_TABLE", "receivers", "owner", None);
/// All tables.
pub(crate) const TABLES: [Table; 8] = [
    table("SHARES_TABLE", "shares", "id", None),
    JOBS,
    LISTENERS,
    DELIVERIES,
    RECEIVERS,
    ADMISSIONS,
    table("UPLOADS_TABLE", "uploads", "id", None),
    table("SESSIONS_TABLE", "sessions", "id", None),
];

const fn table(
    variable: &'static str,
    name: &'static str,
    hash: &'static str,
    range: Option<&'static str>,
) -> Table {
    Table {
        variable,
        name,
        hash,
        range,
    }
}

/// The engine and its address.
pub(crate) struct Account {
    pub(crate) address: String,
    engine: Database,
    connection: Connection,
}

impl Account {
    pub(crate) async fn open() -> Self {
        let engine = Database::memory().expect("an engine");
        for table in TABLES {
            create(&engine, table);
        }
        let (listener, address) = loopback::port().await;
        tokio::spawn(dynoxide::server::serve_on(listener, engine.clone()));
        let connection = Connection::local(&format!("http://{address}")).await;
        Self {
            address,
            engine,
            connection,
        }
    }

    fn jobs(&self) -> JobTable {
        JobTable::new(&self.connection, JOBS.name)
    }

    pub(crate) async fn job(&self, id: &JobId) -> Job {
        let job = self.jobs().get(id).await.expect("an answer");
        job.expect("a job")
    }

    pub(crate) async fn submit(&self, job: &Job) {
        let admissions = Admissions::new(&self.connection, ADMISSIONS.name, self.jobs());
        let created = admissions.create(job, u32::MAX).await;
        created.expect("an answer").expect("room");
    }

    /// A job whose first attempt is running.
    pub(crate) async fn running_job(&self) -> Job {
        let (job, jobs) = (submitted("job-1"), self.jobs());
        self.submit(&job).await;
        let first = AttemptId {
            job_id: job.id.clone(),
            attempt: 1,
        };
        let claim = Job::claim(&first, "task", functions::now());
        jobs.change(&job.id, &claim).await.expect("claimed");
        self.job(&job.id).await
    }

    /// The image of a job's record in a stream.
    pub(crate) fn image(&self, id: &JobId) -> Value {
        let get = json!({"TableName": JOBS.name, "Key": {"id": {"S": id}}});
        let get = serde_json::from_value(get).expect("a request");
        let got = self.engine.get_item(get).expect("the job");
        json!(got)["Item"].take()
    }

    /// Adds this many connections of an owner that follow all jobs.
    pub(crate) async fn listen(&self, owner: &Owner, connections: usize) {
        let listeners = ListenerTable::new(&self.connection, LISTENERS.name);
        for number in 0..connections {
            let id = format!("connection-{number:04}");
            let added = listeners.subscribe(owner, &id, None, LATER).await;
            assert!(added.expect("an answer"), "a connection is not added");
        }
    }

    /// Gives an owner a callback secret.
    pub(crate) async fn sign_with(&self, owner: &Owner, secret: &str) {
        let receivers = ReceiverTable::new(&self.connection, RECEIVERS.name);
        let rotated = receivers.rotate(owner, secret, 0, 0).await;
        rotated.expect("a secret");
    }

    /// Adds pending deliveries.
    pub(crate) async fn add_deliveries(&self, deliveries: impl IntoIterator<Item = Delivery>) {
        let table = DeliveryTable::new(&self.connection, DELIVERIES.name);
        for delivery in deliveries {
            table.create(&delivery).await.expect("a delivery");
        }
    }
}

/// A user's submitted job.
pub(crate) fn submitted(id: &str) -> Job {
    let submission = Submission {
        owner: Owner::user("ann"),
        source: JobSource {
            youtube_url: None,
            video_url: Some("https://example.com/talk.mp4".to_owned()),
            upload_id: None,
            upload_key: None,
            title: Some("Talk".to_owned()),
            duration_ms: Some(112_000),
        },
        options: ClipOptions::default(),
        body_sha256: None,
        callback_url: None,
        labels: Labels::default(),
    };
    Job::new(id.parse().expect("an id"), submission, functions::now())
}

fn create(engine: &Database, table: Table) {
    let keys = [(Some(table.hash), "HASH"), (table.range, "RANGE")];
    let keys: Vec<_> = keys
        .into_iter()
        .filter_map(|(name, kind)| Some((name?, kind)))
        .collect();
    let attribute = |(name, _): &(&str, &str)| json!({"AttributeName": name, "AttributeType": "S"});
    let key = |(name, kind): &(&str, &str)| json!({"AttributeName": name, "KeyType": kind});
    let call = json!({
        "TableName": table.name,
        "AttributeDefinitions": keys.iter().map(attribute).collect::<Vec<_>>(),
        "KeySchema": keys.iter().map(key).collect::<Vec<_>>(),
        "BillingMode": "PAY_PER_REQUEST",
    });
    let call = serde_json::from_value(call).expect("a request");
    engine.create_table(call).expect("a table");
}
