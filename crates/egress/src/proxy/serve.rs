//! What the proxy does with its requests: `CONNECT` becomes a tunnel, a plain HTTP request is sent on.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http_body_util::{Either, Full};
use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    client,
    header::{self, HeaderMap, HeaderName, HeaderValue},
    server,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::{Passage, metered::Metered};
use crate::Error;

/// How long a program may take to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait when the system refuses a connection, e.g. because too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A body sent on, or a line of ours.
type Body = Either<Incoming, Full<Bytes>>;

/// Serves connections for ever.
pub(super) async fn accept(listener: TcpListener, passage: Arc<Passage>) {
    let places = Arc::new(Semaphore::new(passage.limits.connections));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let passage = passage.clone();
                let end = passage.end.clone();
                tokio::spawn(end.run_until_cancelled_owned(async move {
                    serve(stream, passage).await;
                    drop(place);
                }));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve(stream: TcpStream, passage: Arc<Passage>) {
    let service = service_fn(|request| {
        let passage = passage.clone();
        async move { Ok::<_, Infallible>(answer(request, &passage).await) }
    });
    let served = server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(why) = served {
        tracing::debug!(%why, "proxy connection ended");
    }
}

async fn answer(request: Request<Incoming>, passage: &Arc<Passage>) -> Response<Body> {
    let let_in = (request.headers().get(header::PROXY_AUTHORIZATION))
        .is_some_and(|value| value.as_bytes() == passage.authorization.as_bytes());
    if !let_in {
        let mut response = refusal(StatusCode::PROXY_AUTHENTICATION_REQUIRED, "who are you?");
        let scheme = HeaderValue::from_static("Basic realm=\"clipwright\"");
        response
            .headers_mut()
            .insert(header::PROXY_AUTHENTICATE, scheme);
        return response;
    }
    let outcome = if request.method() == Method::CONNECT {
        tunnel(request, passage).await
    } else {
        forward(request, passage).await
    };
    outcome.unwrap_or_else(Into::into)
}

/// Why a request is not served.
struct Refusal(StatusCode, String);

impl From<Refusal> for Response<Body> {
    fn from(Refusal(status, why): Refusal) -> Self {
        refusal(status, &why)
    }
}

fn refusal(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(format!("{why}\n"))));
    *response.status_mut() = status;
    response
}

async fn dial(uri: &Uri, default_port: u16, passage: &Arc<Passage>) -> Result<Metered, Refusal> {
    let authority = uri
        .authority()
        .filter(|authority| !authority.as_str().contains('@'));
    let Some(authority) = authority else {
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            "name a host and no user".into(),
        ));
    };
    let port = authority.port_u16().unwrap_or(default_port);
    match passage
        .guard
        .dial(authority.host(), port, passage.limits.connect)
        .await
    {
        Ok(stream) => Ok(Metered::new(stream, passage.clone())),
        Err(why @ Error::Forbidden { .. }) => {
            passage
                .forbidden()
                .get_or_insert_with(|| authority.host().to_owned());
            Err(Refusal(StatusCode::FORBIDDEN, why.to_string()))
        }
        Err(why) => Err(Refusal(StatusCode::BAD_GATEWAY, why.to_string())),
    }
}

async fn tunnel(
    request: Request<Incoming>,
    passage: &Arc<Passage>,
) -> Result<Response<Body>, Refusal> {
    let mut server = dial(request.uri(), 443, passage).await?;
    let end = passage.end.clone();
    tokio::spawn(end.run_until_cancelled_owned(async move {
        if let Ok(program) = hyper::upgrade::on(request).await {
            // how a tunnel ends is between its two ends
            let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(program), &mut server).await;
        }
    }));
    Ok(Response::new(Either::Right(Full::default())))
}

async fn forward(
    mut request: Request<Incoming>,
    passage: &Arc<Passage>,
) -> Result<Response<Body>, Refusal> {
    if request.uri().scheme_str() != Some("http") {
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            "only http:// is sent on, for https:// use CONNECT".into(),
        ));
    }
    let server = dial(request.uri(), 80, passage).await?;
    let bad_gateway = |why: hyper::Error| Refusal(StatusCode::BAD_GATEWAY, why.to_string());
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(server))
        .await
        .map_err(bad_gateway)?;
    tokio::spawn(passage.end.clone().run_until_cancelled_owned(connection));
    make_direct(&mut request);
    let mut response = sender.send_request(request).await.map_err(bad_gateway)?;
    remove_hop_by_hop(response.headers_mut());
    Ok(response.map(Either::Left))
}

/// Makes a request to a proxy one to the server itself (RFC 9112, 3.2.2).
fn make_direct(request: &mut Request<Incoming>) {
    let host = request
        .uri()
        .authority()
        .and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().insert(header::HOST, host);
    }
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().unwrap_or_default();
    remove_hop_by_hop(request.headers_mut());
}

/// Removes what is meant for the next hop only (RFC 9110, 7.6.1).
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = (headers.get_all(header::CONNECTION).iter())
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let always = [
        header::CONNECTION,
        header::PROXY_AUTHORIZATION,
        header::PROXY_AUTHENTICATE,
        header::UPGRADE,
        header::TE,
        HeaderName::from_static("proxy-connection"),
        HeaderName::from_static("keep-alive"),
    ];
    for name in named.iter().chain(&always) {
        headers.remove(name);
    }
}
