//! The API's description, made from the types that are read and written.

#![expect(
    dead_code,
    reason = "the functions below only carry the descriptions of paths"
)]

mod bounds;

use bounds::Bounds;
use serde::Serialize;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::{
    manage_jobs::{
        CallbackTest, CallbackTestResult, DeliveryList, DeliveryView, JobList, NewSecret,
        RealtimeTicket,
    },
    submission::{ServiceSubmission, UserSubmission},
    submit_job::{NewUpload, PartLinks, UploadView, UploadedParts, WantedParts},
    view::{JobView, ServiceJobView},
};

/// The document of `GET /api/openapi.json`.
pub fn document() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(title = "clipwright", description = "Turns long talk videos into short captioned clips. Every path is also served without `/api`."),
    modifiers(&Credentials, &Bounds),
    paths(
        submit, list, show, delete, cancel, retry, edit_plan, deliveries, issue_ticket, rotate_secret, test_callback, replay,
        begin_upload, link_parts, complete_upload, submit_for_service,
        show_for_service, rotate_secret_for_service, test_callback_for_service, deliveries_for_service,
        replay_for_service, health, openapi
    )
)]
struct Api;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        components.add_security_scheme(
            "key",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("x-api-key"))),
        );
    }
}

/// The body of every error.
#[derive(Serialize, ToSchema)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Serialize, ToSchema)]
struct ErrorDetail {
    /// stable, for programs: `unauthorized`, `not_found`, `invalid_request`, `payload_too_large`, `idempotency_key_reused`, `job_ended`,
    /// `job_not_retryable`, `job_under_way`, `job_busy`, `source_gone`, `too_many_active_jobs`, `too_many_open_uploads`,
    /// `rate_limited`, `address_disabled`,
    /// `unavailable`, `internal`
    code: String,
    /// for people; its wording may change
    message: String,
    /// path of the invalid field, if the error is about one
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

/// Errors that API Gateway answers itself, whose shape cannot be changed: 401 for a token that it rejects, and 429 (`Too Many Requests`) for
/// requests that it throttles.
#[derive(Serialize, ToSchema)]
struct Refusal {
    message: String,
}

#[derive(Serialize, ToSchema)]
struct Accepted {
    job_id: String,
    status: String,
}

#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`
    status: String,
}

