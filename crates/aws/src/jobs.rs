//! The job table: one item a job, changed under conditions alone.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, update_item::UpdateItemError,
    },
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, Select},
};
use domain::{Change, Condition, Job, JobId, Owner, Status};

use crate::{Connection, StoreError, error::sorted, expression::Expression};

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
    /// The job was not there before.
    New,
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

    /// Writes a new job, unless one of its id is there.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn create(&self, job: &Job) -> Result<Created, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(
                serde_dynamo::to_item(job).map_err(StoreError::unreadable)?,
            ))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match put {
            Ok(_) => Ok(Created::New),
            Err(why) => match why.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(there)) => {
                    let there = read(there.item().cloned().unwrap_or_default())?;
                    // an answer that was lost on the way makes the SDK ask again
                    Ok(if there == *job {
                        Created::New
                    } else {
                        Created::Existing(Box::new(there))
                    })
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
        got.send().await.map_err(sorted)?.item.map(read).transpose()
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
                    Some(item) if !item.is_empty() => {
                        Ok(Changed::No(Box::new(read(item.clone())?)))
                    }
                    _ => Ok(Changed::Gone),
                },
                _ => Err(sorted(why)),
            },
        }
    }

    /// An owner's jobs, newest first, from `after` on; `limit` at most.
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
        loop {
            let start = after.as_ref().map(|(id, created_at)| {
                HashMap::from([
                    ("id".to_owned(), text(id)),
                    ("owner".to_owned(), text(owner.as_str())),
                    ("created_at".to_owned(), text(created_at)),
                ])
            });
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .index_name("owner-created")
                .key_condition_expression("#owner = :owner")
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":owner", text(owner.as_str()))
                .scan_index_forward(false)
                .limit((limit - jobs.len()).max(1) as i32)
                .set_exclusive_start_key(start);
            let query = match status {
                Some(status) => query
                    .filter_expression("#status = :status")
                    .expression_attribute_names("#status", "status")
                    .expression_attribute_values(":status", text(status.name())),
                None => query,
            };
            let part = query.send().await.map_err(sorted)?;
            for item in part.items.unwrap_or_default() {
                jobs.push(read(item)?);
            }
            after = part.last_evaluated_key.and_then(|key| {
                let text = |name: &str| key.get(name).and_then(|value| value.as_s().ok()).cloned();
                text("id").zip(text("created_at"))
            });
            if after.is_none() || jobs.len() >= limit {
                return Ok(Page { jobs, next: after });
            }
        }
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

    /// Takes a job's record away, if it belongs to `owner`; nothing happens if it is gone.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn delete(&self, id: &JobId, owner: &Owner) -> Result<(), StoreError> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("id", text(id.as_str()))
            .condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(owner.as_str()))
            .send()
            .await;
        match deleted {
            Err(why)
                if !matches!(
                    why.as_service_error(),
                    Some(DeleteItemError::ConditionalCheckFailedException(_))
                ) =>
            {
                Err(sorted(why))
            }
            _ => Ok(()),
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

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn read(item: Item) -> Result<Job, StoreError> {
    serde_dynamo::from_item(item).map_err(StoreError::unreadable)
}
