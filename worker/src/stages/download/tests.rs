//! The stage against sites on loopback, with the real `yt-dlp`.

mod server;

use std::{collections::HashMap, process::Command, sync::Arc};

use self::server::{Site, files};
use super::*;

fn what(source: &str) -> Download<'_> {
    Download {
        source,
        folder: Path::new("/nonexistent"),
        language: None,
        cookies: None,
        allow_private_networks: false,
        programs: Path::new("/nonexistent"),
        limits: DownloadLimits::default(),
    }
}

#[test]
fn paths_and_addresses_are_told_apart() {
    for path in [
        "talk.mp4",
        "-talk 'x' \"y\" 🎤.mp4",
        "/a/b",
        "http",
        "httpx.mp4",
        "c:talk.mp4",
    ] {
        assert_eq!(place(&what(path)), Ok(Place::File(path.into())), "{path}");
    }
    for address in ["http://a.test/x", "HTTPS://a.test/x", " https://a.test/"] {
        assert!(
            matches!(place(&what(address)), Ok(Place::Web(_))),
            "{address}"
        );
    }
    for (address, code) in [
        ("ftp://a.test/x", ErrorCode::SourceUnsupported),
        ("file:///etc/passwd", ErrorCode::SourceUnsupported),
        ("http://u:p@a.test/x", ErrorCode::SourceUnsupported),
        ("http://", ErrorCode::SourceUnsupported),
        ("http://127.1/x", ErrorCode::SourceForbidden),
        ("http:0x7f000001", ErrorCode::SourceForbidden),
    ] {
        assert_eq!(
            place(&what(address)).map_err(|why| why.code),
            Err(code),
            "{address}"
        );
    }
}

#[test]
fn only_the_sites_themselves_are_known() {
    let known = |address: &str| is_known_site(&address.parse().unwrap());
    assert!(
        known("https://www.youtube.com/watch?v=x")
            && known("https://youtu.be/x")
            && known("https://m.youtube.com./")
    );
    assert!(
        !known("https://notyoutube.com/")
            && !known("https://youtube.com.evil.test/")
            && !known("http://1.1.1.1/")
    );
}

/// Where `make setup` puts the programs; none if it was not run, and the tests that need them are passed over.
fn programs() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/clipwright/bin");
    ["yt-dlp", "deno", "ffmpeg", "ffprobe"]
        .iter()
        .all(|name| folder.join(name).exists())
        .then_some(folder)
}

/// Downloads with private networks allowed, as a site on loopback needs.
async fn run(
    programs: &Path,
    source: &str,
    limits: DownloadLimits,
) -> (
    Result<Downloaded, Failure>,
    Option<Ahead>,
    tempfile::TempDir,
) {
    let folder = tempfile::tempdir().unwrap();
    let (ahead, heard) = oneshot::channel();
    let what = Download {
        folder: folder.path(),
        programs,
        allow_private_networks: true,
        limits,
        ..what(source)
    };
    let result = download(&what, ahead, |_| {}).await;
    (result, heard.await.ok(), folder)
}

