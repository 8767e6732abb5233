//! The table of admissions: which jobs of an owner are under way. It changes in one transaction with the job, so that there are never more
//! of them than may be; who has ended is looked up in the jobs themselves when there is no room.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use domain::{AUTOMATIC_ATTEMPTS, Change, Job, JobId, Owner, Status};

use crate::{
    Changed, Connection, Created, JobTable, StoreError, UploadTable, UploadUse,
    conflicts::{Transacted, past_conflicts, pauses, transacted},
    error::{happened, sorted},
    jobs::{Standing, created, read, tombstone},
    value::{number, text},
};

/// The table of admissions: for each owner a set of entries such as `{job_id}#{attempt}`, the attempt being the one that a person's wish
/// began. It fences the removal of an entry: one that has ended is never taken for a later wish about the same job.
#[derive(Debug, Clone)]
pub struct Admissions {
    client: Client,
    table: String,
    jobs: JobTable,
}

/// What became of a job's write.
enum Written {
    Yes,
    /// Its condition does not hold; what is there.
    Refused(HashMap<String, AttributeValue>),
    /// The owner has as many jobs under way as may be.
    Full,
    /// The upload that the job is made from cannot be used.
    NoUpload,
}

impl Admissions {
    /// A table by its name, and the jobs that it is about.
    pub fn new(connection: &Connection, table: impl Into<String>, jobs: JobTable) -> Self {
        Self {
            client: Client::new(&connection.config),
            table: table.into(),
            jobs,
        }
    }

    /// Writes a new job, unless one of its id is there; none if its owner has `most` under way. The id of a deleted job goes on where that
    /// one ended: its attempts have executions.
    ///
    /// # Errors
    /// When a table does not answer or refuses.
    pub async fn create(&self, job: &Job, most: u32) -> Result<Option<Created>, StoreError> {
        self.create_with(job, None, most).await
    }

    /// The same, and notes that the job uses the upload that it is made from, if it is made from one.
    ///
    /// # Errors
    /// When a table does not answer or refuses.
    pub async fn create_from_upload(
        &self,
        job: &Job,
        uploads: &UploadTable,
        most: u32,
    ) -> Result<Option<Created>, StoreError> {
        let uses = match UploadUse::of(job) {
            Some(of) => Some(uploads.begin_use(&of)?),
            None => None,
        };
        self.create_with(job, uses, most).await
    }

    async fn create_with(
        &self,
        job: &Job,
        uses: Option<Update>,
        most: u32,
    ) -> Result<Option<Created>, StoreError> {
        let put = self.jobs.put(job, "attribute_not_exists(id)", None)?;
        let there = match self.put(job, put, uses.clone(), most).await? {
            Written::Yes => return Ok(Some(Created::New(Box::new(job.clone())))),
            Written::Full => return self.there(job).await,
            Written::NoUpload => return Ok(Some(Created::NoUpload)),
            Written::Refused(there) => there,
        };
        let Some(deleted) = tombstone(&there) else {
            return Ok(Some(created(read(there)?, job)));
        };
        let job = Job {
            attempt: deleted.attempt + 1,
            ..job.clone()
        };
        let is_gone = "attempt = :deleted AND attribute_not_exists(#owner)";
        let put = self.jobs.put(&job, is_gone, Some(deleted.attempt))?;
        match self.put(&job, put, uses, most).await? {
            Written::Yes => Ok(Some(Created::New(Box::new(job)))),
            Written::Full => self.there(&job).await,
            Written::NoUpload => Ok(Some(Created::NoUpload)),
            Written::Refused(there) => Ok(Some(created(read(there)?, &job))),
        }
    }

    /// The job of this id, if it is there already: then it is no matter how many there are.
    async fn there(&self, job: &Job) -> Result<Option<Created>, StoreError> {
        let there = self.jobs.get(&job.id).await?;
        Ok(there.map(|there| created(there, job)))
    }

    /// Begins another attempt of a job that is at its end, by a change which says so; none if its owner has `most` jobs under way.
    ///
    /// # Errors
    /// When a table does not answer or refuses.
    pub async fn again(
        &self,
        job: &Job,
        change: &Change,
        most: u32,
    ) -> Result<Option<Changed>, StoreError> {
        let Some(next) = changed(job, change)? else {
            return Ok(Some(Changed::No(Box::new(job.clone()))));
        };
        let update = self.jobs.update(&job.id, change)?;
        let update = TransactWriteItem::builder().update(update).build();
        match self.write(&next, update, None, most).await? {
            Written::Yes => Ok(Some(Changed::Yes(Box::new(next)))),
            Written::Refused(there) if there.is_empty() || tombstone(&there).is_some() => {
                Ok(Some(Changed::Gone))
            }
            Written::Refused(there) => Ok(Some(Changed::No(Box::new(read(there)?)))),
            // another attempt uses what the job was made from already
            Written::Full | Written::NoUpload => {
                // the room may be taken by the same wish about this very job
                let now = self.jobs.get(&job.id).await?;
                let moved = now.filter(|now| now.attempt != job.attempt);
                Ok(moved.map(|now| Changed::No(Box::new(now))))
            }
        }
    }

