//! Which function answers which path. Every path is served with and without `/api`; the template has the same list.

/// Paths of `submit-job`.
pub const SUBMIT_JOB: &[(&str, &str)] = &[
    ("POST", "/ai-clipping-agent/jobs"),
    ("POST", "/ai-clipping-agent/uploads"),
    ("POST", "/ai-clipping-agent/uploads/{id}/parts"),
    ("POST", "/ai-clipping-agent/uploads/{id}/complete"),
    ("POST", "/ai-clipping/jobs"),
];

/// Paths of `manage-jobs`.
pub const MANAGE_JOBS: &[(&str, &str)] = &[
    ("GET", "/ai-clipping-agent/jobs"),
    ("GET", "/ai-clipping-agent/jobs/{id}"),
    ("DELETE", "/ai-clipping-agent/jobs/{id}"),
    ("POST", "/ai-clipping-agent/jobs/{id}/cancel"),
    ("POST", "/ai-clipping-agent/jobs/{id}/retry"),
    ("PUT", "/ai-clipping-agent/jobs/{id}/plan"),
    ("GET", "/ai-clipping-agent/jobs/{id}/deliveries"),
    ("POST", "/ai-clipping-agent/realtime-tickets"),
    ("POST", "/ai-clipping-agent/callback-secrets"),
    ("POST", "/ai-clipping-agent/callback-tests"),
    ("POST", "/ai-clipping-agent/deliveries/{id}/replay"),
    ("POST", "/ai-clipping/callback-secrets"),
    ("POST", "/ai-clipping/callback-tests"),
    ("POST", "/ai-clipping/deliveries/{id}/replay"),
    ("GET", "/ai-clipping/jobs/{job_id}"),
    ("GET", "/ai-clipping/jobs/{job_id}/deliveries"),
    ("GET", "/health"),
    ("GET", "/openapi.json"),
];

/// Paths of `ingest-webhook`.
pub const INGEST_WEBHOOK: &[(&str, &str)] = &[("POST", "/webhooks/ai-clipping")];

/// The route that a request takes, without `/api`, and the id in its path.
pub(crate) fn find<'p>(
    routes: &[(&str, &'static str)],
    method: &str,
    path: &'p str,
) -> Option<(&'static str, Option<&'p str>)> {
    let path = match path.strip_prefix("/api") {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    };
    let asked: Vec<&str> = path.split('/').collect();
    routes
        .iter()
        .filter(|(known, _)| *known == method)
        .find_map(|(_, route)| {
            let parts: Vec<&str> = route.split('/').collect();
            let is_id = |part: &str| part.starts_with('{');
            let fits =
                |(part, asked): (&&str, &&str)| part == asked || (is_id(part) && !asked.is_empty());
            (parts.len() == asked.len() && parts.iter().zip(&asked).all(fits)).then(|| {
                let id = parts.iter().zip(&asked).find(|(part, _)| is_id(part));
                (*route, id.map(|(_, asked)| *asked))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_with_and_without_its_prefix() {
        let get = |path| find(MANAGE_JOBS, "GET", path);
        assert_eq!(
            get("/api/ai-clipping-agent/jobs/x"),
            Some(("/ai-clipping-agent/jobs/{id}", Some("x")))
        );
        assert_eq!(
            get("/ai-clipping-agent/jobs"),
            Some(("/ai-clipping-agent/jobs", None))
        );
        assert_eq!(get("/api/ai-clipping-agent/jobs/"), None);
        assert_eq!(get("/apihealth"), None);
        assert_eq!(get("/api/health"), Some(("/health", None)));
        assert_eq!(find(MANAGE_JOBS, "PATCH", "/health"), None);
    }
}
