//! Lists an owner's jobs, newest first, page by page.

use domain::{Owner, Status, limits::MAX_PAGE_ITEMS};
use lambda_http::{Body, Request, RequestExt, Response, http::StatusCode};

use super::ManageJobs;
use crate::{
    api::{
        first_page,
        jobs::{JobList, JobView},
    },
    http::{Problem, json_response},
};

/// Jobs of a page if the request does not say how many.
const DEFAULT_LIMIT: usize = 20;

impl ManageJobs {
    pub(super) async fn list(
        &self,
        request: &Request,
        owner: &Owner,
    ) -> Result<Response<Body>, Problem> {
        let query = request.query_string_parameters();
        let status = query.first("status").map(str::parse::<Status>).transpose();
        let names = Status::ALL.map(Status::name).join(", ");
        let status =
            status.map_err(|()| Problem::invalid("status", format!("must be one of {names}")))?;
        let limit = query.first("limit").map_or(Ok(DEFAULT_LIMIT), str::parse);
        let limit = limit
            .ok()
            .filter(|limit| (1..=MAX_PAGE_ITEMS).contains(limit));
        let limit = limit.ok_or_else(|| {
            Problem::invalid("limit", format!("must be from 1 to {MAX_PAGE_ITEMS}"))
        })?;
        let after = query.first("cursor").map(position).transpose()?;
        let page = self.jobs.list(owner, status, limit, after).await?;
        let (jobs, has_more) = first_page(page.jobs.into_iter().map(JobView::plain));
        let next = if has_more {
            jobs.last().map(JobView::position)
        } else {
            page.next
        };
        let list = JobList {
            jobs,
            next_cursor: next.map(|(id, created_at)| hex::encode(format!("{id} {created_at}"))),
        };
        Ok(json_response(StatusCode::OK, &list))
    }
}

/// The position that a cursor names: id and creation time of a job. The cursor never selects the owner: that comes from the token.
pub(crate) fn position(cursor: &str) -> Result<(String, String), Problem> {
    let text = hex::decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let split = text.as_deref().and_then(|text| text.split_once(' '));
    let known =
        split.filter(|(id, at)| domain::is_valid_id(id) && at.parse::<domain::Timestamp>().is_ok());
    let known = known.map(|(id, at)| (id.to_owned(), at.to_owned()));
    known.ok_or_else(|| Problem::invalid("cursor", "must be a nextCursor returned by this list"))
}
