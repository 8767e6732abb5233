//! `sweep-jobs`: once an hour, deletes what was stored for deleted jobs after their deletion.

use aws::{Bucket, Connection, DeliveryTable, JobTable, StoreError, TimeoutProfile, UploadTable};
use domain::{JobId, Timestamp};
use futures_util::{StreamExt, stream};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;
use tracing::Instrument;

use crate::{
    config::Settings,
    http::now,
    leftovers::{delete_leftovers_and_deliveries, delete_upload},
};

/// After this time no worker of a deleted job is left: a task is stopped after 6 h at the latest.
const LONGEST_ATTEMPT_MS: i64 = 7 * 3600 * 1000;
/// Jobs of one run; the next run continues.
const MAX_JOBS: i32 = 1000;
const MAX_CONCURRENT: usize = 8;

/// What the function has access to.
#[derive(Debug)]
pub struct SweepJobs {
    /// Records of deleted jobs.
    pub jobs: JobTable,
    /// Uploads, which are deleted with their last job.
    pub uploads: UploadTable,
    /// Objects of jobs.
    pub bucket: Bucket,
    /// Callback deliveries.
    pub deliveries: DeliveryTable,
}

/// The result of a run.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Swept {
    /// Deleted jobs of which nothing is left.
    pub jobs: usize,
    /// Objects that were deleted.
    pub objects: usize,
}

/// Runs the function.
///
/// # Errors
/// When a setting is missing or the runtime ends.
pub async fn serve(settings: Settings) -> Result<(), Error> {
    let connection = Connection::open(TimeoutProfile::Function).await;
    let function = SweepJobs {
        jobs: JobTable::new(&connection, settings.jobs_table()?),
        uploads: UploadTable::new(&connection, settings.uploads_table()?),
        bucket: Bucket::new(&connection, settings.bucket()?),
        deliveries: DeliveryTable::new(&connection, settings.deliveries_table()?),
    };
    let function = &function;
    lambda_runtime::run(service_fn(|_: LambdaEvent<Value>| async move {
        function.sweep(now()).await.map_err(Error::from)
    }))
    .await
}

impl SweepJobs {
    /// Deletes what is left of the jobs whose last worker must have ended.
    ///
    /// # Errors
    /// When the store is unavailable: the next run finds the remaining jobs.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept, StoreError> {
        let before = Timestamp::from_ms(now.as_ms() - LONGEST_ATTEMPT_MS);
        let due = self.jobs.list_deleted(before, MAX_JOBS).await?;
        let swept = stream::iter(due).map(|id| async move {
            let span = tracing::info_span!("job", job_id = %id);
            self.sweep_one(&id).instrument(span).await
        });
        let swept: Vec<_> = swept.buffer_unordered(MAX_CONCURRENT).collect().await;
        // a failure must not keep the other jobs from being swept
        let objects: Result<Vec<usize>, StoreError> = swept.into_iter().collect();
        let objects = objects
            .inspect_err(|why| tracing::error!(%why, "sweep incomplete; the next run continues"))?;
        Ok(Swept {
            jobs: objects.len(),
            objects: objects.iter().sum(),
        })
    }

    async fn sweep_one(&self, id: &JobId) -> Result<usize, StoreError> {
        let left = delete_leftovers_and_deliveries(&self.jobs, &self.bucket, &self.deliveries, id);
        let objects = left.await?;
        let upload = self.jobs.upload_of_deleted_job(id).await?;
        delete_upload(&self.uploads, &self.bucket, upload.as_ref()).await?;
        self.jobs.mark_swept(id).await?;
        Ok(objects)
    }
}
