//! Edited plans: checked, stored with the job, and used by the next attempt.

use aws::ChangeResult;
use domain::{InvalidPlan, Job, JobId, Owner, Plan, keys, limits::MAX_PLAN_BYTES};
use lambda_http::{Body, Request, Response, http::StatusCode};
use sha2::{Digest, Sha256};

use super::ManageJobs;
use crate::{
    api::jobs::JobView,
    http::{Problem, body, json_response, now, parse},
};

impl ManageJobs {
    pub(super) async fn edit_plan(
        &self,
        request: &Request,
        owner: &Owner,
        id: &JobId,
    ) -> Result<Response<Body>, Problem> {
        let job = self.find(owner, id).await?;
        let bytes = body(request, MAX_PLAN_BYTES)?;
        let plan: Plan = parse(bytes)?;
        // the duration of a source that has not been probed is unknown; the worker checks again
        plan.check(job.source.duration_ms.unwrap_or(u64::MAX))
            .and_then(|()| plan.check_edited())
            .map_err(|why| invalid_plan(&why))?;
        let name = name_of(bytes, &job);
        let change = job.edit_plan(&name, now());
        if !job.status.is_terminal() {
            return Err(job_is_active());
        }
        self.check_source(&job).await?;
        let key = keys::in_job(id, &keys::edited_plan(&name));
        self.bucket.write(&key, bytes.to_vec()).await?;
        // over the limit of active jobs the plan stays for the next request, and is deleted with the job
        let refused = match self.start_attempt(&job, &change).await? {
            ChangeResult::Applied(job) => {
                return Ok(json_response(StatusCode::ACCEPTED, &JobView::plain(*job)));
            }
            // a repeated request whose first response was lost
            ChangeResult::Rejected(now) if now.edited_plan.as_ref() == Some(&name) => {
                return if now.is_next_attempt_of(&job) {
                    Ok(json_response(StatusCode::ACCEPTED, &JobView::plain(*now)))
                } else {
                    Err(job_is_active())
                };
            }
            ChangeResult::Rejected(_) => job_is_active(),
            ChangeResult::NotFound => Problem::NotFound("job"),
        };
        // no later request writes a plan of this name: its attempt has started without it
        self.bucket.delete(&[key]).await?;
        Err(refused)
    }

    /// Checks that the uploaded source of a job still exists. A source on the web is checked by the attempt itself; if it is gone, the owner
    /// keeps the
    /// existing clips.
    pub(super) async fn check_source(&self, job: &Job) -> Result<(), Problem> {
        let Some(upload) = &job.source.upload_key else {
            return Ok(());
        };
        let own = keys::in_job(&job.id, keys::SOURCE_PREFIX);
        if !self.bucket.list(&own).await?.is_empty() || self.bucket.exists(upload).await? {
            return Ok(());
        }
        Err(Problem::Conflict {
            code: "source_gone",
            message: "the uploaded source has expired; upload it again and submit a new job"
                .to_owned(),
        })
    }
}

/// Names a plan by its content and its attempt, so that of two concurrent edits each has its own object: the attempt reads the one that it was
/// queued with, and the other can be deleted.
fn name_of(plan: &[u8], job: &Job) -> String {
    let hash = hex::encode(&Sha256::digest(plan)[..16]);
    format!("{hash}-{}", job.attempt + 1)
}

fn job_is_active() -> Problem {
    let message =
        "the job is queued or running; cancel it or wait for it to finish before you edit its plan"
            .to_owned();
    Problem::Conflict {
        code: "job_under_way",
        message,
    }
}

fn invalid_plan(why: &InvalidPlan) -> Problem {
    let field = match why {
        InvalidPlan::Clip { clip, .. } => format!("clips[{clip}]"),
        InvalidPlan::Version(_) => "version".to_owned(),
        _ => "clips".to_owned(),
    };
    Problem::invalid(field, why.to_string())
}
