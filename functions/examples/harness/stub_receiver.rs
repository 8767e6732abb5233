//! A stub for what functions send to: customers' receivers and API Gateway's management of connections. It accepts and counts every post.

use std::{
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, body::Bytes, body::Incoming, header};
use tempfile::NamedTempFile;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer, server::NoServerSessionStorage,
    },
};

use crate::loopback;

/// Accepts every post, over plain HTTP at one address and over TLS at another.
pub(crate) struct StubReceiver {
    pub(crate) address: String,
    pub(crate) secure_address: String,
    certificate: NamedTempFile,
    posts: Arc<AtomicUsize>,
}

impl StubReceiver {
    pub(crate) async fn open() -> Self {
        let posts = Arc::new(AtomicUsize::new(0));
        let (listener, address) = loopback::port().await;
        let counter = Arc::clone(&posts);
        loopback::serve(listener, None, move |request| {
            accept(request, Arc::clone(&counter))
        });
        let (acceptor, certificate) = tls();
        let (listener, secure_address) = loopback::port().await;
        let counter = Arc::clone(&posts);
        loopback::serve(listener, Some(acceptor), move |request| {
            let accepted = accept(request, Arc::clone(&counter));
            async { last_of_its_connection(accepted.await) }
        });
        Self {
            address,
            secure_address,
            certificate,
            posts,
        }
    }

    /// The certificate to trust, as PEM.
    pub(crate) fn certificate(&self) -> &Path {
        self.certificate.path()
    }

    /// Number of accepted posts.
    pub(crate) fn posts(&self) -> usize {
        self.posts.load(Ordering::Relaxed)
    }
}

async fn accept(request: Request<Incoming>, posts: Arc<AtomicUsize>) -> Response<Full<Bytes>> {
    let is_post = request.method() == Method::POST;
    if request.into_body().collect().await.is_ok() && is_post {
        posts.fetch_add(1, Ordering::Relaxed);
    }
    Response::new(Full::default())
}

fn last_of_its_connection(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let close = header::HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

/// TLS without session resumption, so that every connection makes a full handshake.
fn tls() -> (TlsAcceptor, NamedTempFile) {
    let names = vec!["127.0.0.1".to_owned()];
    let own = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let mut file = NamedTempFile::new().expect("a file");
    let encoded = BASE64_STANDARD.encode(own.cert.der());
    writeln!(
        file,
        "-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----"
    )
    .expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let mut settings = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .expect("settings");
    settings.send_tls13_tickets = 0;
    settings.session_storage = Arc::new(NoServerSessionStorage {});
    (TlsAcceptor::from(Arc::new(settings)), file)
}
