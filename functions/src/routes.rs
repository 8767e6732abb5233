//! The table of routes. The functions dispatch by it, the `OpenAPI` document is made from it, and `tests/template` compares with it the
//! template's routes, authorizers and throttling and the router of `cargo lambda watch`.

mod route;

use std::{collections::HashMap, sync::LazyLock};

use lambda_http::{Request, RequestExt};
use matchit::Router;

use Caller::{Anyone, Service, User, Worker};
use Endpoint::{IngestWebhook, ManageJobs, SubmitJob};
use ManageEndpoint::{
    Cancel, Delete, Deliveries, Describe, EditPlan, Health, IssueTicket, List, Replay, Retry,
    RotateSecret, Show, ShowForService, TestCallback,
};
use SubmitEndpoint::{BeginUpload, CompleteUpload, LinkParts, Submit, SubmitForService};
use route::{CURSOR, LIMIT, STATUS, delete, get, post, put};
pub(crate) use route::{Caller, Content, Method, QueryParameter, Route};

use crate::api::{
    self,
    callbacks::{CallbackTest, CallbackTestResult, DeliveryList, DeliveryView, NewSecret},
    jobs::{Accepted, JobList, JobView, ServiceJobView},
    realtime::RealtimeTicket,
    submissions::{ServiceSubmission, UserSubmission},
    uploads::{NewUpload, PartLinks, UploadView, UploadedParts, WantedParts},
};

