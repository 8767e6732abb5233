//! The job table: one item per job, changed only by conditional writes.

mod deleted;

pub(crate) use deleted::tombstone;

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::UpdateItemError,
    types::{
        AttributeValue, KeysAndAttributes, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
        Update,
    },
};
use domain::{Change, Condition, Job, JobId, Owner, Status};
use serde::Deserialize;

use crate::{
    Connection, StoreError,
    conflicts::retry_on_conflict,
    error::{classify, is_applied},
    expression::Expression,
    value::{number, text},
};

/// Jobs per query of a list, and maximum of queries per page.
const QUERY_LIMIT: i32 = 100;
const MAX_QUERIES: usize = 10;
/// Maximum of keys in one `BatchGetItem` call.
const BATCH_SIZE: usize = 100;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Sets the expressions of a change on an update builder. The builders of a call and of a transaction's part have the same methods but no
/// common trait.
macro_rules! with_change {
    ($update:expr, $change:expr) => {{
        let Expression {
            update,
            condition,
            names,
            values,
        } = Expression::new($change)?;
        $update
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
    }};
}

/// The table of jobs.
#[derive(Debug, Clone)]
pub struct JobTable {
    client: Client,
    table: String,
}

/// The result of creating a job.
#[derive(Debug)]
pub enum Created {
    /// The job was created, as given.
    New(Box<Job>),
    /// A job of this id already exists.
    Existing(Box<Job>),
    /// The job's upload no longer exists, or has reached its limit of jobs.
    NoUpload,
}

/// The result of a conditional change.
#[derive(Debug)]
pub enum ChangeResult {
    /// The change was applied; the job after it.
    Applied(Box<Job>),
    /// A condition did not hold; the job as it is.
    Rejected(Box<Job>),
    /// The job does not exist.
    NotFound,
}

/// A page of an owner's jobs, newest first.
#[derive(Debug)]
pub struct Page {
    /// Jobs of this page.
    pub jobs: Vec<Job>,
    /// Start of the next page: id and creation time of the last job on this one.
    pub next: Option<(String, String)>,
}

