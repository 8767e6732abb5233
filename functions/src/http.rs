//! Requests and responses: size limits, parsing and errors with the path of the invalid field.

mod problem;

pub(crate) use problem::{ErrorBody, Problem, Refusal};

use domain::{JobId, Timestamp, json::explain};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::{Deserializer, Serialize, de::DeserializeOwned};
use tracing::{Instrument, Span, field::Empty};

/// A JSON response.
pub(crate) fn json_response(status: StatusCode, body: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_string(body).expect("plain data can be written as JSON");
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        "content-type",
        lambda_http::http::HeaderValue::from_static("application/json"),
    );
    headers.insert(
        "cache-control",
        lambda_http::http::HeaderValue::from_static("no-store"),
    );
    response
}

/// Turns an error into its response. Errors are logged with the job that [`log_job`] has named.
pub(crate) async fn respond(
    handling: impl Future<Output = Result<Response<Body>, Problem>>,
) -> Response<Body> {
    let span = tracing::info_span!("job", job_id = Empty, attempt = Empty);
    async { handling.await.unwrap_or_else(|problem| problem.response()) }
        .instrument(span)
        .await
}

/// Adds the job to every following log line of the request.
pub(crate) fn log_job(id: &JobId, attempt: Option<u32>) {
    let span = Span::current();
    span.record("job_id", id.as_str());
    if let Some(attempt) = attempt {
        span.record("attempt", attempt);
    }
}

/// The raw body, if it is within the limit.
pub(crate) fn body(request: &Request, max_bytes: usize) -> Result<&[u8], Problem> {
    let bytes: &[u8] = request.body().as_ref();
    if bytes.len() > max_bytes {
        Err(Problem::TooLarge(max_bytes))
    } else {
        Ok(bytes)
    }
}

/// Parses a JSON body; errors name the path of the invalid field.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde would accept an array as the fields in their order
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::Invalid {
            field: None,
            message: "invalid body: it must be a JSON object".to_owned(),
        });
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = deserialize(&mut reader)?;
    reader.end().map_err(|why| Problem::Invalid {
        field: None,
        message: format!("invalid body: {}", explain(&why)),
    })?;
    Ok(parsed)
}

/// Deserializes a value; errors name the path of the invalid field.
pub(crate) fn deserialize<'de, T: DeserializeOwned>(
    reader: impl Deserializer<'de, Error = serde_json::Error>,
) -> Result<T, Problem> {
    serde_path_to_error::deserialize(reader).map_err(|why| Problem::Invalid {
        field: field_at_fault(&why),
        message: format!("invalid body: {}", explain(why.inner())),
    })
}

/// Path of the invalid field. Missing and duplicate fields are named only in the parser's message.
fn field_at_fault(why: &serde_path_to_error::Error<serde_json::Error>) -> Option<String> {
    let at = Some(why.path().to_string()).filter(|path| path != "." && path != "?");
    let said = why.inner().to_string();
    let named = ["missing field `", "duplicate field `"]
        .into_iter()
        .find_map(|start| said.strip_prefix(start)?.split('`').next());
    match (at, named) {
        (Some(at), Some(name)) => Some(format!("{at}.{name}")),
        (at, name) => at.or(name.map(str::to_owned)),
    }
}

/// The value of a header, if it is text.
pub(crate) fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
}

/// The system time.
pub fn now() -> Timestamp {
    Timestamp::from_ms(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use domain::Event;

    use super::*;

    #[test]
    fn errors_name_the_path_of_the_field() {
        let field = |body: &str| match parse::<Event>(body.as_bytes()) {
            Err(Problem::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(field("{}"), named("event"));
        assert_eq!(field(r#"{"job_id": 7}"#), named("job_id"));
        assert_eq!(field(r#"{"job_id": "x", "job_id": "y"}"#), named("job_id"));
        assert_eq!(
            field(r#"{"output": {"total_clips": 1, "clips": [{"clip_index": 0}]}}"#),
            named("output.clips[0].s3_url")
        );
        assert_eq!(field(""), None);
        assert_eq!(field(r#"["job.started", "x"]"#), None);
    }
}
