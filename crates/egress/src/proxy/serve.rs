//! Request handling of the proxy: `CONNECT` opens a tunnel, a plain HTTP request is forwarded.

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

use super::{State, metered::Metered};
use crate::Error;

/// Timeout for receiving the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Delay after the system failed to accept a connection, for example because too many files are open.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// A forwarded body, or a message of the proxy.
type Body = Either<Incoming, Full<Bytes>>;

/// Accepts and serves connections until it is cancelled.
pub(super) async fn accept(listener: TcpListener, state: Arc<State>) {
    let permits = Arc::new(Semaphore::new(state.limits.connections));
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let state = state.clone();
                let cancel = state.cancel.clone();
                tokio::spawn(cancel.run_until_cancelled_owned(async move {
                    serve(stream, state).await;
                    drop(permit);
                }));
            }
            Err(_) => tokio::time::sleep(ACCEPT_RETRY_DELAY).await,
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(|request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(answer(request, &state).await) }
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

async fn answer(request: Request<Incoming>, state: &Arc<State>) -> Response<Body> {
    let is_authorized = (request.headers().get(header::PROXY_AUTHORIZATION))
        .is_some_and(|value| value.as_bytes() == state.authorization.as_bytes());
    if !is_authorized {
        let mut response = rejection(
            StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            "proxy authentication required",
        );
        let scheme = HeaderValue::from_static("Basic realm=\"clipwright\"");
        response
            .headers_mut()
            .insert(header::PROXY_AUTHENTICATE, scheme);
        return response;
    }
    let outcome = if request.method() == Method::CONNECT {
        tunnel(request, state).await
    } else {
        forward(request, state).await
    };
    outcome.unwrap_or_else(Into::into)
}

/// The rejection of a request, with its reason.
struct Rejection(StatusCode, String);

impl From<Rejection> for Response<Body> {
    fn from(Rejection(status, why): Rejection) -> Self {
        rejection(status, &why)
    }
}

fn rejection(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(format!("{why}\n"))));
    *response.status_mut() = status;
    response
}

async fn dial(uri: &Uri, default_port: u16, state: &Arc<State>) -> Result<Metered, Rejection> {
    let authority = uri
        .authority()
        .filter(|authority| !authority.as_str().contains('@'));
    let Some(authority) = authority else {
        return Err(Rejection(
            StatusCode::BAD_REQUEST,
            "the request must name a host without user info".into(),
        ));
    };
    let port = authority.port_u16().unwrap_or(default_port);
    match state
        .guard
        .dial(authority.host(), port, state.limits.connect)
        .await
    {
        Ok(stream) => Ok(Metered::new(stream, state.clone())),
        Err(why @ Error::Forbidden { .. }) => {
            state
                .forbidden()
                .get_or_insert_with(|| authority.host().to_owned());
            Err(Rejection(StatusCode::FORBIDDEN, why.to_string()))
        }
        Err(why) => Err(Rejection(StatusCode::BAD_GATEWAY, why.to_string())),
    }
}

async fn tunnel(
    request: Request<Incoming>,
    state: &Arc<State>,
) -> Result<Response<Body>, Rejection> {
    let mut server = dial(request.uri(), 443, state).await?;
    let cancel = state.cancel.clone();
    tokio::spawn(cancel.run_until_cancelled_owned(async move {
        if let Ok(program) = hyper::upgrade::on(request).await {
            // the peers themselves handle how a tunnel ends
            let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(program), &mut server).await;
        }
    }));
    Ok(Response::new(Either::Right(Full::default())))
}

async fn forward(
    mut request: Request<Incoming>,
    state: &Arc<State>,
) -> Result<Response<Body>, Rejection> {
    if request.uri().scheme_str() != Some("http") {
        return Err(Rejection(
            StatusCode::BAD_REQUEST,
            "only http:// is forwarded; use CONNECT for https://".into(),
        ));
    }
    let server = dial(request.uri(), 80, state).await?;
    let bad_gateway = |why: hyper::Error| Rejection(StatusCode::BAD_GATEWAY, why.to_string());
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(server))
        .await
        .map_err(bad_gateway)?;
    tokio::spawn(state.cancel.clone().run_until_cancelled_owned(connection));
    make_direct(&mut request);
    let mut response = sender.send_request(request).await.map_err(bad_gateway)?;
    remove_hop_by_hop(response.headers_mut());
    Ok(response.map(Either::Left))
}

/// Converts a proxy request into a direct one (RFC 9112, 3.2.2).
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

/// Removes hop-by-hop headers (RFC 9110, 7.6.1).
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
