//! What a failed download means for the user.

use std::time::Duration;

use domain::{ErrorCode, Failure, FailureKind};
use egress::Error;

use super::STAGE;

/// What of `yt-dlp`'s last words means what; the first that fits counts.
const SIGNS: [(ErrorCode, FailureKind, &[&str]); 5] = [
    (
        ErrorCode::SourceTooLarge,
        FailureKind::Input,
        &["larger than max-filesize"],
    ),
    (
        ErrorCode::SourceUnsupported,
        FailureKind::Input,
        &[
            "unsupported url",
            "is not a valid url",
            "no video formats found",
            "drm protected",
            "drm-protected",
            "requested format is not available",
            "no media found",
            "there is no video",
            "no video could be found",
            "unable to extract",
            "live event will begin",
            "premieres in",
        ],
    ),
    (
        ErrorCode::SourceBlocked,
        FailureKind::Input,
        &[
            "sign in",
            "log in",
            "login",
            "logged in",
            "not a bot",
            "cookies",
            "captcha",
            "private video",
            "is private",
            "members-only",
            "members only",
            "subscriber",
            "join this channel",
            "age-restricted",
            "confirm your age",
            "your country",
            "your location",
            "geo restrict",
            "geo-restrict",
            "password",
            "rate-limit",
            "rate limit",
            "http error 401",
            "http error 402",
            "http error 403",
            "http error 429",
            "http error 451",
        ],
    ),
    (
        ErrorCode::SourceUnavailable,
        FailureKind::Input,
        &[
            "http error 404",
            "http error 410",
            "video unavailable",
            "not available",
            "unavailable",
            "has been removed",
            "does not exist",
            "deleted",
            "terminated",
        ],
    ),
    (
        ErrorCode::SourceUnavailable,
        FailureKind::Transient,
        &[
            "unable to download",
            "http error 5",
            "timed out",
            "connection",
            "unable to connect",
            "got error",
        ],
    ),
];

/// What a failed request means.
pub(super) fn of_egress(why: &Error) -> Failure {
    use ErrorCode::{
        SourceBlocked, SourceForbidden, SourceTooLarge, SourceUnavailable, SourceUnsupported,
    };
    let input = |code, message: String| Failure::input(STAGE, code, message);
    match why {
        Error::Address(_) => input(SourceUnsupported, why.to_string()),
        Error::Forbidden { .. } => input(SourceForbidden, why.to_string()),
        // it would be no sooner for another attempt
        Error::Blocked { .. } | Error::RetryAfter { .. } => input(SourceBlocked, why.to_string()),
        Error::Missing { .. } | Error::Redirects => input(SourceUnavailable, why.to_string()),
        Error::TooLarge { .. } => {
            input(SourceTooLarge, format!("the source cannot be taken: {why}"))
        }
        Error::TimedOut(limit) => timed_out(*limit),
        Error::Unavailable(_) | Error::Stalled { .. } | Error::ConnectionLost { .. } => {
            Failure::transient(STAGE, SourceUnavailable, why.to_string())
        }
        Error::Io { path, source } => Failure::io(STAGE, path, source),
    }
}

/// The download took longer than the limit.
pub(super) fn timed_out(limit: Duration) -> Failure {
    let message = format!("the source did not arrive within {} s", limit.as_secs());
    Failure::transient(STAGE, ErrorCode::TimedOut, message)
}

/// What `yt-dlp`'s output on standard error means.
pub(super) fn of_site(stderr: &str, has_cookies: bool) -> Failure {
    let said = stderr
        .lines()
        .rfind(|line| line.starts_with("ERROR:"))
        .or_else(|| stderr.lines().next_back());
    let said = shortened(said.unwrap_or("yt-dlp failed without a reason"));
    let lower = said.to_lowercase();
    let sign = SIGNS
        .iter()
        .find(|(_, _, signs)| signs.iter().any(|sign| lower.contains(sign)));
    let (code, kind) = sign.map_or(
        (ErrorCode::SourceUnavailable, FailureKind::Transient),
        |sign| (sign.0, sign.1),
    );
    let message = if has_cookies && code == ErrorCode::SourceBlocked {
        format!("{said}; the cookies given do not help, perhaps they are too old")
    } else {
        said
    };
    Failure {
        stage: STAGE,
        kind,
        code,
        message,
    }
}

/// What matters of an error line: without the extractor's own marks and its advice to report it.
fn shortened(line: &str) -> String {
    let line = line.trim_start_matches("ERROR:").trim();
    let end = [
        "; please report",
        " (caused by",
        ". Use --cookies",
        ". See  https",
        ". See https",
        ". Also see",
    ]
    .iter()
    .filter_map(|mark| line.find(mark))
    .min();
    line[..end.unwrap_or(line.len())]
        .chars()
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_site_says_becomes_an_error_code() {
        for (said, code, retryable) in [
            (
                "ERROR: [youtube] abc: Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies for the authentication. See  https://x for how",
                ErrorCode::SourceBlocked,
                false,
            ),
            (
                "ERROR: [youtube] abc: Private video. Sign in if you've been granted access",
                ErrorCode::SourceBlocked,
                false,
            ),
            (
                "ERROR: [generic] Unable to download webpage: HTTP Error 403: Forbidden (caused by <HTTPError 403: Forbidden>)",
                ErrorCode::SourceBlocked,
                false,
            ),
            (
                "ERROR: [youtube] abc: Video unavailable. This video has been removed by the uploader",
                ErrorCode::SourceUnavailable,
                false,
            ),
            (
                "ERROR: [generic] Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404>)",
                ErrorCode::SourceUnavailable,
                false,
            ),
            (
                "ERROR: [generic] Unable to download webpage: HTTP Error 503: Busy",
                ErrorCode::SourceUnavailable,
                true,
            ),
            (
                "ERROR: [generic] x: Unable to download webpage: Connection refused",
                ErrorCode::SourceUnavailable,
                true,
            ),
            (
                "ERROR: Unsupported URL: https://example.com/",
                ErrorCode::SourceUnsupported,
                false,
            ),
            (
                "ERROR: [site] x: This video is DRM protected",
                ErrorCode::SourceUnsupported,
                false,
            ),
            ("", ErrorCode::SourceUnavailable, true),
        ] {
            let failure = of_site(&format!("WARNING: sign in\n{said}\n"), false);
            assert_eq!(
                (failure.code, failure.is_retryable()),
                (code, retryable),
                "{said}"
            );
        }
    }

    #[test]
    fn a_block_is_told_without_noise() {
        let said = |cookies| {
            of_site(
                "ERROR: [x] a: Log in first (caused by y); please report this\n",
                cookies,
            )
            .message
        };
        assert_eq!(said(false), "[x] a: Log in first");
        assert!(said(true).contains("too old"));
    }
}