impl JobTable {
    /// Opens a table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// Builds the conditional put of a new job, for a transaction.
    pub(crate) fn put(
        &self,
        job: &Job,
        condition: &str,
        deleted: Option<u32>,
    ) -> Result<Put, StoreError> {
        let item = serde_dynamo::to_item(job).map_err(StoreError::unreadable)?;
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match deleted {
            Some(attempt) => put
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":deleted", number(attempt.into())),
            None => put,
        };
        put.build().map_err(StoreError::unreadable)
    }

    /// Builds the update of a job, for a transaction.
    pub(crate) fn update(&self, id: &JobId, change: &Change) -> Result<Update, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .key("id", text(id.as_str()));
        with_change!(update, change)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(StoreError::unreadable)
    }

    /// Returns a job, by a consistent read.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn get(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let item = self.item(id).await?;
        item.filter(|item| tombstone(item).is_none())
            .map(read)
            .transpose()
    }

    /// Reads the item of a job or a tombstone, by a consistent read.
    async fn item(&self, id: &JobId) -> Result<Option<Item>, StoreError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("id", text(id.as_str()))
            .consistent_read(true);
        Ok(get.send().await.map_err(classify)?.item)
    }

    /// Applies a change atomically, without a prior read.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn change(&self, id: &JobId, change: &Change) -> Result<ChangeResult, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(id.as_str()));
        let updated = with_change!(update, change)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match retry_on_conflict(|| updated.clone().send()).await {
            Ok(updated) => Ok(ChangeResult::Applied(Box::new(read(
                updated.attributes.unwrap_or_default(),
            )?))),
            Err(why) => match why.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    match failed.item() {
                        Some(item) if !item.is_empty() && tombstone(item).is_none() => {
                            Ok(ChangeResult::Rejected(Box::new(read(item.clone())?)))
                        }
                        _ => Ok(ChangeResult::NotFound),
                    }
                }
                _ => Err(classify(why)),
            },
        }
    }

    /// Lists an owner's jobs after `after`, newest first and at most `limit`. A page may be shorter while more follow, if most jobs have
    /// another status.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn list(
        &self,
        owner: &Owner,
        status: Option<Status>,
        limit: usize,
        mut after: Option<(String, String)>,
    ) -> Result<Page, StoreError> {
        let mut jobs: Vec<Job> = Vec::new();
        for _ in 0..MAX_QUERIES {
            let (found, next) = self.query(owner, after.take()).await?;
            for job in found {
                after = Some((job.id.to_string(), job.created_at.to_string()));
                jobs.extend(
                    Some(job).filter(|job| status.is_none_or(|status| job.status == status)),
                );
                if jobs.len() == limit {
                    return Ok(Page { jobs, next: after });
                }
            }
            if !next {
                return Ok(Page { jobs, next: None });
            }
        }
        Ok(Page { jobs, next: after })
    }

    /// Queries the next jobs of an owner; also returns whether there may be more.
    async fn query(
        &self,
        owner: &Owner,
        after: Option<(String, String)>,
    ) -> Result<(Vec<Job>, bool), StoreError> {
        let start = after.map(|(id, created_at)| {
            HashMap::from([
                ("id".to_owned(), text(&id)),
                ("owner".to_owned(), text(owner.as_str())),
                ("created_at".to_owned(), text(&created_at)),
            ])
        });
        let part = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("owner-created")
            .key_condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(owner.as_str()))
            .scan_index_forward(false)
            .limit(QUERY_LIMIT)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(classify)?;
        let jobs: Result<Vec<Job>, _> = part
            .items
            .unwrap_or_default()
            .into_iter()
            .map(read)
            .collect();
        Ok((jobs?, part.last_evaluated_key.is_some()))
    }

    /// Returns the current statuses of jobs by id; missing jobs are omitted.
    pub(crate) async fn statuses<'a>(
        &self,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<HashMap<String, StatusRecord>, StoreError> {
        let ids: BTreeSet<&str> = ids.collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut statuses = HashMap::new();
        for some in ids.chunks(BATCH_SIZE) {
            let keys = some
                .iter()
                .map(|id| HashMap::from([("id".to_owned(), text(id))]));
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(keys.collect()))
                .projection_expression("id, #status")
                .expression_attribute_names("#status", "status")
                .consistent_read(true)
                .build()
                .map_err(StoreError::unreadable)?;
            let mut requested = HashMap::from([(self.table.clone(), keys)]);
            // keys that were not processed are requested again
            while !requested.is_empty() {
                let got = self
                    .client
                    .batch_get_item()
                    .set_request_items(Some(requested));
                let got = got.send().await.map_err(classify)?;
                for item in got
                    .responses
                    .into_iter()
                    .flatten()
                    .flat_map(|(_, items)| items)
                {
                    let id = item.get("id").and_then(|id| id.as_s().ok()).cloned();
                    let job = serde_dynamo::from_item(item).map_err(StoreError::unreadable)?;
                    statuses.extend(id.map(|id| (id, job)));
                }
                requested = got.unprocessed_keys.unwrap_or_default();
            }
        }
        Ok(statuses)
    }

    /// Opens the network connection ahead of the first request, by a change whose condition never holds.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn warm(&self) -> Result<(), StoreError> {
        // ids contain no slash, so this job does not exist
        let never = Change {
            when: vec![Condition::Exists],
            add: vec![("attempt", 0)],
            ..Change::default()
        };
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text("/"));
        is_applied(with_change!(update, &never).send().await).map(drop)
    }
}

/// Reads a job from an image in the table's stream; `None` for a tombstone.
pub fn job_from_image(image: &serde_json::Value) -> Option<Job> {
    let item: serde_dynamo::Item = serde_json::from_value(image.clone()).ok()?;
    serde_dynamo::from_item(item).ok()
}

/// The status of a job; a tombstone has none.
#[derive(Debug, Deserialize)]
pub(crate) struct StatusRecord {
    #[serde(default)]
    pub(crate) status: Option<Status>,
}

/// Classifies an existing job. One that equals `job` is new: the SDK retried after a lost response.
pub(crate) fn created(existing: Job, job: &Job) -> Created {
    if existing == *job {
        Created::New(Box::new(existing))
    } else {
        Created::Existing(Box::new(existing))
    }
}

pub(crate) fn read(item: Item) -> Result<Job, StoreError> {
    serde_dynamo::from_item(item).map_err(StoreError::unreadable)
}
