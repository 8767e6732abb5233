//! Owners see only their own jobs and uploads; back ends authenticate with keys.

use domain::limits::MAX_PAGE_ITEMS;
use serde_json::{Value, json};

use crate::{
    cloud::Cloud,
    requests::{Call, call},
    samples,
};

const JOBS: &str = "/ai-clipping-agent/jobs";
const SERVICE: &str = "/ai-clipping/jobs";

/// Every request that names a job.
fn about(id: &str) -> [Call; 5] {
    let path = format!("{JOBS}/{id}");
    [
        Call::new("GET", path.clone()),
        Call::new("DELETE", path.clone()),
        Call::new("POST", format!("{path}/cancel")),
        Call::new("POST", format!("{path}/retry")),
        Call::new("PUT", format!("{path}/plan")).json(&samples::plan()),
    ]
}

#[tokio::test]
async fn another_owners_job_is_not_found() {
    let cloud = Cloud::start().await;
    let manage = cloud.manage_jobs();
    let queued = cloud.submitted("queued").await;
    let ended = cloud.submitted("ended").await;
    let ann = domain::Owner::user("ann");
    let cancel = domain::Job::cancel(&ann, functions::now());
    assert!(cloud.change(&ended, &cancel).await);
    let before = cloud.records();
    for id in [queued.as_str(), ended.as_str(), "nobodys", "..%2fx", "a.b"] {
        for call in about(id) {
            let answer = call!(manage, call.clone().user("bob"));
            assert_eq!(
                (answer.status, answer.code()),
                (404, "not_found"),
                "{call:?}"
            );
            assert_eq!(call!(manage, call).status, 401);
        }
        let service = Call::new("GET", format!("{SERVICE}/{id}"));
        assert_eq!(call!(manage, service.clone().acme()).status, 404);
        assert_eq!(call!(manage, service.user("ann")).status, 401);
    }
    let list = call!(manage, Call::new("GET", JOBS).user("bob"));
    assert_eq!(list.body, json!({"jobs": [], "nextCursor": null}));
    assert_eq!(cloud.records(), before);
    // a user with the name of a tenant is a different owner
    let list = call!(manage, Call::new("GET", JOBS).user("acme"));
    assert_eq!(list.body["jobs"], json!([]));
}

#[tokio::test]
async fn a_list_is_paged_newest_first_and_filtered_by_status() {
    let cloud = Cloud::start().await;
    let manage = cloud.manage_jobs();
    let mut ids = Vec::new();
    for number in 0..7 {
        let mut job = samples::job(&format!("job-{number}"));
        job.created_at = samples::at(number).parse().expect("a time");
        cloud.create(&job).await;
        ids.insert(0, json!(job.id));
        if number % 3 == 0 {
            assert!(cloud.claim(&job.id, 1).await);
        }
    }
    assert_eq!(walk(&manage, "limit=3").await, ids);
    assert_eq!(walk(&manage, "limit=7").await, ids);
    let running = [ids[0].clone(), ids[3].clone(), ids[6].clone()];
    assert_eq!(walk(&manage, "status=running&limit=2").await, running);
    assert_eq!(
        walk(&manage, "status=failed&limit=2").await,
        Vec::<Value>::new()
    );
    assert_eq!(walk(&manage, &format!("limit={MAX_PAGE_ITEMS}")).await, ids);
    let over = format!("limit={}", MAX_PAGE_ITEMS + 1);
    for (wrong, field) in [
        ("limit=0", "limit"),
        (&over, "limit"),
        ("status=done", "status"),
        ("cursor=zz", "cursor"),
        ("cursor=2e2e2f", "cursor"),
    ] {
        let answer = call!(
            manage,
            Call::new("GET", format!("{JOBS}?{wrong}")).user("ann")
        );
        assert_eq!((answer.status, answer.field()), (422, field), "{wrong}");
    }
    // a cursor of another owner's list shows only one's own jobs
    let first = call!(
        manage,
        Call::new("GET", format!("{JOBS}?limit=1")).user("ann")
    );
    let cursor = first.body["nextCursor"].as_str().expect("a cursor");
    let other = call!(
        manage,
        Call::new("GET", format!("{JOBS}?cursor={cursor}")).user("bob")
    );
    assert_eq!(other.body["jobs"], json!([]));
}

async fn walk(manage: &functions::manage_jobs::ManageJobs, query: &str) -> Vec<Value> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{JOBS}?{query}{cursor}");
        let part = call!(manage, Call::new("GET", path).user("ann"));
        let jobs = part.body["jobs"].as_array().expect("jobs");
        ids.extend(jobs.iter().map(|job| job["id"].clone()));
        match part.body["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn a_back_end_sees_its_own_jobs_with_its_key() {
    let cloud = Cloud::start().await;
    let (submit, manage) = (cloud.submit_job(), cloud.manage_jobs());
    // the call of the starting document, except for the address of the video
    let body = json!({"video_url": "https://videos.test/talk.mp4", "callback_url": "https://webhook.site/your-unique-id",
        "external_job_id": "test-123", "owner_user_id": "user_789", "max_clips": 1});
    for wrong in [
        Call::new("POST", SERVICE).json(&body),
        Call::new("POST", SERVICE).json(&body).user("ann"),
        Call::new("POST", SERVICE)
            .json(&body)
            .header("x-api-key", ""),
        Call::new("POST", SERVICE)
            .json(&body)
            .header("x-api-key", "another"),
    ] {
        let answer = call!(submit, wrong);
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"));
    }
    assert!(cloud.records().is_empty());
    let submitted = call!(submit, Call::new("POST", SERVICE).json(&body).acme());
    assert_eq!(
        (submitted.status, &submitted.body["status"]),
        (202, &json!("queued"))
    );
    let id = submitted.id();
    let job = cloud.job(&id).await;
    assert_eq!(job.owner, domain::Owner::tenant("acme"));
    assert_eq!(job.labels.external_job_id.as_deref(), Some("test-123"));
    let shown = call!(
        manage,
        Call::new("GET", format!("/api{SERVICE}/{id}")).acme()
    );
    assert_eq!(
        (shown.status, &shown.body["job_id"], &shown.body["output"]),
        (200, &json!(id), &Value::Null)
    );
    for call in about(id.as_str()) {
        assert_eq!(call!(manage, call.user("acme")).status, 404);
    }
}

#[tokio::test]
async fn health_and_description_are_public_and_other_paths_are_not_found() {
    let cloud = Cloud::start().await;
    let (submit, manage) = (cloud.submit_job(), cloud.manage_jobs());
    assert_eq!(
        call!(manage, Call::new("GET", "/health")).body,
        json!({"status": "ok"})
    );
    let described = call!(manage, Call::new("GET", "/api/openapi.json"));
    assert!(described.body["paths"].as_object().expect("paths").len() > 9);
    for (method, path) in [
        ("GET", "/"),
        ("PATCH", "/health"),
        ("GET", "/api/api/health"),
        ("POST", "/ai-clipping-agent/jobs/"),
    ] {
        assert_eq!(
            call!(manage, Call::new(method, path).user("ann")).status,
            404
        );
        assert_eq!(
            call!(submit, Call::new(method, path).user("ann")).status,
            404
        );
    }
}
