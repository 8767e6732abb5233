//! The job table: one item a job, changed under conditions alone.

mod deleted;

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::{
    Client,
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::{
        AttributeValue, KeysAndAttributes, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
        Update,
    },
};
use deleted::DUE;
use domain::{Change, Condition, Job, JobId, Owner, Status, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Connection, StoreError, UploadUse,
    conflicts::past_conflicts,
    error::sorted,
    expression::Expression,
    value::{number, text},
};

/// Jobs read by one query of a list, and most queries for one part of it.
const QUERIED_AT_ONCE: i32 = 100;
const MOST_QUERIES: usize = 10;
/// Records read by their keys in one call: what the table takes.
const READ_AT_ONCE: usize = 100;

type Item = HashMap<String, AttributeValue>;

/// A change as what an update is made of: a call's builder and that of a transaction's part have the same methods, and no trait.
macro_rules! expressed {
    ($update:expr, $change:expr) => {{
        let Expression {
            update,
            condition,
            names,
            values,
        } = Expression::of($change)?;
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

/// What became of a submission.
#[derive(Debug)]
pub enum Created {
    /// The job was not there before; as it was written.
    New(Box<Job>),
    /// A job of this id was there.
    Existing(Box<Job>),
    /// The upload that it is to be made from is not there any more, or has as many jobs as may be.
    NoUpload,
}

/// What became of a change.
#[derive(Debug)]
pub enum Changed {
    /// It happened; the job as it is now.
    Yes(Box<Job>),
    /// A condition did not hold; the job as it is.
    No(Box<Job>),
    /// There is no such job.
    Gone,
}

/// A part of an owner's jobs, newest first.
#[derive(Debug)]
pub struct Page {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Where the next part begins: id and time of the last job of this one.
    pub next: Option<(String, String)>,
}

impl JobTable {
    /// A table by its name.
    pub fn new(connection: &Connection, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
        }
    }

    /// A new job on a condition, as a part of a transaction.
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

    /// A change of a job, as a part of a transaction.
    pub(crate) fn update(&self, id: &JobId, change: &Change) -> Result<Update, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .key("id", text(id.as_str()));
        expressed!(update, change)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(StoreError::unreadable)
    }

    /// A job as it is now.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn get(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let got = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("id", text(id.as_str()))
            .consistent_read(true);
        let item = got.send().await.map_err(sorted)?.item;
        item.filter(|item| tombstone(item).is_none())
            .map(read)
            .transpose()
    }

    /// Carries a change out in one step, without a read before.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn change(&self, id: &JobId, change: &Change) -> Result<Changed, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(id.as_str()));
        let updated = expressed!(update, change)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match past_conflicts(|| updated.clone().send()).await {
            Ok(updated) => Ok(Changed::Yes(Box::new(read(
                updated.attributes.unwrap_or_default(),
            )?))),
            Err(why) => match why.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(there)) => match there.item()
                {
                    Some(item) if !item.is_empty() && tombstone(item).is_none() => {
                        Ok(Changed::No(Box::new(read(item.clone())?)))
                    }
                    _ => Ok(Changed::Gone),
                },
                _ => Err(sorted(why)),
            },
        }
    }

    /// An owner's jobs, newest first, from `after` on; `limit` at most, and fewer where most of them are of another status: then the
    /// next part goes on.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn list(
        &self,
        owner: &Owner,
        status: Option<Status>,
        limit: usize,
        mut after: Option<(String, String)>,
    ) -> Result<Page, StoreError> {
        let mut jobs: Vec<Job> = Vec::new();
        for _ in 0..MOST_QUERIES {
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

    /// The next jobs of an owner, and whether there may be more.
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
            .limit(QUERIED_AT_ONCE)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(sorted)?;
        let jobs: Result<Vec<Job>, _> = part
            .items
            .unwrap_or_default()
            .into_iter()
            .map(read)
            .collect();
        Ok((jobs?, part.last_evaluated_key.is_some()))
    }

    /// Where jobs stand at this moment, by their ids; those that are not there are left out.
    pub(crate) async fn standing<'a>(
        &self,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<HashMap<String, Standing>, StoreError> {
        let ids: BTreeSet<&str> = ids.collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut standing = HashMap::new();
        for some in ids.chunks(READ_AT_ONCE) {
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
            let mut wanted = HashMap::from([(self.table.clone(), keys)]);
            // a part may be left out, so that it is asked for again
            while !wanted.is_empty() {
                let got = self.client.batch_get_item().set_request_items(Some(wanted));
                let got = got.send().await.map_err(sorted)?;
                for item in got
                    .responses
                    .into_iter()
                    .flatten()
                    .flat_map(|(_, items)| items)
                {
                    let id = item.get("id").and_then(|id| id.as_s().ok()).cloned();
                    let job = serde_dynamo::from_item(item).map_err(StoreError::unreadable)?;
                    standing.extend(id.map(|id| (id, job)));
                }
                wanted = got.unprocessed_keys.unwrap_or_default();
            }
        }
        Ok(standing)
    }

    /// Takes a job's record away; `false` if it is gone or at another attempt. What stays until `until`, in seconds since 1970, is its
    /// last attempt: Step Functions knows the names of its executions for 90 days. It is found by [`JobTable::deleted`] until it is swept.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn delete(&self, job: &Job, now: Timestamp, until: i64) -> Result<bool, StoreError> {
        let tombstone = Tombstone {
            id: job.id.clone(),
            attempt: job.attempt,
            expires_at: until,
            sweep: Some(DUE.to_owned()),
            deleted_at: Some(now.to_string()),
            upload: UploadUse::of(job),
        };
        let deleted = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(
                serde_dynamo::to_item(tombstone).map_err(StoreError::unreadable)?,
            ))
            .condition_expression("#owner = :owner AND attempt = :attempt")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(job.owner.as_str()))
            .expression_attribute_values(":attempt", number(job.attempt.into()));
        match past_conflicts(|| deleted.clone().send()).await {
            Ok(_) => Ok(true),
            Err(why) => match why.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(sorted(why)),
            },
        }
    }

    /// Opens the connection before anybody waits for it, with a change that can never happen.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn warm(&self) -> Result<(), StoreError> {
        // no id has a slash, so there is no such job
        let never = Change {
            when: vec![Condition::Exists],
            add: vec![("attempt", 0)],
            ..Change::default()
        };
        let asked = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text("/"));
        match expressed!(asked, &never).send().await {
            Err(why)
                if !matches!(
                    why.as_service_error(),
                    Some(UpdateItemError::ConditionalCheckFailedException(_))
                ) =>
            {
                Err(sorted(why))
            }
            _ => Ok(()),
        }
    }
}

