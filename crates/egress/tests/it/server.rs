//! A server that answers as a test wants, and a guard under which 127.0.0.2 is the only public address.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use egress::{Client, Guard};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use url::Url;

/// What stands for a public address.
pub(crate) const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// What stands for a private one.
pub(crate) const PRIVATE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A request as it came in; header names in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) headers: HashMap<String, String>,
}

impl Received {
    /// First byte asked for.
    pub(crate) fn range_start(&self) -> Option<usize> {
        let range = self.headers.get("range")?;
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    }
}

/// A server that ends when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves one request per connection: `answer` gets it and the number of those before it.
    pub(crate) async fn start<F>(
        ip: IpAddr,
        port: u16,
        answer: impl Fn(usize, Received, TcpStream) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind((ip, port)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (log, count) = (requests.clone(), connections.clone());
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let Ok(request) = read_request(&mut stream).await else {
                    continue;
                };
                let nth = {
                    let mut log = log.lock().unwrap();
                    log.push(request.clone());
                    log.len() - 1
                };
                tokio::spawn(answer(nth, request, stream));
            }
        });
        Self {
            address,
            requests,
            connections,
            task,
        }
    }

    /// A public server whose answers are texts.
    pub(crate) async fn text(
        answer: impl Fn(usize, &Received) -> String + Send + Sync + 'static,
    ) -> Self {
        Self::bytes(move |nth, request| answer(nth, request).into_bytes()).await
    }

    /// A public server whose answers are bytes, after which the connection ends.
    pub(crate) async fn bytes(
        answer: impl Fn(usize, &Received) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::start(PUBLIC, 0, move |nth, request, mut stream| {
            let answer = answer(nth, &request);
            async move { stream.write_all(&answer).await }
        })
        .await
    }

    /// A private server, on any port or a given one, that must not be reached.
    pub(crate) async fn forbidden(port: u16) -> Self {
        Self::start(PRIVATE, port, |_, _, mut stream| async move {
            stream.write_all(whole(b"secret").as_slice()).await
        })
        .await
    }

    /// Its address under a public name.
    pub(crate) fn url(&self, path: &str) -> Url {
        self.url_at("public.test", path)
    }

    /// Its address under another name.
    pub(crate) fn url_at(&self, host: &str, path: &str) -> Url {
        format!("http://{host}:{}{path}", self.address.port())
            .parse()
            .unwrap()
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_request(stream: &mut TcpStream) -> io::Result<Received> {
    let mut lines = BufReader::new(stream).lines();
    let line = lines.next_line().await?.unwrap_or_default();
    let mut headers = HashMap::new();
    while let Some(line) = lines.next_line().await?.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    Ok(Received { line, headers })
}

/// A full answer with a body of known length.
pub(crate) fn whole(body: &[u8]) -> Vec<u8> {
    answer(
        "200 OK",
        &format!(
            "Content-Length: {}\r\nContent-Type: video/mp4\r\n",
            body.len()
        ),
        body,
    )
}

/// An answer of these parts.
pub(crate) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    [
        format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").as_bytes(),
        body,
    ]
    .concat()
}

/// Bytes of which no two aligned stretches are the same; a multiple of 4.
pub(crate) fn video(bytes: usize) -> Vec<u8> {
    let mut video = Vec::with_capacity(bytes);
    for number in 0..bytes as u32 / 4 {
        video.extend_from_slice(&number.to_be_bytes());
    }
    video
}

/// Names with their addresses: `public.test`, `private.test`, `mixed.test` with both, `empty.test` with none, and
/// `rebinds.test`, which is public at first and private from the second look-up on.
pub(crate) fn guard() -> (Guard, Arc<AtomicUsize>) {
    let lookups = Arc::new(AtomicUsize::new(0));
    let count = lookups.clone();
    let lookup = move |name: String| {
        let before = count.fetch_add(1, Ordering::SeqCst);
        let answer = match (name.as_str(), before) {
            ("public.test", _) | ("rebinds.test", 0) => Ok(vec![PUBLIC]),
            ("private.test" | "rebinds.test", _) => Ok(vec![PRIVATE]),
            ("mixed.test", _) => Ok(vec![PUBLIC, PRIVATE]),
            ("empty.test", _) => Ok(vec![]),
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        Box::pin(std::future::ready(answer)) as egress::Answer
    };
    (
        Guard::with(|address| address == PUBLIC, Arc::new(lookup)),
        lookups,
    )
}

/// A client under that guard.
pub(crate) fn client() -> Client {
    Client::new(guard().0, Duration::from_secs(2)).unwrap()
}
