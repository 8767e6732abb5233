//! The services that the functions use, for one test alone: real engines of the `DynamoDB` and S3 APIs, and fakes, behind one address.

use std::{collections::BTreeMap, sync::Arc};

use aws::{
    Admissions, Bucket, ClientConnections, Connection, DeadLetterQueue, DeliveryTable, Executions,
    JobTable, ListenerTable, Queue, ReceiverTable, SecretStore, SessionTable, ShareTable,
    UploadTable,
};
use domain::{AttemptId, Change, Job, JobId, Rates};
use dynoxide::Database;
use egress::Guard;
use functions::{
    PermanentFailures, RateLimiter, ServiceKeys,
    callbacks::{Addresses, Sender},
    deliver_callback::DeliverCallback,
    ingest_webhook::{IngestWebhook, SigningSecrets},
    manage_jobs::ManageJobs,
    publish_events::PublishEvents,
    realtime::Realtime,
    settle_job::SettleJob,
    start_job::StartJob,
    submit_job::SubmitJob,
    sweep_jobs::SweepJobs,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    fault_proxy::FaultProxy,
    samples::SECRET,
    tables::{self, ADMISSIONS, DELIVERIES, JOBS, LISTENERS, RECEIVERS, SESSIONS, SHARES, UPLOADS},
};

const CALLBACK_QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/callbacks";
pub(crate) const UNDELIVERED_QUEUE: &str =
    "https://sqs.us-east-1.amazonaws.com/123456789012/undelivered";
pub(crate) const BUCKET: &str = "bucket";
pub(crate) const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:jobs";
pub(crate) const SERVICE_KEYS: &str = "service-keys";
/// The key of the tenant `acme`.
pub(crate) const ACME_KEY: &str = "key-of-acme";
pub(crate) const RATES: Rates = Rates {
    credits_per_minute: 1,
};

/// The AWS account of one test.
pub(crate) struct Cloud {
    pub(crate) front: Arc<FaultProxy>,
    pub(crate) endpoint: String,
    pub(crate) jobs: JobTable,
    pub(crate) bucket: Bucket,
    pub(crate) connection: Connection,
    engine: Database,
    _objects: TempDir,
}

impl Cloud {
    pub(crate) async fn start() -> Self {
        let engine = Database::memory().expect("an engine");
        tables::create(&engine);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(dynoxide::server::serve_on(listener, engine.clone()));

        let objects = TempDir::new().expect("a folder");
        std::fs::create_dir(objects.path().join(BUCKET)).expect("a bucket");
        let files = s3s_fs::FileSystem::new(objects.path()).expect("a file system");
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single("test", "test"));

        let front = Arc::new(FaultProxy::new(
            format!("http://{address}"),
            service.build(),
        ));
        let acme = hex::encode(Sha256::digest(ACME_KEY));
        let keys = json!({"acme": acme}).to_string();
        front.secrets.set(SERVICE_KEYS, keys);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(Arc::clone(&front).serve(listener));

