//! The job table: one item a job, changed under conditions alone.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, Select},
};
use domain::{Change, Condition, Job, JobId, Owner, Status};
use serde::{Deserialize, Serialize};

use crate::{
    Connection, StoreError,
    error::sorted,
    expression::Expression,
    value::{number, text},
};

/// Jobs read by one query of a list, and most queries for one part of it.
const QUERIED_AT_ONCE: i32 = 100;
const MOST_QUERIES: usize = 10;

type Item = HashMap<String, AttributeValue>;

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

    /// Writes a new job, unless one of its id is there. The id of a deleted job goes on where that one ended: its attempts have executions.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn create(&self, job: &Job) -> Result<Created, StoreError> {
        let Err(there) = self.put_new(job, "attribute_not_exists(id)", None).await? else {
            return Ok(Created::New(Box::new(job.clone())));
        };
        let Some(deleted) = tombstone(&there) else {
            return Ok(created(read(there)?, job));
        };
        let job = Job {
            attempt: deleted.attempt + 1,
            ..job.clone()
        };
        let is_gone = "attempt = :deleted AND attribute_not_exists(#owner)";
        match self.put_new(&job, is_gone, Some(deleted.attempt)).await? {
            Ok(()) => Ok(Created::New(Box::new(job))),
            Err(there) => Ok(created(read(there)?, &job)),
        }
    }

    /// Puts a job on a condition; gives what is there where it does not hold.
    async fn put_new(
        &self,
        job: &Job,
        condition: &str,
        deleted: Option<u32>,
    ) -> Result<Result<(), Item>, StoreError> {
        let item = serde_dynamo::to_item(job).map_err(StoreError::unreadable)?;
        let put = self
            .client
            .put_item()
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
        match put.send().await {
            Ok(_) => Ok(Ok(())),
            Err(why) => match why.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(there)) => {
                    Ok(Err(there.item().cloned().unwrap_or_default()))
                }
                _ => Err(sorted(why)),
            },
        }
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
        let Expression {
            update,
            condition,
            names,
            values,
        } = Expression::of(change)?;
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(id.as_str()))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match updated {
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

    /// How many jobs of an owner are not at their end, a moment ago; it counts `most` at most.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn active(&self, owner: &Owner, most: u32) -> Result<u32, StoreError> {
        let counted = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("owner-active")
            .key_condition_expression("active_owner = :owner")
            .expression_attribute_values(":owner", text(owner.as_str()))
            .select(Select::Count)
            .limit(most as i32)
            .send()
            .await;
        Ok(counted.map_err(sorted)?.count as u32)
    }

    /// Takes a job's record away; `false` if it is gone or at another attempt. What stays until `until`, in seconds since 1970, is its
    /// last attempt: Step Functions knows the names of its executions for 90 days.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn delete(&self, job: &Job, until: i64) -> Result<bool, StoreError> {
        let tombstone = Tombstone {
            id: job.id.clone(),
            attempt: job.attempt,
            expires_at: until,
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
            .expression_attribute_values(":attempt", number(job.attempt.into()))
            .send()
            .await;
        match deleted {
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
        let Expression {
            update,
            condition,
            names,
            values,
        } = Expression::of(&never)?;
        let asked = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text("/"))
            .update_expression(update);
        let asked = asked
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names));
        match asked
            .set_expression_attribute_values(Some(values))
            .send()
            .await
        {
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

/// What is left of a deleted job.
#[derive(Debug, Serialize, Deserialize)]
struct Tombstone {
    id: JobId,
    attempt: u32,
    expires_at: i64,
}

/// Every job has an owner, what is left of one has none.
fn tombstone(item: &Item) -> Option<Tombstone> {
    if item.contains_key("owner") {
        return None;
    }
    serde_dynamo::from_item(item.clone()).ok()
}

/// A job that was there: the very one, where an answer was lost on the way and the SDK asked again.
fn created(there: Job, job: &Job) -> Created {
    if there == *job {
        Created::New(Box::new(there))
    } else {
        Created::Existing(Box::new(there))
    }
}

fn read(item: Item) -> Result<Job, StoreError> {
    serde_dynamo::from_item(item).map_err(StoreError::unreadable)
}
