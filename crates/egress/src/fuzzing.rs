//! Fuzz targets of this crate: headers and redirects from untrusted servers.

use std::net::IpAddr;

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use url::{Host, Url};

use crate::{Guard, fetch::parse_content_range, is_public, retry_after};

/// Parses `Content-Range` and `Retry-After` headers, one per line.
///
/// # Panics
/// Never.
pub fn headers(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for line in text.lines() {
        let _ = parse_content_range(line);
        if let Ok(value) = HeaderValue::from_str(line) {
            let _ = retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]));
        }
    }
}

/// Follows a chain of redirects, one per line; no accepted step may lead to an address that is not public.
///
/// # Panics
/// When one does.
pub fn redirects(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let guard = Guard::new(false);
    let mut at = Url::parse("https://example.com/talk.mp4").expect("an address");
    for line in text.lines().take(16) {
        let Ok(next) = at.join(line) else { continue };
        if guard.check(&next).is_err() {
            continue;
        }
        assert!(matches!(next.scheme(), "http" | "https"), "{next}");
        let literal = match next.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        assert!(literal.is_none_or(is_public), "{next}");
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use fuzzed::{assert_scales_linearly, replay};

    use super::*;

    #[test]
    fn corpora_satisfy_the_properties() {
        replay("headers", headers);
        replay("redirects", redirects);
    }

    #[test]
    fn work_grows_with_the_input() {
        assert_scales_linearly(headers, "bytes ", "0", "-1/2");
        assert_scales_linearly(headers, "", "bytes 1-2/3\n", "");
    }
}
