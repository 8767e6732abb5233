//! A site on loopback, and the pages and playlists that it shows.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A site: its files, and which were asked for.
pub(super) struct Site {
    address: SocketAddr,
    pub(super) asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    pub(super) async fn start(ip: &str, files: HashMap<String, Vec<u8>>) -> Self {
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

    pub(super) fn url(&self, path: &str) -> String {
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
pub(super) fn files(programs: &Path) -> HashMap<String, Vec<u8>> {
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