/// A job as a record of the table's stream shows it; what is left of a deleted one is none.
pub fn job_of_image(image: &serde_json::Value) -> Option<Job> {
    let item: serde_dynamo::Item = serde_json::from_value(image.clone()).ok()?;
    serde_dynamo::from_item(item).ok()
}

/// Where a job stands; what is left of a deleted one has no status.
#[derive(Debug, Deserialize)]
pub(crate) struct Standing {
    #[serde(default)]
    pub(crate) status: Option<Status>,
}

/// What is left of a deleted job.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tombstone {
    pub(crate) id: JobId,
    pub(crate) attempt: u32,
    expires_at: i64,
    /// Says that what its workers may have stored after the deletion has not been looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sweep: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<String>,
    /// What it was made from, until it has been swept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upload: Option<UploadUse>,
}

/// Every job has an owner, what is left of one has none.
pub(crate) fn tombstone(item: &Item) -> Option<Tombstone> {
    if item.contains_key("owner") {
        return None;
    }
    serde_dynamo::from_item(item.clone()).ok()
}

/// A job that was there: the very one, where an answer was lost on the way and the SDK asked again.
pub(crate) fn created(there: Job, job: &Job) -> Created {
    if there == *job {
        Created::New(Box::new(there))
    } else {
        Created::Existing(Box::new(there))
    }
}

pub(crate) fn read(item: Item) -> Result<Job, StoreError> {
    serde_dynamo::from_item(item).map_err(StoreError::unreadable)
}
