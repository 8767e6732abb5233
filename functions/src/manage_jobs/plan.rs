//! Plans that a person edited: checked, stored beside the job, and put in place by the next attempt.

use aws::Changed;
use domain::{InvalidPlan, JobId, Owner, Plan, keys, limits::PLAN_BYTES};
use lambda_http::{Body, Request, Response, http::StatusCode};
use sha2::{Digest, Sha256};

use super::ManageJobs;
use crate::{
    http::{Problem, answer, body, now, parse},
    view::JobView,
};

impl ManageJobs {
    pub(super) async fn edit_plan(
        &self,
        request: &Request,
        owner: &Owner,
        id: &JobId,
    ) -> Result<Response<Body>, Problem> {
        let job = self.find(owner, id).await?;
        let bytes = body(request, PLAN_BYTES)?;
        let plan: Plan = parse(bytes)?;
        // a source that has not been looked at has any length; the worker checks again
        plan.check(job.source.duration_ms.unwrap_or(u64::MAX))
            .and_then(|()| plan.check_edited())
            .map_err(|why| wrong(&why))?;
        // named by its content, so that of two edits at once each attempt gets the one that it was queued with
        let hash = hex::encode(&Sha256::digest(bytes)[..16]);
        let change = job.edit_plan(&hash, now());
        if !job.status.is_terminal() {
            return Err(under_way());
        }
        self.bucket
            .write(&keys::of_job(id, &keys::edited_plan(&hash)), bytes.to_vec())
            .await?;
        match self.again(&job, &change).await? {
            Changed::Yes(job) => Ok(answer(StatusCode::ACCEPTED, &JobView::plain(*job))),
            // the answer was lost on the way, and it was asked for again
            Changed::No(now) if now.follows(&job) && now.edited_plan.as_ref() == Some(&hash) => {
                Ok(answer(StatusCode::ACCEPTED, &JobView::plain(*now)))
            }
            Changed::No(_) => Err(under_way()),
            Changed::Gone => Err(Problem::NotFound("job")),
        }
    }
}

fn under_way() -> Problem {
    let message =
        "the job is under way; cancel it, or wait for its end, before its plan is changed"
            .to_owned();
    Problem::Conflict {
        code: "job_under_way",
        message,
    }
}

fn wrong(why: &InvalidPlan) -> Problem {
    let field = match why {
        InvalidPlan::Clip { clip, .. } => format!("clips[{clip}]"),
        InvalidPlan::Version(_) => "version".to_owned(),
        _ => "clips".to_owned(),
    };
    Problem::invalid(field, why.to_string())
}
