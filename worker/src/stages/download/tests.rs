use std::{
    collections::HashMap,
    net::SocketAddr,
    process::Command,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

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

/// A site: its files, and which were asked for.
struct Site {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    async fn start(ip: &str, files: HashMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, files) = (asked.clone(), Arc::new(files));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (log, files) = (log.clone(), files.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await?);
                    }
                    let path = String::from_utf8_lossy(&head)
                        .split(' ')
                        .nth(1)
                        .unwrap_or_default()
                        .to_owned();
                    log.lock().unwrap().push(path.clone());
                    if path == "/silent" {
                        std::future::pending::<()>().await;
                    }
                    stream.write_all(&answer(&path, files.get(&path))).await
                });
            }
        });
        Self { address, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn answer(path: &str, body: Option<&Vec<u8>>) -> Vec<u8> {
    let media_type = match path.rsplit('.').next() {
        Some("html") => "text/html",
        Some("m3u8") => "application/vnd.apple.mpegurl",
        Some("vtt") => "text/vtt",
        _ => "video/mp4",
    };
    let status = if body.is_some() {
        "200 OK"
    } else if path == "/members" {
        "403 Forbidden"
    } else {
        "404 Not Found"
    };
    let body = body.map_or(&[][..], Vec::as_slice);
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A page with a video of 4 s, and the same as a playlist with sound and captions apart.
fn files(programs: &Path) -> HashMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(programs.join("ffmpeg"))
        .current_dir(&folder)
        .args("-v error -f lavfi -i testsrc2=s=160x120:r=25:d=4 -f lavfi -i sine=440:d=4".split(' '))
        .args("-c:v libx264 -preset ultrafast -g 50 -c:a aac talk.mp4".split(' '))
        .args("-map 0:v -map 1:a -c:v libx264 -preset ultrafast -g 50 -c:a aac -f hls -hls_time 2".split(' '))
        .args("-hls_playlist_type vod -hls_segment_type fmp4 -hls_fmp4_init_filename init_%v.mp4 -master_pl_name talk.m3u8".split(' '))
        .args(["-var_stream_map", "v:0,agroup:a a:0,agroup:a", "list_%v.m3u8"])
        .status()
        .unwrap();
    assert!(made.success());
    let mut files: HashMap<String, Vec<u8>> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| {
            (
                format!("/{}", file.file_name().to_str().unwrap()),
                std::fs::read(file.path()).unwrap(),
            )
        })
        .collect();
    let with_captions = String::from_utf8(files["/talk.m3u8"].clone()).unwrap().replace(
        "#EXT-X-STREAM-INF:",
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"x\",LANGUAGE=\"en\",URI=\"captions.m3u8\"\n#EXT-X-STREAM-INF:SUBTITLES=\"s\",",
    );
    let captions = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:4.0,\ntalk.vtt\n#EXT-X-ENDLIST\n";
    let spoken = "WEBVTT\n\n00:00.000 --> 00:04.000\nThis is what I have to say.\n";
    let page = "<html><head><meta property=\"og:title\" content=\"Of dogs\"></head><body><video src=\"/talk.mp4\"></video></body></html>";
    for (path, text) in [
        ("/said.m3u8", with_captions.as_str()),
        ("/captions.m3u8", captions),
        ("/talk.vtt", spoken),
        ("/page.html", page),
    ] {
        files.insert(path.to_owned(), text.into());
    }
    files
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