/// The kinds of a file's streams, in order.
fn streams(programs: &Path, file: &Path) -> String {
    let output = Command::new(programs.join("ffprobe"))
        .args([
            "-v",
            "error",
            "-show_entries",
            "stream=codec_type",
            "-of",
            "csv=p=0",
        ])
        .arg(file)
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_video_of_a_page_is_fetched_and_taken_again_by_the_next_run() {
    let Some(programs) = programs() else { return };
    let site = Site::start("127.0.0.1", files(&programs)).await;
    let source = site.url("/page.html");
    let (result, ahead, folder) = run(&programs, &source, DownloadLimits::default()).await;
    let first = result.unwrap();
    assert!(first.title.as_deref().unwrap().starts_with("Of dogs"));
    assert_eq!(
        (streams(&programs, &first.video).as_str(), ahead),
        ("video audio", None)
    );
    let asked = site.asked.lock().unwrap().len();
    let what = Download {
        folder: folder.path(),
        programs: &programs,
        allow_private_networks: true,
        ..what(&source)
    };
    assert_eq!(
        download(&what, oneshot::channel().0, |_| {}).await,
        Ok(first)
    );
    assert_eq!(site.asked.lock().unwrap().len(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_or_captions_come_ahead_of_the_pictures() {
    let Some(programs) = programs() else { return };
    let site = Site::start("127.0.0.1", files(&programs)).await;
    let (result, ahead, _folder) = run(
        &programs,
        &site.url("/talk.m3u8"),
        DownloadLimits::default(),
    )
    .await;
    let done = result.unwrap();
    assert_eq!(streams(&programs, &done.video), "video audio");
    let Some(Ahead::Sound(sound)) = ahead else {
        panic!("{ahead:?}")
    };
    assert_eq!(streams(&programs, &sound), "audio");
    let asked = site.asked.lock().unwrap().clone();
    let first = |path: &str| asked.iter().position(|asked| asked.starts_with(path));
    assert!(first("/list_10.m4s") < first("/list_00.m4s"), "{asked:?}");

    let (result, ahead, _folder) = run(
        &programs,
        &site.url("/said.m3u8"),
        DownloadLimits::default(),
    )
    .await;
    let captions = result.unwrap().captions.unwrap();
    assert_eq!(captions.segments[0].text, "This is what I have to say.");
    assert_eq!(ahead, Some(Ahead::Captions(captions)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_site_refuses_or_has_too_much_of_is_told() {
    let Some(programs) = programs() else { return };
    let site = Site::start("127.0.0.1", files(&programs)).await;
    let small = DownloadLimits {
        max_bytes: 5_000,
        ..DownloadLimits::default()
    };
    let short = DownloadLimits {
        max_duration: Duration::from_secs(3),
        ..DownloadLimits::default()
    };
    let hurried = DownloadLimits {
        time: Duration::from_millis(500),
        ..DownloadLimits::default()
    };
    for (path, limits, code) in [
        ("/page.html", small, ErrorCode::SourceTooLarge),
        ("/talk.m3u8", small, ErrorCode::SourceTooLarge),
        ("/talk.m3u8", short, ErrorCode::SourceTooLong),
        (
            "/members",
            DownloadLimits::default(),
            ErrorCode::SourceBlocked,
        ),
        (
            "/nothing",
            DownloadLimits::default(),
            ErrorCode::SourceUnavailable,
        ),
        ("/silent", hurried, ErrorCode::TimedOut),
    ] {
        let (result, _, folder) = run(&programs, &site.url(path), limits).await;
        assert_eq!(result.map_err(|why| why.code), Err(code), "{path}");
        assert_eq!(
            std::fs::read_dir(&folder).unwrap().count(),
            0,
            "{path}: nothing is left"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_cannot_lead_yt_dlp_into_a_private_network() {
    let Some(programs) = programs() else { return };
    let victim = Site::start("127.0.0.1", files(&programs)).await;
    let page = format!(
        "<html><body><video src=\"{}\"></video></body></html>",
        victim.url("/talk.mp4")
    );
    let site = Site::start(
        "127.0.0.2",
        HashMap::from([("/page.html".to_owned(), page.into_bytes())]),
    )
    .await;
    // 127.0.0.2 stands for a public address
    let guard = Guard::with(
        |ip| ip.to_string() == "127.0.0.2",
        Arc::new(|_| unreachable!("no name is looked up")),
    );
    let folder = tempfile::tempdir().unwrap();
    let source = site.url("/page.html");
    let what = Download {
        programs: &programs,
        ..what(&source)
    };
    let url = source.parse().unwrap();
    let fetched = site::fetch(
        &what,
        guard,
        &url,
        folder.path(),
        oneshot::channel().0,
        &mut |_| {},
    )
    .await;
    assert_eq!(
        fetched.map_err(|why| why.code),
        Err(ErrorCode::SourceForbidden)
    );
    assert_eq!(
        site.asked.lock().unwrap().first().map(String::as_str),
        Some("/page.html")
    );
    assert!(victim.asked.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_download_leaves_no_process() {
    let Some(programs) = programs() else { return };
    let site = Site::start("127.0.0.1", HashMap::new()).await;
    let source = site.url("/silent");
    let folder = tempfile::tempdir().unwrap();
    let cookies = folder.path().join("cookies.txt");
    std::fs::write(&cookies, "# Netscape HTTP Cookie File\n").unwrap();
    let what = Download {
        folder: folder.path(),
        programs: &programs,
        cookies: Some(&cookies),
        allow_private_networks: true,
        ..what(&source)
    };
    let fetching = download(&what, oneshot::channel().0, |_| {});
    let asked = async {
        while site.asked.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(is_running(&source));
    };
    tokio::select! {
        done = fetching => panic!("{done:?}"),
        () = asked => {}
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!is_running(&source));
}

/// Whether a program has this among its arguments.
fn is_running(argument: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(argument))
}
