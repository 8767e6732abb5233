//! The table of admissions: the active jobs of each owner. It changes in one transaction with the job, so that the limit always holds; entries
//! of ended jobs are removed when an owner reaches the limit.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use domain::{AUTOMATIC_ATTEMPTS, Change, Job, JobId, Owner, Status};

use crate::{
    ChangeResult, Connection, Created, JobTable, StoreError, UploadTable, UploadUse,
    conflicts::{Transaction, classify_transaction, retry_delays, retry_on_conflict},
    error::{classify, is_applied},
    jobs::{StatusRecord, created, read, tombstone},
    value::{number, text},
};

/// The table of admissions: for each owner a set of entries `{job_id}#{attempt}`, with the attempt that the submission, retry or edit
/// started. The attempt fences the removal of an entry against a later retry of the same job.
#[derive(Debug, Clone)]
pub struct Admissions {
    client: Client,
    table: String,
    jobs: JobTable,
}

/// The result of writing a job.
enum Written {
    Committed,
    /// The job's condition does not hold; the existing item.
    Rejected(HashMap<String, AttributeValue>),
    /// The owner has reached the limit of active jobs.
    Full,
    /// The job's upload cannot be used.
    NoUpload,
}

impl Admissions {
    /// Opens a table by its name, together with the job table.
    pub fn new(connection: &Connection, table: impl Into<String>, jobs: JobTable) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
            jobs,
        }
    }

    /// Creates a job, unless its id exists; `None` if its owner has `max` active jobs. A job with the id of a deleted one continues its
    /// attempt numbers, since the executions of those attempts exist.
    ///
    /// # Errors
    /// When a table cannot be reached or rejects the call.
    pub async fn create(&self, job: &Job, max: u32) -> Result<Option<Created>, StoreError> {
        self.create_with(job, None, max).await
    }

    /// Creates a job like [`Admissions::create`] and records its use of an upload, if its source is one.
    ///
    /// # Errors
    /// When a table cannot be reached or rejects the call.
    pub async fn create_from_upload(
        &self,
        job: &Job,
        uploads: &UploadTable,
        max: u32,
    ) -> Result<Option<Created>, StoreError> {
        let uses = match UploadUse::of(job) {
            Some(of) => Some(uploads.begin_use(&of)?),
            None => None,
        };
        self.create_with(job, uses, max).await
    }

    async fn create_with(
        &self,
        job: &Job,
        uses: Option<Update>,
        max: u32,
    ) -> Result<Option<Created>, StoreError> {
        let put = self.jobs.put(job, "attribute_not_exists(id)", None)?;
        let existing = match self.put(job, put, uses.clone(), max).await? {
            Written::Committed => return Ok(Some(Created::New(Box::new(job.clone())))),
            Written::Full => return self.existing(job).await,
            Written::NoUpload => return Ok(Some(Created::NoUpload)),
            Written::Rejected(existing) => existing,
        };
        let Some(deleted) = tombstone(&existing) else {
            return Ok(Some(created(read(existing)?, job)));
        };
        let job = Job {
            attempt: deleted.attempt + 1,
            ..job.clone()
        };
        let is_gone = "attempt = :deleted AND attribute_not_exists(#owner)";
        let put = self.jobs.put(&job, is_gone, Some(deleted.attempt))?;
        match self.put(&job, put, uses, max).await? {
            Written::Committed => Ok(Some(Created::New(Box::new(job)))),
            Written::Full => self.existing(&job).await,
            Written::NoUpload => Ok(Some(Created::NoUpload)),
            Written::Rejected(existing) => Ok(Some(created(read(existing)?, &job))),
        }
    }

    /// Returns the job of this id, if it exists: the limit does not matter then.
    async fn existing(&self, job: &Job) -> Result<Option<Created>, StoreError> {
        let existing = self.jobs.get(&job.id).await?;
        Ok(existing.map(|existing| created(existing, job)))
    }

    /// Starts another attempt of an ended job by applying `change`; `None` if its owner has `max` active jobs.
    ///
    /// # Errors
    /// When a table cannot be reached or rejects the call.
    pub async fn restart(
        &self,
        job: &Job,
        change: &Change,
        max: u32,
    ) -> Result<Option<ChangeResult>, StoreError> {
        let Some(next) = changed(job, change)? else {
            return Ok(Some(ChangeResult::Rejected(Box::new(job.clone()))));
        };
        let update = self.jobs.update(&job.id, change)?;
        let update = TransactWriteItem::builder().update(update).build();
        match self.write(&next, update, None, max).await? {
            Written::Committed => Ok(Some(ChangeResult::Applied(Box::new(next)))),
            Written::Rejected(existing)
                if existing.is_empty() || tombstone(&existing).is_some() =>
            {
                Ok(Some(ChangeResult::NotFound))
            }
            Written::Rejected(existing) => {
                Ok(Some(ChangeResult::Rejected(Box::new(read(existing)?))))
            }
            // a restart records no use of an upload: the job already has it
            Written::Full | Written::NoUpload => {
                // a concurrent request may have restarted this very job
                let now = self.jobs.get(&job.id).await?;
                let restarted = now.filter(|now| now.attempt != job.attempt);
                Ok(restarted.map(|now| ChangeResult::Rejected(Box::new(now))))
            }
        }
    }

    /// Removes the entry of a job whose current attempt has ended, if there is one.
    ///
    /// # Errors
    /// When the table cannot be reached or rejects the call.
    pub async fn release(&self, job: &Job) -> Result<(), StoreError> {
        // the entry names this attempt, or an earlier one that it follows automatically
        let first = job.attempt.saturating_sub(AUTOMATIC_ATTEMPTS - 1);
        let entries = (first..=job.attempt).map(|attempt| entry(&job.id, attempt));
        self.remove(&job.owner, entries.collect()).await
    }

    async fn put(
        &self,
        job: &Job,
        put: Put,
        uses: Option<Update>,
        max: u32,
    ) -> Result<Written, StoreError> {
        let put = TransactWriteItem::builder().put(put).build();
        self.write(job, put, uses, max).await
    }

    /// Adds the entry, records the use of an upload and writes the job in one transaction. The job comes last, since its rejection takes
    /// precedence over the others.
    async fn write(
        &self,
        job: &Job,
        write: TransactWriteItem,
        uses: Option<Update>,
        max: u32,
    ) -> Result<Written, StoreError> {
        let uses = uses.map(|update| TransactWriteItem::builder().update(update).build());
        let last = 1 + usize::from(uses.is_some());
        for delay in retry_delays() {
            let items = [self.admit(job, max)?].into_iter().chain(uses.clone());
            let writes = self.client.transact_write_items();
            let writes = writes.set_transact_items(Some(items.chain([write.clone()]).collect()));
            match classify_transaction(writes.send().await)? {
                Transaction::Committed => return Ok(Written::Committed),
                Transaction::Rejected { index: 0, .. } => {
                    if !self.remove_ended(&job.owner).await? {
                        return Ok(Written::Full);
                    }
                }
                Transaction::Rejected { index, .. } if index < last => {
                    return Ok(Written::NoUpload);
                }
                Transaction::Rejected { existing, .. } => return Ok(Written::Rejected(existing)),
                Transaction::Conflict => tokio::time::sleep(delay).await,
            }
        }
        let busy = "too many concurrent changes of the owner's jobs";
        Err(StoreError::Unavailable(busy.to_owned()))
    }

    /// Builds the update that adds an entry within the limit. An equal entry belongs to a deleted job and has to be removed first.
    fn admit(&self, job: &Job, max: u32) -> Result<TransactWriteItem, StoreError> {
        let entry = entry(&job.id, job.attempt);
        let update = Update::builder()
            .table_name(&self.table)
            .key("owner", text(job.owner.as_str()))
            .update_expression("ADD active :entries")
            .condition_expression(
                "attribute_not_exists(active) OR (size(active) < :max AND NOT contains(active, :entry))",
            )
            .expression_attribute_values(":entry", text(&entry))
            .expression_attribute_values(":entries", AttributeValue::Ss(vec![entry]))
            .expression_attribute_values(":max", number(max.into()));
        let update = update.build().map_err(StoreError::unreadable)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Removes the entries of ended and deleted jobs; `false` if there are none.
    async fn remove_ended(&self, owner: &Owner) -> Result<bool, StoreError> {
        let entries = self.entries(owner).await?;
        let ids = entries.iter().filter_map(|entry| parts(entry));
        let statuses = self.jobs.statuses(ids.map(|(id, _)| id)).await?;
        let ended: Vec<String> = entries
            .iter()
            .filter(|entry| !is_active(entry, &entries, &statuses))
            .cloned()
            .collect();
        let has_ended = !ended.is_empty();
        if has_ended {
            self.remove(owner, ended).await?;
        }
        Ok(has_ended)
    }

    async fn entries(&self, owner: &Owner) -> Result<Vec<String>, StoreError> {
        let got = self.client.get_item().table_name(&self.table);
        let got = got.key("owner", text(owner.as_str())).consistent_read(true);
        let mut item = got.send().await.map_err(classify)?.item.unwrap_or_default();
        let entries = item.remove("active");
        Ok(entries
            .and_then(|entries| entries.as_ss().cloned().ok())
            .unwrap_or_default())
    }

    async fn remove(&self, owner: &Owner, entries: Vec<String>) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("owner", text(owner.as_str()))
            .update_expression("DELETE active :entries")
            .condition_expression("attribute_exists(active)")
            .expression_attribute_values(":entries", AttributeValue::Ss(entries));
        is_applied(retry_on_conflict(|| update.clone().send()).await).map(drop)
    }
}

