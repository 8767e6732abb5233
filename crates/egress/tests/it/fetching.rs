//! Downloads from servers that behave, break, lie and dawdle.

use std::{path::Path, process::Command, sync::atomic::Ordering, time::Duration};

use domain::limits::MAX_DOWNLOAD_RETRY_AFTER_S;
use egress::{Client, Error, FetchLimits, Fetched, MediaFile, Progress};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep},
};
use url::Url;

use crate::server::{Server, answer, client, guard, video, whole};

/// Larger than any buffer on the way.
pub(crate) const SIZE: usize = 1 << 20;
pub(crate) const ETAG: &str = "ETag: \"one\"\r\n";

pub(crate) fn limits() -> FetchLimits {
    FetchLimits {
        max_bytes: 2 << 20,
        total: Duration::from_secs(20),
        stall: Duration::from_secs(1),
        min_bytes_per_stall: 1000,
        retries: 2,
        first_retry: Duration::from_millis(10),
    }
}

/// Fetches into a fresh folder with the test's limits.
pub(crate) async fn fetch(url: Url) -> (Result<Fetched, Error>, TempDir) {
    let folder = TempDir::new().unwrap();
    let result = fetch_into(&client(), &url, folder.path(), limits()).await;
    (result, folder)
}

pub(crate) async fn fetch_into(
    client: &Client,
    url: &Url,
    folder: &Path,
    limits: FetchLimits,
) -> Result<Fetched, Error> {
    egress::fetch(client, url, &folder.join("source.mp4"), &limits, |_| {}).await
}

/// What the folder holds when it holds one file.
pub(crate) fn only_file(folder: &TempDir) -> Vec<u8> {
    assert_eq!(names(folder), ["source.mp4"]);
    std::fs::read(folder.path().join("source.mp4")).unwrap()
}

pub(crate) fn names(folder: &TempDir) -> Vec<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Says how long the whole is but sends only a part of it.
pub(crate) fn cut_off(etag: &str, body: &[u8], sent: usize) -> Vec<u8> {
    answer(
        "200 OK",
        &format!("{etag}Content-Length: {}\r\n", body.len()),
        &body[..sent],
    )
}

