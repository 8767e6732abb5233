//! A video file at a plain address.

use std::path::Path;

use domain::{Failure, limits::MIN_BYTES_PER_SECOND};
use egress::{Client, FetchLimits, Fetched, fetch as fetch_file};
use url::Url;

use super::{Download, Downloaded, refusal};

/// Extensions that tell a person what the file is; to programs they mean nothing.
const EXTENSIONS: [&str; 10] = [
    "mp4", "m4v", "mov", "mkv", "webm", "ts", "avi", "flv", "mpg", "wmv",
];

/// Fetches the file at an address; nothing if it is a page.
pub(super) async fn fetch(
    what: &Download<'_>,
    client: &Client,
    url: &Url,
    folder: &Path,
    mut progress: impl FnMut(f64),
) -> Result<Option<Downloaded>, Failure> {
    let (title, extension) = names(url);
    let destination = folder.join(format!("source.{extension}"));
    let limits = FetchLimits {
        max_bytes: what.limits.max_bytes,
        total: what.limits.time,
        stall: what.limits.stall,
        min_bytes_per_stall: what.limits.stall.as_secs() * MIN_BYTES_PER_SECOND,
        ..FetchLimits::default()
    };
    let fetched = fetch_file(client, url, &destination, &limits, |at| {
        progress(
            at.total
                .map_or(0.0, |total| at.received as f64 / total.max(1) as f64),
        );
    });
    match fetched.await.map_err(|why| refusal::of_egress(&why))? {
        Fetched::Media(file) => Ok(Some(Downloaded {
            video: file.path,
            title,
            captions: None,
        })),
        Fetched::Page => Ok(None),
    }
}

/// The title and the extension that the last part of the address's path gives.
fn names(url: &Url) -> (Option<String>, &'static str) {
    let last = url
        .path_segments()
        .and_then(|mut parts| parts.next_back())
        .unwrap_or_default();
    let name = percent_decoded(last);
    let path = Path::new(&name);
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_ascii_lowercase);
    let known = EXTENSIONS
        .iter()
        .find(|known| Some(**known) == extension.as_deref());
    let title = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    (
        title.filter(|title| !title.is_empty()),
        known.copied().unwrap_or("mp4"),
    )
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .and_then(|digits| str::from_utf8(digits).ok());
        match hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_and_extension_come_from_the_path() {
        let of = |address: &str| {
            let (title, extension) = names(&address.parse().unwrap());
            (title.unwrap_or_default(), extension)
        };
        assert_eq!(
            of("https://a.test/x/My%20talk%20%F0%9F%8E%A4.MOV?y=z.mkv"),
            ("My talk 🎤".into(), "mov")
        );
        assert_eq!(of("https://a.test/100%25%2"), ("100%%2".into(), "mp4"));
        assert_eq!(of("https://a.test/"), (String::new(), "mp4"));
        assert_eq!(of("https://a.test/talk.php"), ("talk".into(), "mp4"));
    }
}
