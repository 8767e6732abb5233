//! A customer's server that misbehaves, byte by byte.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

/// What the server does after a request.
#[derive(Debug, Clone)]
pub(crate) enum Behavior {
    /// Sends this and closes the connection.
    Says(String),
    /// Sends this and then nothing; the connection stays open.
    SaysAndWaits(&'static str),
    /// Sends this and then a byte of `x` now and then, without end.
    Drips(&'static str),
    /// Sends this and then as much as is read, without end.
    Pours(&'static str),
    /// Sends this and resets the connection.
    Breaks(&'static str),
}

/// The server of one test.
pub(crate) struct MisbehavingServer {
    pub(crate) port: u16,
    requests: Arc<AtomicUsize>,
}

impl MisbehavingServer {
    pub(crate) async fn start(manner: Behavior) -> Self {
        let (server, listener) = Self::bound().await;
        let requests = Arc::clone(&server.requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(behave(stream, manner.clone(), Arc::clone(&requests)));
            }
        });
        server
    }

    /// A server that behaves, with a certificate.
    pub(crate) async fn with_certificate(certified: &Certified) -> Self {
        let key = PrivateKeyDer::Pkcs8(certified.key.serialize_der().into());
        let settings = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certified.certificate.der().clone()], key)
            .expect("settings");
        let acceptor = TlsAcceptor::from(Arc::new(settings));
        let (server, listener) = Self::bound().await;
        let requests = Arc::clone(&server.requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, requests) = (acceptor.clone(), Arc::clone(&requests));
                tokio::spawn(async move {
                    if let Ok(mut stream) = acceptor.accept(stream).await {
                        let _ = read_request(&mut stream).await;
                        requests.fetch_add(1, Ordering::SeqCst);
                        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                    }
                });
            }
        });
        server
    }

    async fn bound() -> (Self, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::default();
        (Self { port, requests }, listener)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Number of requests that were read completely.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// A certificate with its key.
pub(crate) struct Certified {
    certificate: Certificate,
    key: KeyPair,
}

/// A certificate authority.
pub(crate) struct Issuer(rcgen::Issuer<'static, KeyPair>, Certificate);

impl Issuer {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = parameters.self_signed(&key).expect("a certificate");
        Self(rcgen::Issuer::new(parameters, key), own)
    }

    /// The certificate to trust.
    pub(crate) fn pem(&self) -> String {
        self.1.pem()
    }

    /// Issues a certificate for a name, valid until the end of a year.
    pub(crate) fn certify(&self, name: &str, last_year: i32) -> Certified {
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new([name.to_owned()]);
        let mut parameters = parameters.expect("a name");
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(last_year, 12, 31);
        let certificate = parameters.signed_by(&key, &self.0);
        let certificate = certificate.expect("a certificate");
        Certified { certificate, key }
    }
}

async fn behave(mut stream: TcpStream, manner: Behavior, requests: Arc<AtomicUsize>) {
    if read_request(&mut stream).await.is_none() {
        return;
    }
    requests.fetch_add(1, Ordering::SeqCst);
    // an error is a client that has disconnected
    let _ = match manner {
        Behavior::Says(text) => say(&mut stream, &text).await,
        Behavior::SaysAndWaits(text) => {
            let said = say(&mut stream, text).await;
            std::future::pending::<()>().await;
            said
        }
        Behavior::Drips(text) => pour(&mut stream, text, b"x", Duration::from_millis(200)).await,
        Behavior::Pours(text) => pour(&mut stream, text, &[b'x'; 4096], Duration::ZERO).await,
        Behavior::Breaks(text) => {
            let said = say(&mut stream, text).await;
            // so that the client sees a reset and not an end
            stream.set_zero_linger().expect("a socket");
            said
        }
    };
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), text: &str) -> std::io::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await
}

async fn pour(
    stream: &mut TcpStream,
    text: &str,
    more: &[u8],
    pause: Duration,
) -> std::io::Result<()> {
    say(stream, text).await?;
    loop {
        stream.write_all(more).await?;
        tokio::time::sleep(pause).await;
    }
}

/// Reads head and body, by the length in the head.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<()> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length?.trim().parse().ok()?;
            if body.len() >= length {
                return Some(());
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await.ok()? {
            0 => return None,
            bytes => read.extend_from_slice(&part[..bytes]),
        }
    }
}
