//! Downloads that break off and are gone on with, or begun anew where that would mix two files.

use std::time::Duration;

use egress::{Error, FetchLimits, Fetched, MediaFile};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, time::sleep};

use crate::fetching::{ETAG, SIZE, cut_off, fetch, fetch_into, limits, names, only_file};
use crate::server::{Received, Server, answer, client, video, whole};

/// The rest that was asked for.
fn rest(etag: &str, body: &[u8], request: &Received) -> Vec<u8> {
    let from = request.range_start().expect("a range is asked for");
    let range = format!(
        "{etag}Content-Range: bytes {from}-{}/{}\r\nContent-Length: {}\r\n",
        body.len() - 1,
        body.len(),
        body.len() - from
    );
    answer("206 Partial Content", &range, &body[from..])
}

#[tokio::test]
async fn a_broken_connection_is_gone_on_with() {
    let server = Server::bytes(|nth, request| match nth {
        0 => cut_off(ETAG, &video(SIZE), SIZE / 2),
        _ => rest(ETAG, &video(SIZE), request),
    })
    .await;
    let (result, folder) = fetch(server.url("/")).await;
    assert!(
        matches!(result, Ok(Fetched::Media(MediaFile { bytes, .. })) if bytes == SIZE as u64),
        "{result:?}"
    );
    assert!(only_file(&folder) == video(SIZE));
    let second = &server.requests()[1];
    assert_eq!(second.range_start(), Some(SIZE / 2));
    assert_eq!(second.headers["if-range"], "\"one\"");
}

#[tokio::test]
async fn a_dropped_download_is_gone_on_with_by_the_next() {
    let server = Server::start(
        crate::server::PUBLIC,
        0,
        |nth, request, mut stream| async move {
            if nth == 0 {
                stream
                    .write_all(&cut_off(
                        "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n",
                        &video(SIZE),
                        SIZE / 3,
                    ))
                    .await?;
                sleep(Duration::from_mins(1)).await;
            }
            stream.write_all(&rest("", &video(SIZE), &request)).await
        },
    )
    .await;
    let folder = TempDir::new().unwrap();
    let patient = FetchLimits {
        stall: Duration::from_secs(30),
        ..limits()
    };
    let (client, url) = (client(), server.url("/"));
    let first = fetch_into(&client, &url, folder.path(), patient);
    assert!(
        tokio::time::timeout(Duration::from_millis(700), first)
            .await
            .is_err()
    );
    assert_eq!(names(&folder).len(), 2, "the part and its record are kept");
    fetch_into(&client, &url, folder.path(), patient)
        .await
        .unwrap();
    assert!(only_file(&folder) == video(SIZE));
    assert_eq!(server.requests()[1].range_start(), Some(SIZE / 3));
}

#[tokio::test]
async fn another_address_does_not_get_the_old_bytes() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("source.mp4.part"), b"old").unwrap();
    std::fs::write(
        folder.path().join("source.mp4.part.json"),
        br#"{"url":"http://public.test/other","validator":"\"one\"","total":null}"#,
    )
    .unwrap();
    let server = Server::bytes(|_, _| whole(b"new")).await;
    fetch_into(&client(), &server.url("/"), folder.path(), limits())
        .await
        .unwrap();
    assert_eq!(only_file(&folder), b"new");
    assert_eq!(server.requests()[0].range_start(), None);
}

#[tokio::test]
async fn a_server_without_ranges_is_begun_anew() {
    let server =
        Server::bytes(|nth, _| cut_off(ETAG, &video(SIZE), if nth == 0 { SIZE / 2 } else { SIZE }))
            .await;
    let (result, folder) = fetch(server.url("/")).await;
    assert!(result.is_ok(), "{result:?}");
    assert!(only_file(&folder) == video(SIZE));
}

#[tokio::test]
async fn a_file_that_changed_in_between_is_begun_anew() {
    let new: Vec<u8> = video(SIZE).into_iter().rev().collect();
    // the first server honours If-Range, the second does not and sends the rest of another file
    for honest in [true, false] {
        let new_file = new.clone();
        let server = Server::bytes(move |nth, request| match nth {
            0 => cut_off(ETAG, &video(SIZE), SIZE / 2),
            1 if !honest => rest("ETag: \"two\"\r\n", &new_file, request),
            _ => cut_off("ETag: \"two\"\r\n", &new_file, SIZE),
        })
        .await;
        let (result, folder) = fetch(server.url("/")).await;
        assert!(result.is_ok(), "{result:?}");
        assert!(only_file(&folder) == new, "honest: {honest}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_for_ever_is_given_up() {
    let server = Server::bytes(|_, request| {
        let from = request.range_start().unwrap_or(0);
        let mut short = if from == 0 {
            cut_off(ETAG, &video(SIZE), SIZE)
        } else {
            rest(ETAG, &video(SIZE), request)
        };
        short.truncate(short.len() + from + 50_000 - SIZE);
        short
    })
    .await;
    let (result, folder) = fetch(server.url("/")).await;
    assert!(
        matches!(result, Err(Error::ConnectionLost { received: 150_000 })),
        "{result:?}"
    );
    assert_eq!(server.requests().len(), 3);
    assert_eq!(names(&folder), [""; 0]);
}