#[tokio::test]
async fn a_file_is_fetched_through_redirects_with_one_look_up_each() {
    let server = Server::bytes(|nth, _| match nth {
        0 => answer(
            "302 Found",
            "Location: /b?c=d\r\nContent-Length: 0\r\n",
            b"",
        ),
        _ => whole(&video(SIZE)),
    })
    .await;
    let (guard, lookups) = guard();
    let client = Client::new(guard, Duration::from_secs(2)).unwrap();
    let folder = TempDir::new().unwrap();
    let mut seen = Vec::new();
    let path = folder.path().join("source.mp4");
    let fetched = egress::fetch(&client, &server.url("/a"), &path, &limits(), |progress| {
        seen.push(progress);
    })
    .await
    .unwrap();
    assert_eq!(
        fetched,
        Fetched::Media(MediaFile {
            path,
            bytes: SIZE as u64
        })
    );
    assert!(only_file(&folder) == video(SIZE));
    assert_eq!(
        seen.last(),
        Some(&Progress {
            received: SIZE as u64,
            total: Some(SIZE as u64)
        })
    );
    assert!(seen.is_sorted_by_key(|progress| progress.received));
    assert_eq!(server.requests()[1].line, "GET /b?c=d HTTP/1.1");
    assert_eq!(lookups.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn proxies_of_the_environment_are_ignored() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "fetching::a_file_is_fetched_through_redirects_with_one_look_up_each",
    ]);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "all_proxy",
        "ALL_PROXY",
    ] {
        child.env(name, "http://127.0.0.1:1");
    }
    let output = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("1 passed"),
        "{output:?}"
    );
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused() {
    let victim = Server::forbidden(0).await;
    let port = victim.address.port();
    for target in [
        format!("http://127.0.0.1:{port}/"),
        format!("//2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://private.test:{port}/"),
        format!("http://mixed.test:{port}/"),
    ] {
        let server = Server::text(move |_, _| {
            format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n")
        })
        .await;
        let (result, folder) = fetch(server.url("/")).await;
        assert!(matches!(result, Err(Error::Forbidden { .. })), "{result:?}");
        assert_eq!(names(&folder), [""; 0]);
        assert_eq!(server.connections(), 1, "it is not tried again");
    }
    assert_eq!(victim.connections(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_file_or_without_end_is_refused() {
    let server = Server::text(|_, _| {
        "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n".into()
    })
    .await;
    assert!(matches!(
        fetch(server.url("/")).await.0,
        Err(Error::Address(_))
    ));
    let server = Server::text(|nth, _| {
        format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: /{nth}\r\nContent-Length: 0\r\n\r\n")
    })
    .await;
    assert!(matches!(
        fetch(server.url("/")).await.0,
        Err(Error::Redirects)
    ));
    assert_eq!(server.requests().len(), domain::limits::MAX_REDIRECTS + 1);
}

#[tokio::test]
async fn a_name_that_turns_private_is_refused_on_the_second_look_up() {
    let server = Server::bytes(|_, _| cut_off(ETAG, &video(SIZE), SIZE / 2)).await;
    let victim = Server::forbidden(server.address.port()).await;
    let (result, folder) = fetch(server.url_at("rebinds.test", "/")).await;
    assert!(matches!(result, Err(Error::Forbidden { .. })), "{result:?}");
    assert_eq!((server.connections(), victim.connections()), (1, 0));
    assert_eq!(names(&folder), [""; 0]);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let server = Server::start(crate::server::PUBLIC, 0, |_, _, stream| async move {
        sleep(Duration::from_mins(1)).await;
        drop(stream);
        Ok(())
    })
    .await;
    let began = Instant::now();
    let (result, _) = fetch(server.url("/")).await;
    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// A byte each 20 ms: never silent, yet far too slow.
async fn dripping_server() -> Server {
    Server::start(crate::server::PUBLIC, 0, |_, _, mut stream| async move {
        stream
            .write_all(&answer("200 OK", "Content-Length: 1000000\r\n", b""))
            .await?;
        loop {
            stream.write_all(b"x").await?;
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_server_that_drips_is_given_up() {
    let (result, folder) = fetch(dripping_server().await.url("/")).await;
    assert!(
        matches!(
            result,
            Err(Error::Stalled {
                min_bytes: 1000,
                ..
            })
        ),
        "{result:?}"
    );
    assert_eq!(names(&folder), [""; 0]);
}

#[tokio::test]
async fn the_whole_has_a_time_limit() {
    let server = dripping_server().await;
    let folder = TempDir::new().unwrap();
    let hurried = FetchLimits {
        total: Duration::from_millis(300),
        min_bytes_per_stall: 1,
        ..limits()
    };
    let result = fetch_into(&client(), &server.url("/"), folder.path(), hurried).await;
    assert!(matches!(result, Err(Error::TimedOut(_))), "{result:?}");
    assert_eq!(names(&folder), [""; 0]);
}

#[tokio::test]
async fn more_bytes_than_the_limit_are_refused_however_they_come() {
    let limit = 2 << 20;
    let announced = Server::text(|_, _| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            (2 << 20) + 4
        )
    })
    .await;
    let until_close = Server::bytes(|_, _| answer("200 OK", "", &video((2 << 20) + 4))).await;
    let chunked = Server::start(crate::server::PUBLIC, 0, |_, _, mut stream| async move {
        stream
            .write_all(&answer("200 OK", "Transfer-Encoding: chunked\r\n", b""))
            .await?;
        loop {
            stream
                .write_all(&[b"10000\r\n".as_slice(), &video(0x10000), b"\r\n"].concat())
                .await?;
        }
    })
    .await;
    for server in [announced, until_close, chunked] {
        let (result, folder) = fetch(server.url("/")).await;
        assert!(
            matches!(result, Err(Error::TooLarge { limit: told }) if told == limit),
            "{result:?}"
        );
        assert_eq!(names(&folder), [""; 0]);
        assert_eq!(server.requests().len(), 1, "it is not tried again");
    }
}

#[tokio::test]
async fn refusals_are_told_apart_and_only_passing_ones_tried_again() {
    for (status, tries) in [
        ("404 Not Found", 1),
        ("410 Gone", 1),
        ("403 Forbidden", 1),
        ("451 No", 1),
        ("500 Oops", 3),
        ("503 Busy", 3),
    ] {
        let server = Server::bytes(move |_, _| answer(status, "Content-Length: 0\r\n", b"")).await;
        let (result, _) = fetch(server.url("/")).await;
        match status.as_bytes()[..3] {
            [b'5', ..] => assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}"),
            [_, b'0', b'3'] | [_, b'5', _] => {
                assert!(matches!(result, Err(Error::Blocked { .. })), "{result:?}");
            }
            _ => assert!(matches!(result, Err(Error::Missing { .. })), "{result:?}"),
        }
        assert_eq!(server.requests().len(), tries, "{status}");
    }
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_waited_for_if_it_is_not_long() {
    let server = Server::bytes(|nth, _| match nth {
        0 => answer(
            "429 Too Many Requests",
            "Retry-After: 1\r\nContent-Length: 0\r\n",
            b"",
        ),
        _ => whole(b"video"),
    })
    .await;
    let began = Instant::now();
    assert!(fetch(server.url("/")).await.0.is_ok());
    assert!(began.elapsed() >= Duration::from_secs(1));
    for (status, seconds, is_waited_for) in [
        ("429 Too Many Requests", MAX_DOWNLOAD_RETRY_AFTER_S, true),
        (
            "429 Too Many Requests",
            MAX_DOWNLOAD_RETRY_AFTER_S + 1,
            false,
        ),
        (
            "503 Service Unavailable",
            MAX_DOWNLOAD_RETRY_AFTER_S + 1,
            false,
        ),
    ] {
        let server = Server::bytes(move |_, _| {
            let wish = format!("Retry-After: {seconds}\r\nContent-Length: 0\r\n");
            answer(status, &wish, b"")
        })
        .await;
        let fetched = fetch(server.url("/"));
        let fetched = tokio::time::timeout(Duration::from_secs(2), fetched).await;
        if is_waited_for {
            assert!(fetched.is_err(), "{status}: it still waits");
        } else {
            let refused = fetched.unwrap().0;
            assert!(
                matches!(refused, Err(Error::RetryAfter { .. })),
                "{refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_page_or_playlist_is_left_for_others() {
    for media_type in [
        "text/html; charset=utf-8",
        "Application/Vnd.Apple.MpegURL",
        "application/dash+xml",
    ] {
        let server = Server::bytes(move |_, _| {
            answer(
                "200 OK",
                &format!("Content-Type: {media_type}\r\n"),
                b"<html>",
            )
        })
        .await;
        let (result, folder) = fetch(server.url("/watch")).await;
        assert!(matches!(result, Ok(Fetched::Page)), "{result:?}");
        assert_eq!(names(&folder), [""; 0]);
    }
}
