//! What a server's answer to a request for a file, or for the rest of one, means.

use reqwest::{
    Response, StatusCode,
    header::{
        CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED,
    },
};

use super::Setback;
use crate::{Error, retry_after};

/// What the body of an answer is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A page or a playlist.
    Page,
    /// The file from its first byte.
    Whole { total: Option<u64> },
    /// The file from byte `from`.
    Rest { from: u64, total: Option<u64> },
    /// Nothing: the file is shorter than what was asked for.
    NoSuchRange,
}

/// What an answer is, or why it is none.
pub(super) fn classify(response: &Response) -> Result<Answer, Setback> {
    let headers = response.headers();
    match response.status() {
        StatusCode::RANGE_NOT_SATISFIABLE => Ok(Answer::NoSuchRange),
        StatusCode::PARTIAL_CONTENT => {
            match text(headers, &CONTENT_RANGE).and_then(parse_content_range) {
                Some((from, total)) => Ok(Answer::Rest { from, total }),
                None => Ok(Answer::NoSuchRange),
            }
        }
        status if status.is_success() && is_page(headers) => Ok(Answer::Page),
        status if status.is_success() => {
            let total = text(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
            Ok(Answer::Whole { total })
        }
        status => Err(Setback {
            why: refusal(status),
            retry_after: retry_after(headers),
        }),
    }
}

/// What tells this version of the file from another: a strong `ETag`, else the date of the last change.
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

/// `bytes 100-199/1000` is (100, 1000).
pub(crate) fn parse_content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_range_is_read() {
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
    fn refusals_are_told_apart() {
        let of = |code| refusal(StatusCode::from_u16(code).unwrap());
        assert!(matches!(of(403), Error::Blocked { status: 403 }));
        assert!(matches!(of(404), Error::Missing { status: 404 }));
        assert!(matches!(of(503), Error::Unavailable(_)));
        assert!(matches!(of(304), Error::Missing { .. }));
    }
}
