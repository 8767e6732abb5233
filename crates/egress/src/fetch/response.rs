//! Classification of responses to a request for a file, or for the remainder of one.

use reqwest::{
    Response, StatusCode,
    header::{
        CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED,
    },
};

use super::FailedAttempt;
use crate::{Error, retry_after};

/// The content of a response body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// A page or a playlist.
    Page,
    /// The file from its first byte.
    Complete { total: Option<u64> },
    /// The file from byte `from`.
    Remainder { from: u64, total: Option<u64> },
    /// None: the requested range is not available.
    InvalidRange,
}

/// Classifies a response by status and headers.
pub(super) fn classify(response: &Response) -> Result<Body, FailedAttempt> {
    let headers = response.headers();
    match response.status() {
        StatusCode::RANGE_NOT_SATISFIABLE => Ok(Body::InvalidRange),
        StatusCode::PARTIAL_CONTENT => {
            match text(headers, &CONTENT_RANGE).and_then(parse_content_range) {
                Some((from, total)) => Ok(Body::Remainder { from, total }),
                None => Ok(Body::InvalidRange),
            }
        }
        status if status.is_success() && is_page(headers) => Ok(Body::Page),
        status if status.is_success() => {
            let total = text(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
            Ok(Body::Complete { total })
        }
        status => Err(FailedAttempt {
            why: refusal(status),
            retry_after: retry_after(headers),
        }),
    }
}

/// Returns the validator of this version of the file: a strong `ETag`, else the `Last-Modified` date.
pub(super) fn validator(response: &Response) -> Option<String> {
    let headers = response.headers();
    text(headers, &ETAG)
        .filter(|tag| !tag.starts_with("W/"))
        .or_else(|| text(headers, &LAST_MODIFIED))
        .map(str::to_owned)
}

fn refusal(status: StatusCode) -> Error {
    let code = status.as_u16();
    match code {
        401 | 402 | 403 | 407 | 429 | 451 => Error::Blocked { status: code },
        408 | 425 | 500.. => Error::Unavailable(format!("the server failed (HTTP {code})")),
        _ => Error::Missing { status: code },
    }
}

fn is_page(headers: &HeaderMap) -> bool {
    let media_type = text(headers, &CONTENT_TYPE).unwrap_or_default();
    let media_type = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    matches!(
        media_type.as_str(),
        "text/html"
            | "application/xhtml+xml"
            | "application/vnd.apple.mpegurl"
            | "application/x-mpegurl"
            | "audio/mpegurl"
            | "audio/x-mpegurl"
            | "application/dash+xml"
    )
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Parses the start and the total of a `Content-Range`: `bytes 100-199/1000` gives (100, 1000).
pub(crate) fn parse_content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_parsed() {
        assert_eq!(
            parse_content_range("bytes 100-199/1000"),
            Some((100, Some(1000)))
        );
        assert_eq!(parse_content_range("bytes 5-9/*"), Some((5, None)));
        for bad in ["bytes */1000", "items 1-2/3", "bytes -5/9", ""] {
            assert_eq!(parse_content_range(bad), None, "{bad}");
        }
    }

    #[test]
    fn error_statuses_are_classified() {
        let of = |code| refusal(StatusCode::from_u16(code).unwrap());
        assert!(matches!(of(403), Error::Blocked { status: 403 }));
        assert!(matches!(of(404), Error::Missing { status: 404 }));
        assert!(matches!(of(503), Error::Unavailable(_)));
        assert!(matches!(of(304), Error::Missing { .. }));
    }
}