    /// Frees the place of a job whose attempt, the current one, is at its end; nothing happens if it is free.
    ///
    /// # Errors
    /// When the table does not answer or refuses.
    pub async fn release(&self, job: &Job) -> Result<(), StoreError> {
        // the wish began this attempt, or one of those that this one followed by itself
        let first = job.attempt.saturating_sub(AUTOMATIC_ATTEMPTS - 1);
        let entries = (first..=job.attempt).map(|attempt| entry(&job.id, attempt));
        self.remove(&job.owner, entries.collect()).await
    }

    async fn put(
        &self,
        job: &Job,
        put: Put,
        uses: Option<Update>,
        most: u32,
    ) -> Result<Written, StoreError> {
        let put = TransactWriteItem::builder().put(put).build();
        self.write(job, put, uses, most).await
    }

    /// Takes a place, notes the use of an upload and writes the job, all or nothing. The job comes last: that it is there already outweighs
    /// whatever else is refused.
    async fn write(
        &self,
        job: &Job,
        write: TransactWriteItem,
        uses: Option<Update>,
        most: u32,
    ) -> Result<Written, StoreError> {
        let uses = uses.map(|update| TransactWriteItem::builder().update(update).build());
        let last = 1 + usize::from(uses.is_some());
        for pause in pauses() {
            let items = [self.place(job, most)?].into_iter().chain(uses.clone());
            let writes = self.client.transact_write_items();
            let writes = writes.set_transact_items(Some(items.chain([write.clone()]).collect()));
            match transacted(writes.send().await)? {
                Transacted::Yes => return Ok(Written::Yes),
                Transacted::Refused { at: 0, .. } => {
                    if !self.heal(&job.owner).await? {
                        return Ok(Written::Full);
                    }
                }
                Transacted::Refused { at, .. } if at < last => return Ok(Written::NoUpload),
                Transacted::Refused { there, .. } => return Ok(Written::Refused(there)),
                Transacted::Conflict => tokio::time::sleep(pause).await,
            }
        }
        let busy = "the owner's jobs change all the time";
        Err(StoreError::Busy(busy.to_owned()))
    }

    /// An entry for a job, if there is room. One that is there by the same name is of a job that is long gone: it is removed first.
    fn place(&self, job: &Job, most: u32) -> Result<TransactWriteItem, StoreError> {
        let entry = entry(&job.id, job.attempt);
        let update = Update::builder()
            .table_name(&self.table)
            .key("owner", text(job.owner.as_str()))
            .update_expression("ADD active :entries")
            .condition_expression(
                "attribute_not_exists(active) OR (size(active) < :most AND NOT contains(active, :entry))",
            )
            .expression_attribute_values(":entry", text(&entry))
            .expression_attribute_values(":entries", AttributeValue::Ss(vec![entry]))
            .expression_attribute_values(":most", number(most.into()));
        let update = update.build().map_err(StoreError::unreadable)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Removes the entries of jobs that are at their end or gone; `false` if there are none.
    async fn heal(&self, owner: &Owner) -> Result<bool, StoreError> {
        let entries = self.entries(owner).await?;
        let ids = entries.iter().filter_map(|entry| parts(entry));
        let standing = self.jobs.standing(ids.map(|(id, _)| id)).await?;
        let ended: Vec<String> = entries
            .iter()
            .filter(|entry| !is_held(entry, &entries, &standing))
            .cloned()
            .collect();
        let some = !ended.is_empty();
        if some {
            self.remove(owner, ended).await?;
        }
        Ok(some)
    }

    async fn entries(&self, owner: &Owner) -> Result<Vec<String>, StoreError> {
        let got = self.client.get_item().table_name(&self.table);
        let got = got.key("owner", text(owner.as_str())).consistent_read(true);
        let mut item = got.send().await.map_err(sorted)?.item.unwrap_or_default();
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
        happened(past_conflicts(|| update.clone().send()).await).map(drop)
    }
}

fn entry(id: &JobId, attempt: u32) -> String {
    format!("{id}#{attempt}")
}

fn parts(entry: &str) -> Option<(&str, u32)> {
    let (id, attempt) = entry.rsplit_once('#')?;
    Some((id, attempt.parse().ok()?))
}

/// Whether an entry stands for a job that is under way: of several of one job, the newest does.
fn is_held(entry: &str, entries: &[String], standing: &HashMap<String, Standing>) -> bool {
    let Some((id, attempt)) = parts(entry) else {
        return false;
    };
    let newest = entries
        .iter()
        .filter_map(|other| parts(other))
        .filter(|(other, _)| *other == id)
        .map(|(_, attempt)| attempt)
        .max();
    let active = standing.get(id).is_some_and(|job| !job.is_at_its_end());
    active && newest == Some(attempt)
}

/// The job as a change makes it; none if the change is not for a job like this.
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

impl Standing {
    fn is_at_its_end(&self) -> bool {
        self.status.is_none_or(Status::is_terminal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_entry_of_a_job_under_way_is_held() {
        let entries = ["a#1", "a#4", "b#1", "c#1", "gone#1", "nonsense"].map(str::to_owned);
        let standing = |status| Standing { status };
        let jobs = HashMap::from([
            ("a".to_owned(), standing(Some(Status::Running))),
            ("b".to_owned(), standing(Some(Status::Queued))),
            ("c".to_owned(), standing(Some(Status::Failed))),
            // what is left of a deleted one has no status
            ("gone".to_owned(), standing(None)),
        ]);
        let held = entries
            .iter()
            .filter(|entry| is_held(entry, &entries, &jobs));
        assert_eq!(held.collect::<Vec<_>>(), ["a#4", "b#1"]);
    }
}