#[utoipa::path(post, path = "/api/ai-clipping-agent/jobs", request_body = UserSubmission, security(("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "a repeated request with the same key and body returns the same job", pattern = "^[!-~]+$")),
    responses(
        (status = 202, body = JobView, headers(("location" = String))), (status = 401, body = Refusal), (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn submit() {}

#[utoipa::path(get, path = "/api/ai-clipping-agent/jobs", security(("token" = [])),
    params(
        ("status" = Option<String>, Query, description = "`queued`, `running`, `succeeded`, `failed` or `canceled`"),
        ("limit" = Option<u32>, Query, description = "jobs per page, 20 if absent"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page")),
    responses((status = 200, body = JobList), (status = 401, body = Refusal), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn list() {}

#[utoipa::path(get, path = "/api/ai-clipping-agent/jobs/{id}", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = JobView), (status = 401, body = Refusal), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn show() {}

#[utoipa::path(delete, path = "/api/ai-clipping-agent/jobs/{id}", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = Refusal), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn delete() {}

#[utoipa::path(post, path = "/api/ai-clipping-agent/jobs/{id}/cancel", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = JobView), (status = 401, body = Refusal), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn cancel() {}

#[utoipa::path(post, path = "/api/ai-clipping-agent/jobs/{id}/retry", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 202, body = JobView), (status = 401, body = Refusal), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn retry() {}

#[utoipa::path(put, path = "/api/ai-clipping-agent/jobs/{id}/plan", security(("token" = [])), params(("id" = String, Path)),
    request_body(content = Object, description = "an edited plan, in the format of `plan.json`"),
    responses((status = 202, body = JobView), (status = 401, body = Refusal), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn edit_plan() {}

#[utoipa::path(post, path = "/api/ai-clipping-agent/realtime-tickets", security(("token" = [])),
    responses((status = 201, body = RealtimeTicket), (status = 401, body = Refusal), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn issue_ticket() {}

#[utoipa::path(get, path = "/api/ai-clipping-agent/jobs/{id}/deliveries", security(("token" = [])), params(("id" = String, Path),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page")),
    responses((status = 200, body = DeliveryList), (status = 401, body = Refusal), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn deliveries() {}

#[utoipa::path(post, path = "/api/ai-clipping-agent/callback-secrets", security(("token" = [])),
    responses((status = 201, body = NewSecret), (status = 401, body = Refusal), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn rotate_secret() {}

#[utoipa::path(post, path = "/ai-clipping/callback-secrets", security(("key" = [])),
    responses((status = 201, body = NewSecret), (status = 401, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn rotate_secret_for_service() {}

#[utoipa::path(post, path = "/api/ai-clipping-agent/callback-tests", request_body = CallbackTest, security(("token" = [])),
    responses((status = 200, body = CallbackTestResult), (status = 401, body = Refusal), (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn test_callback() {}

#[utoipa::path(post, path = "/api/ai-clipping-agent/deliveries/{id}/replay", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 202, body = DeliveryView), (status = 401, body = Refusal), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn replay() {}

#[utoipa::path(post, path = "/ai-clipping/callback-tests", request_body = CallbackTest, security(("key" = [])),
    responses((status = 200, body = CallbackTestResult), (status = 401, body = ErrorBody), (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn test_callback_for_service() {}

#[utoipa::path(get, path = "/ai-clipping/jobs/{job_id}/deliveries", security(("key" = [])), params(("job_id" = String, Path),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page")),
    responses((status = 200, body = DeliveryList), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn deliveries_for_service() {}

#[utoipa::path(post, path = "/ai-clipping/deliveries/{id}/replay", security(("key" = [])), params(("id" = String, Path)),
    responses((status = 202, body = DeliveryView), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn replay_for_service() {}

#[utoipa::path(post, path = "/api/ai-clipping-agent/uploads", request_body = NewUpload, security(("token" = [])),
    responses((status = 201, body = UploadView), (status = 401, body = Refusal), (status = 413, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn begin_upload() {}

#[utoipa::path(post, path = "/api/ai-clipping-agent/uploads/{id}/parts", request_body = WantedParts, security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = PartLinks), (status = 401, body = Refusal), (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn link_parts() {}

#[utoipa::path(post, path = "/api/ai-clipping-agent/uploads/{id}/complete", request_body = UploadedParts, security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = UploadView), (status = 401, body = Refusal), (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn complete_upload() {}

#[utoipa::path(post, path = "/ai-clipping/jobs", request_body = ServiceSubmission, security(("key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "a repeated request with the same key and body returns the same job", pattern = "^[!-~]+$")),
    responses(
        (status = 202, body = Accepted, headers(("location" = String))), (status = 401, body = ErrorBody), (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn submit_for_service() {}

#[utoipa::path(get, path = "/ai-clipping/jobs/{job_id}", security(("key" = [])), params(("job_id" = String, Path)),
    responses((status = 200, body = ServiceJobView), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
fn show_for_service() {}

#[utoipa::path(get, path = "/api/health", responses((status = 200, body = Health)))]
fn health() {}

#[utoipa::path(get, path = "/api/openapi.json", responses((status = 200, body = Object)))]
fn openapi() {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::routes::{MANAGE_JOBS, SUBMIT_JOB};

    #[test]
    fn every_path_for_others_is_described() {
        let document = serde_json::to_value(document()).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                let path = path.trim_start_matches("/api").to_owned();
                methods
                    .as_object()
                    .unwrap()
                    .keys()
                    .map(move |method| (method.to_uppercase(), path.clone()))
            })
            .collect();
        let served = SUBMIT_JOB
            .iter()
            .chain(MANAGE_JOBS)
            .map(|(method, path)| ((*method).to_owned(), (*path).to_owned()));
        assert_eq!(described, served.collect());
    }
}