        let connection = Connection::local(&endpoint).await;
        Self {
            front,
            endpoint,
            jobs: JobTable::new(&connection, JOBS),
            bucket: Bucket::new(&connection, BUCKET),
            connection,
            engine,
            _objects: objects,
        }
    }

    fn keys(&self) -> ServiceKeys {
        ServiceKeys::new(SecretStore::new(&self.connection), SERVICE_KEYS.to_owned())
    }

    /// A limiter of this many requests per minute for every owner.
    pub(crate) fn rate_limiter(&self, most: u32) -> RateLimiter {
        RateLimiter {
            shares: self.shares(),
            user_limit: most,
            service_limit: most,
        }
    }

    pub(crate) fn uploads(&self) -> UploadTable {
        UploadTable::new(&self.connection, UPLOADS)
    }

    pub(crate) fn shares(&self) -> ShareTable {
        ShareTable::new(&self.connection, SHARES)
    }

    fn permanent_failures(&self, function: &'static str) -> PermanentFailures {
        let letters = DeadLetterQueue::new(&self.connection, UNDELIVERED_QUEUE);
        PermanentFailures::new(function, letters)
    }

    fn executions(&self) -> Executions {
        Executions::new(&self.connection, MACHINE)
    }

    pub(crate) fn submit_job(&self) -> SubmitJob {
        SubmitJob {
            jobs: self.jobs.clone(),
            admissions: self.admissions(),
            uploads: self.uploads(),
            shares: self.shares(),
            bucket: self.bucket.clone(),
            receivers: self.receivers(),
            addresses: Addresses::new(true),
            sources: Guard::new(true),
            keys: self.keys(),
            rate_limiter: self.rate_limiter(6000),
            max_active: 20,
            max_upload_bytes: 1 << 30,
        }
    }

    pub(crate) fn manage_jobs(&self) -> ManageJobs {
        ManageJobs {
            jobs: self.jobs.clone(),
            admissions: self.admissions(),
            uploads: self.uploads(),
            bucket: self.bucket.clone(),
            executions: self.executions(),
            sessions: SessionTable::new(&self.connection, SESSIONS),
            realtime_url: self.realtime_url(),
            deliveries: self.deliveries(),
            receivers: self.receivers(),
            callback_queue: self.callback_queue(),
            sender: Sender::new(true).expect("a sender"),
            keys: self.keys(),
            rate_limiter: self.rate_limiter(6000),
            max_active: 20,
        }
    }

    fn realtime_url(&self) -> String {
        format!("{}/live", self.endpoint.replacen("http", "ws", 1))
    }

    pub(crate) fn realtime(&self) -> Realtime {
        Realtime {
            jobs: self.jobs.clone(),
            sessions: SessionTable::new(&self.connection, SESSIONS),
            listeners: ListenerTable::new(&self.connection, LISTENERS),
            shares: self.shares(),
            rate_limiter: self.rate_limiter(6000),
            clients: ClientConnections::new(&self.connection, &self.realtime_url()),
        }
    }

    pub(crate) fn publish_events(&self) -> PublishEvents {
        PublishEvents {
            listeners: ListenerTable::new(&self.connection, LISTENERS),
            sessions: SessionTable::new(&self.connection, SESSIONS),
            shares: self.shares(),
            clients: ClientConnections::new(&self.connection, &self.realtime_url()),
            deliveries: self.deliveries(),
            callback_queue: self.callback_queue(),
            permanent_failures: self.permanent_failures("publish-events"),
        }
    }

    /// Also calls back addresses of this machine.
    pub(crate) fn deliver_callback(&self) -> DeliverCallback {
        self.deliver_callback_to(true)
    }

    pub(crate) fn deliver_callback_to(&self, allow_private: bool) -> DeliverCallback {
        DeliverCallback {
            jobs: self.jobs.clone(),
            deliveries: self.deliveries(),
            receivers: self.receivers(),
            shares: self.shares(),
            bucket: self.bucket.clone(),
            queue: self.callback_queue(),
            sender: Sender::new(allow_private).expect("a sender"),
            permanent_failures: self.permanent_failures("deliver-callback"),
        }
    }

    pub(crate) fn admissions(&self) -> Admissions {
        Admissions::new(&self.connection, ADMISSIONS, self.jobs.clone())
    }

    pub(crate) fn deliveries(&self) -> DeliveryTable {
        DeliveryTable::new(&self.connection, DELIVERIES)
    }

    pub(crate) fn receivers(&self) -> ReceiverTable {
        ReceiverTable::new(&self.connection, RECEIVERS)
    }

    fn callback_queue(&self) -> Queue {
        Queue::new(&self.connection, CALLBACK_QUEUE)
    }

    /// Accepts only signed events; the secret is a setting.
    pub(crate) async fn ingest_webhook(&self) -> IngestWebhook {
        self.ingest_webhook_of(SECRET).await
    }

    pub(crate) async fn ingest_webhook_of(&self, secret: &str) -> IngestWebhook {
        let store = SecretStore::new(&self.connection);
        let secrets = SigningSecrets::read(store, secret.to_owned()).await;
        IngestWebhook {
            jobs: self.jobs.clone(),
            secrets: secrets.expect("secrets"),
            allow_unsigned: false,
            rates: RATES,
        }
    }

    pub(crate) fn start_job(&self) -> StartJob {
        StartJob {
            executions: self.executions(),
            permanent_failures: self.permanent_failures("start-job"),
        }
    }

    pub(crate) fn settle_job(&self) -> SettleJob {
        SettleJob {
            jobs: self.jobs.clone(),
            admissions: self.admissions(),
            bucket: self.bucket.clone(),
            rates: RATES,
            permanent_failures: self.permanent_failures("settle-job"),
        }
    }

    pub(crate) fn sweep_jobs(&self) -> SweepJobs {
        SweepJobs {
            jobs: self.jobs.clone(),
            uploads: self.uploads(),
            bucket: self.bucket.clone(),
            deliveries: self.deliveries(),
        }
    }

    /// Stores an object of a job.
    pub(crate) async fn store(&self, id: &JobId, name: &str) {
        let key = domain::keys::in_job(id, name);
        let written = self.bucket.write(&key, name.as_bytes().to_vec());
        written.await.expect("written");
    }

    /// The names of a job's objects.
    pub(crate) async fn stored(&self, id: &JobId) -> Vec<String> {
        let prefix = domain::keys::in_job(id, "");
        let keys = self.bucket.list(&prefix).await.expect("a list");
        let names = keys.iter().map(|key| key[prefix.len()..].to_owned());
        names.collect()
    }

    /// Changes a job in the engine by a given rule.
    pub(crate) async fn change(&self, id: &JobId, change: &Change) -> bool {
        let changed = self.jobs.change(id, change).await.expect("a change");
        matches!(changed, aws::ChangeResult::Applied(_))
    }

    /// A job as it is stored.
    pub(crate) async fn job(&self, id: &JobId) -> Job {
        let job = self.jobs.get(id).await.expect("an answer");
        job.expect("a job")
    }

    /// Stores a user's job as `submit-job` does.
    pub(crate) async fn submitted(&self, id: &str) -> JobId {
        let job = crate::samples::job(id);
        self.create(&job).await;
        job.id
    }

    /// Stores a job regardless of the limit of active jobs.
    pub(crate) async fn create(&self, job: &Job) {
        let created = self.admissions().create(job, u32::MAX).await;
        created.expect("an answer").expect("room");
    }

    /// The same with the first attempt running.
    pub(crate) async fn running(&self, id: &str) -> JobId {
        let id = self.submitted(id).await;
        assert!(self.claim(&id, 1).await);
        id
    }

    pub(crate) async fn claim(&self, id: &JobId, attempt: u32) -> bool {
        let of = AttemptId {
            job_id: id.clone(),
            attempt,
        };
        self.change(id, &Job::claim(&of, "task", functions::now()))
            .await
    }

    /// All records of both tables by id, as plain JSON, without passing the proxy.
    pub(crate) fn records(&self) -> BTreeMap<String, Value> {
        let all = [JOBS, UPLOADS].map(|table| self.all(table));
        // the tombstone of a deleted job has no owner
        let owned = all
            .into_iter()
            .flatten()
            .filter(|item| !item["owner"].is_null());
        owned
            .map(|item| (item["id"].as_str().expect("an id").to_owned(), item))
            .collect()
    }

    /// All records of a table as plain JSON, without passing the proxy.
    pub(crate) fn all(&self, table: &str) -> Vec<Value> {
        let scanned = self.engine.scan(ask(json!({"TableName": table})));
        let scanned = serde_json::to_value(scanned.expect("a scan")).expect("JSON");
        let items = scanned["Items"].as_array().expect("items").iter();
        items.map(|item| plain(&json!({"M": item}))).collect()
    }

    /// All records of the job table's stream.
    pub(crate) fn stream(&self) -> Vec<Value> {
        let streams = self.engine.list_streams(ask(json!({"TableName": JOBS})));
        let streams = serde_json::to_value(streams.expect("streams")).expect("JSON");
        let arn = &streams["Streams"][0]["StreamArn"];
        let described = self.engine.describe_stream(ask(json!({"StreamArn": arn})));
        let described = serde_json::to_value(described.expect("a stream")).expect("JSON");
        let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
        let from = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
        let got = self.engine.get_shard_iterator(ask(from)).expect("a place");
        let mut next = got.shard_iterator;
        let mut all = Vec::new();
        while let Some(place) = next {
            let got = self
                .engine
                .get_records(ask(json!({"ShardIterator": place})));
            let got = got.expect("records");
            if got.records.is_empty() {
                break;
            }
            for record in got.records {
                all.push(serde_json::to_value(record).expect("JSON"));
            }
            next = got.next_shard_iterator;
        }
        all
    }

    /// The engine's description of a table.
    pub(crate) fn described(&self, table: &str) -> Value {
        let described = self.engine.describe_table(ask(json!({"TableName": table})));
        json!(described.expect("a table"))["Table"].take()
    }

    /// A concurrent change, made now and without passing the proxy.
    pub(crate) fn meddler(&self) -> impl Fn(Value) + Send + 'static {
        let engine = self.engine.clone();
        move |update| {
            let mut update = update;
            update["TableName"] = JOBS.into();
            engine.update_item(ask(update)).expect("an update");
        }
    }

    /// Removes the record of an upload as its time to live does.
    pub(crate) fn forget_upload(&self, id: &str) {
        self.end_of_upload(id)();
    }

    /// The same at a moment that a test chooses, without passing the proxy.
    pub(crate) fn end_of_upload(&self, id: &str) -> impl Fn() + Send + 'static {
        let engine = self.engine.clone();
        let gone = json!({"TableName": UPLOADS, "Key": {"id": {"S": id}}});
        move || {
            engine.delete_item(ask(gone.clone())).expect("a deletion");
        }
    }

    /// The batch that `start-job` receives from the stream with the template's filter.
    pub(crate) fn queued(&self) -> Vec<Value> {
        let wanted = |record: &Value| {
            ["INSERT", "MODIFY"]
                .map(Value::from)
                .contains(&record["eventName"])
                && record["dynamodb"]["NewImage"]["status"]["S"] == "queued"
        };
        self.stream().into_iter().filter(wanted).collect()
    }
}

/// A request to the engine from its JSON.
pub(crate) fn ask<T: DeserializeOwned>(call: Value) -> T {
    serde_json::from_value(call).expect("a call")
}

/// A value of `DynamoDB` as plain JSON.
pub(crate) fn plain(value: &Value) -> Value {
    let (kind, held) = value
        .as_object()
        .and_then(|typed| typed.iter().next())
        .expect("a typed value");
    match kind.as_str() {
        "N" => serde_json::from_str(held.as_str().expect("digits")).expect("a number"),
        "M" => held
            .as_object()
            .expect("a map")
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
        "L" => held.as_array().expect("a list").iter().map(plain).collect(),
        "NULL" => Value::Null,
        "SS" => {
            let mut texts: Vec<String> = serde_json::from_value(held.clone()).expect("texts");
            texts.sort();
            json!(texts)
        }
        _ => held.clone(),
    }
}