/// What a route does, by the function that does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    SubmitJob(SubmitEndpoint),
    ManageJobs(ManageEndpoint),
    IngestWebhook,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubmitEndpoint {
    Submit,
    SubmitForService,
    BeginUpload,
    LinkParts,
    CompleteUpload,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ManageEndpoint {
    List,
    Show,
    ShowForService,
    Delete,
    Cancel,
    Retry,
    EditPlan,
    IssueTicket,
    RotateSecret,
    TestCallback,
    Deliveries,
    Replay,
    Health,
    Describe,
}

/// Every route. Each is served with and without the prefix `/api`.
#[rustfmt::skip]
pub(crate) static ROUTES: [Route; 24] = [
    post("/ai-clipping-agent/jobs", SubmitJob(Submit), User, "submit")
        .with_idempotency_key().accepts::<UserSubmission>().returns::<JobView>(202).throttled(20, 100),
    get("/ai-clipping-agent/jobs", ManageJobs(List), User, "list")
        .with_query(&[STATUS, LIMIT, CURSOR]).returns::<JobList>(200),
    get("/ai-clipping-agent/jobs/{id}", ManageJobs(Show), User, "show")
        .returns::<JobView>(200),
    delete("/ai-clipping-agent/jobs/{id}", ManageJobs(Delete), User, "delete")
        .may_conflict(),
    post("/ai-clipping-agent/jobs/{id}/cancel", ManageJobs(Cancel), User, "cancel")
        .returns::<JobView>(200).may_conflict(),
    post("/ai-clipping-agent/jobs/{id}/retry", ManageJobs(Retry), User, "retry")
        .returns::<JobView>(202).may_conflict().throttled(20, 100),
    put("/ai-clipping-agent/jobs/{id}/plan", ManageJobs(EditPlan), User, "edit_plan")
        .accepts_object("an edited plan, in the format of `plan.json`").returns::<JobView>(202).may_conflict().throttled(20, 100),
    get("/ai-clipping-agent/jobs/{id}/deliveries", ManageJobs(Deliveries), User, "deliveries")
        .with_query(&[CURSOR]).returns::<DeliveryList>(200),
    post("/ai-clipping-agent/deliveries/{id}/replay", ManageJobs(Replay), User, "replay")
        .returns::<DeliveryView>(202).may_conflict().throttled(20, 100),
    post("/ai-clipping-agent/callback-secrets", ManageJobs(RotateSecret), User, "rotate_secret")
        .returns::<NewSecret>(201).throttled(5, 20),
    post("/ai-clipping-agent/callback-tests", ManageJobs(TestCallback), User, "test_callback")
        .accepts::<CallbackTest>().returns::<CallbackTestResult>(200).throttled(5, 20),
    post("/ai-clipping-agent/realtime-tickets", ManageJobs(IssueTicket), User, "issue_ticket")
        .returns::<RealtimeTicket>(201).throttled(50, 1000),
    post("/ai-clipping-agent/uploads", SubmitJob(BeginUpload), User, "begin_upload")
        .accepts::<NewUpload>().returns::<UploadView>(201).throttled(20, 100),
    post("/ai-clipping-agent/uploads/{id}/parts", SubmitJob(LinkParts), User, "link_parts")
        .accepts::<WantedParts>().returns::<PartLinks>(200),
    post("/ai-clipping-agent/uploads/{id}/complete", SubmitJob(CompleteUpload), User, "complete_upload")
        .accepts::<UploadedParts>().returns::<UploadView>(200),

    post("/ai-clipping/jobs", SubmitJob(SubmitForService), Service, "submit_for_service")
        .with_idempotency_key().accepts::<ServiceSubmission>().returns::<Accepted>(202).throttled(20, 100),
    get("/ai-clipping/jobs/{job_id}", ManageJobs(ShowForService), Service, "show_for_service")
        .returns::<ServiceJobView>(200),
    get("/ai-clipping/jobs/{job_id}/deliveries", ManageJobs(Deliveries), Service, "deliveries_for_service")
        .with_query(&[CURSOR]).returns::<DeliveryList>(200),
    post("/ai-clipping/deliveries/{id}/replay", ManageJobs(Replay), Service, "replay_for_service")
        .returns::<DeliveryView>(202).may_conflict().throttled(20, 100),
    post("/ai-clipping/callback-secrets", ManageJobs(RotateSecret), Service, "rotate_secret_for_service")
        .returns::<NewSecret>(201).throttled(5, 20),
    post("/ai-clipping/callback-tests", ManageJobs(TestCallback), Service, "test_callback_for_service")
        .accepts::<CallbackTest>().returns::<CallbackTestResult>(200).throttled(5, 20),

    post("/webhooks/ai-clipping", IngestWebhook, Worker, "ingest_event")
        .accepts_object("a signed event of a job").returns_object(200),

    get("/health", ManageJobs(Health), Anyone, "health").returns::<api::Health>(200),
    get("/openapi.json", ManageJobs(Describe), Anyone, "openapi").returns_object(200),
];

/// A router for each method.
static ROUTERS: LazyLock<HashMap<&str, Router<&Route>>> = LazyLock::new(|| {
    let mut routers: HashMap<&str, Router<&Route>> = HashMap::new();
    for route in &ROUTES {
        let router = routers.entry(route.method.name()).or_default();
        for path in [route.path.to_owned(), format!("/api{}", route.path)] {
            router.insert(path, route).expect("paths do not overlap");
        }
    }
    routers
});

/// The route of a request and the id in its path, which is empty if the path has none.
pub(crate) fn find(request: &Request) -> Option<(&'static Route, &str)> {
    find_path(request.method().as_str(), request.raw_http_path())
}

fn find_path<'p>(method: &str, path: &'p str) -> Option<(&'static Route, &'p str)> {
    let found = ROUTERS.get(method)?.at(path).ok()?;
    let id = found.params.iter().next().map(|(_, id)| id);
    Some((*found.value, id.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_with_and_without_its_prefix() {
        let get = |path| find_path("GET", path).map(|(route, id)| (route.path, id));
        assert_eq!(
            get("/api/ai-clipping-agent/jobs/x"),
            Some(("/ai-clipping-agent/jobs/{id}", "x"))
        );
        assert_eq!(
            get("/ai-clipping-agent/jobs"),
            Some(("/ai-clipping-agent/jobs", ""))
        );
        assert_eq!(get("/api/ai-clipping-agent/jobs/"), None);
        assert_eq!(get("/apihealth"), None);
        assert_eq!(get("/api/api/health"), None);
        assert_eq!(get("/api/health"), Some(("/health", "")));
        assert!(find_path("PATCH", "/health").is_none());
    }
}
