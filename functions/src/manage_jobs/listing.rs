//! An owner's jobs, newest first, in parts.

use aws::Page;
use domain::{Owner, Status, limits::MOST_LISTED};
use lambda_http::{Body, Request, RequestExt, Response, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::ManageJobs;
use crate::{
    http::{PageBudget, Problem, answer},
    view::JobView,
};

const USUAL: usize = 20;

/// A page of jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobList {
    jobs: Vec<JobView>,
    /// cursor of the next page, `null` on the last
    next_cursor: Option<String>,
}

impl ManageJobs {
    pub(super) async fn list(
        &self,
        request: &Request,
        owner: &Owner,
    ) -> Result<Response<Body>, Problem> {
        let asked = request.query_string_parameters();
        let status = asked.first("status").map(str::parse::<Status>).transpose();
        let names = Status::ALL.map(Status::name).join(", ");
        let status =
            status.map_err(|()| Problem::invalid("status", format!("must be one of {names}")))?;
        let limit = asked.first("limit").map_or(Ok(USUAL), str::parse);
        let limit = limit.ok().filter(|limit| (1..=MOST_LISTED).contains(limit));
        let limit = limit
            .ok_or_else(|| Problem::invalid("limit", format!("must be from 1 to {MOST_LISTED}")))?;
        let after = asked.first("cursor").map(position).transpose()?;
        let page = self.jobs.list(owner, status, limit, after).await?;
        let (jobs, next) = fitting(page);
        let list = JobList {
            jobs,
            next_cursor: next.map(|(id, created_at)| hex::encode(format!("{id} {created_at}"))),
        };
        Ok(answer(StatusCode::OK, &list))
    }
}

/// As many of the jobs as there is room for, at least one, and where the next part begins.
fn fitting(page: Page) -> (Vec<JobView>, Option<(String, String)>) {
    let (mut budget, mut last) = (PageBudget::new(), None);
    let mut jobs = Vec::with_capacity(page.jobs.len());
    for job in page.jobs {
        let place = (job.id.to_string(), job.created_at.to_string());
        let shown = JobView::plain(job);
        if !budget.takes(&shown) {
            return (jobs, last);
        }
        jobs.push(shown);
        last = Some(place);
    }
    (jobs, page.next)
}

/// Where a cursor points to: id and time of a job. Whose jobs are listed never depends on it.
pub(crate) fn position(cursor: &str) -> Result<(String, String), Problem> {
    let text = hex::decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let split = text.as_deref().and_then(|text| text.split_once(' '));
    let known =
        split.filter(|(id, at)| domain::is_plain_id(id) && at.parse::<domain::Timestamp>().is_ok());
    let known = known.map(|(id, at)| (id.to_owned(), at.to_owned()));
    known.ok_or_else(|| Problem::invalid("cursor", "must be a nextCursor returned by this list"))
}