fn entry(id: &JobId, attempt: u32) -> String {
    format!("{id}#{attempt}")
}

fn parts(entry: &str) -> Option<(&str, u32)> {
    let (id, attempt) = entry.rsplit_once('#')?;
    Some((id, attempt.parse().ok()?))
}

/// Returns whether an entry stands for an active job: of several entries of one job, only the newest does.
fn is_active(entry: &str, entries: &[String], statuses: &HashMap<String, StatusRecord>) -> bool {
    let Some((id, attempt)) = parts(entry) else {
        return false;
    };
    let newest = entries
        .iter()
        .filter_map(|other| parts(other))
        .filter(|(other, _)| *other == id)
        .map(|(_, attempt)| attempt)
        .max();
    let has_active_job = statuses.get(id).is_some_and(|job| !job.has_ended());
    has_active_job && newest == Some(attempt)
}

/// Applies a change to a job; `None` if its conditions do not hold.
fn changed(job: &Job, change: &Change) -> Result<Option<Job>, StoreError> {
    let record = serde_json::to_value(job).map_err(StoreError::unreadable)?;
    let serde_json::Value::Object(mut record) = record else {
        return Ok(None);
    };
    if !change.apply(&mut record) {
        return Ok(None);
    }
    let job = serde_json::from_value(record.into()).map_err(StoreError::unreadable)?;
    Ok(Some(job))
}

impl StatusRecord {
    fn has_ended(&self) -> bool {
        self.status.is_none_or(Status::is_terminal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_entry_of_an_active_job_counts() {
        let entries = ["a#1", "a#4", "b#1", "c#1", "gone#1", "nonsense"].map(str::to_owned);
        let record = |status| StatusRecord { status };
        let jobs = HashMap::from([
            ("a".to_owned(), record(Some(Status::Running))),
            ("b".to_owned(), record(Some(Status::Queued))),
            ("c".to_owned(), record(Some(Status::Failed))),
            // the tombstone of a deleted job has no status
            ("gone".to_owned(), record(None)),
        ]);
        let active = entries
            .iter()
            .filter(|entry| is_active(entry, &entries, &jobs));
        assert_eq!(active.collect::<Vec<_>>(), ["a#4", "b#1"]);
    }
}
