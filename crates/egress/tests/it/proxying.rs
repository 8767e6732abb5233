//! The loopback proxy, used as another program would.

use std::time::Duration;

use egress::{Error, Proxy, ProxyLimits};
use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};
use url::Url;

use crate::server::{Server, guard, video, whole};

fn limits() -> ProxyLimits {
    ProxyLimits {
        max_bytes: 1 << 20,
        idle: Duration::from_millis(500),
        ..ProxyLimits::default()
    }
}

async fn proxy() -> Proxy {
    Proxy::start(guard().0, limits()).await.unwrap()
}

/// Another program that was told of the proxy.
fn program(proxy: &str) -> reqwest::Client {
    reqwest::Client::builder()
        .proxy(reqwest::Proxy::all(proxy).unwrap())
        .build()
        .unwrap()
}

/// Opens a tunnel by hand; gives the head of the answer.
async fn connect(proxy: &Proxy, target: &str) -> (TcpStream, String) {
    let url: Url = proxy.url().parse().unwrap();
    let mut stream = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap()))
        .await
        .unwrap();
    let credential = format!("clipwright:{}", url.password().unwrap());
    let credential = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, credential);
    let request = format!(
        "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: Basic {credential}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap())
}

#[tokio::test]
async fn plain_requests_are_sent_on() {
    let server = Server::bytes(|_, _| whole(b"video")).await;
    let proxy = proxy().await;
    let program = program(&proxy.url());
    for _ in 0..2 {
        let answer = program
            .get(server.url("/a?b"))
            .header("x-kept", "yes")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.text().await.unwrap(), "video");
    }
    let request = &server.requests()[1];
    assert_eq!(request.line, "GET /a?b HTTP/1.1");
    assert_eq!(
        request.headers["host"],
        format!("public.test:{}", server.address.port())
    );
    assert_eq!(request.headers["x-kept"], "yes");
    assert!(
        !request.headers.contains_key("proxy-authorization"),
        "the credential stays here"
    );
    assert!(proxy.received() > 10 && proxy.violation().is_none());
}

#[tokio::test]
async fn a_tunnel_is_made_to_the_checked_address() {
    let server = Server::bytes(|_, _| whole(b"video")).await;
    let proxy = proxy().await;
    let (mut tunnel, head) =
        connect(&proxy, &format!("public.test:{}", server.address.port())).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    tunnel
        .write_all(b"GET /through HTTP/1.1\r\nHost: public.test\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    tunnel.read_to_end(&mut answer).await.unwrap();
    assert!(answer.ends_with(b"video"));
}

#[tokio::test]
async fn private_names_and_addresses_are_refused() {
    let victim = Server::forbidden(0).await;
    let port = victim.address.port();
    for host in [
        "private.test",
        "mixed.test",
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ] {
        let proxy = proxy().await;
        let (_, head) = connect(&proxy, &format!("{host}:{port}")).await;
        assert!(head.starts_with("HTTP/1.1 403"), "{host}: {head}");
        assert!(
            matches!(proxy.violation(), Some(Error::Forbidden { .. })),
            "{host}"
        );
        let answer = program(&proxy.url())
            .get(format!("http://{host}:{port}/"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{host}");
    }
    assert_eq!(victim.connections(), 0);
}

#[tokio::test]
async fn numbers_that_the_system_reads_as_addresses_are_refused_too() {
    let victim = Server::forbidden(0).await;
    for host in [
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
    ] {
        let proxy = Proxy::start(egress::Guard::new(false), limits())
            .await
            .unwrap();
        let (_, head) = connect(&proxy, &format!("{host}:{}", victim.address.port())).await;
        assert!(
            head.starts_with("HTTP/1.1 403") || head.starts_with("HTTP/1.1 502"),
            "{host}: {head}"
        );
    }
    assert_eq!(victim.connections(), 0);
}

#[tokio::test]
async fn a_name_that_turns_private_is_refused_the_second_time() {
    let server = Server::bytes(|_, _| whole(b"video")).await;
    let victim = Server::forbidden(server.address.port()).await;
    let proxy = proxy().await;
    let target = format!("rebinds.test:{}", server.address.port());
    assert!(connect(&proxy, &target).await.1.starts_with("HTTP/1.1 200"));
    assert!(connect(&proxy, &target).await.1.starts_with("HTTP/1.1 403"));
    assert_eq!(victim.connections(), 0);
}

#[tokio::test]
async fn without_the_credential_nothing_is_served() {
    let server = Server::bytes(|_, _| whole(b"video")).await;
    let proxy = proxy().await;
    let address: Url = proxy.url().parse().unwrap();
    for credential in ["", "clipwright:wrong@"] {
        let url = format!("http://{credential}127.0.0.1:{}", address.port().unwrap());
        let answer = program(&url).get(server.url("/")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn too_many_bytes_end_the_connection() {
    let server = Server::bytes(|_, _| whole(&video(3 << 20))).await;
    let proxy = proxy().await;
    let body = program(&proxy.url())
        .get(server.url("/"))
        .send()
        .await
        .unwrap()
        .bytes()
        .await;
    assert!(body.is_err());
    assert!(matches!(
        proxy.violation(),
        Some(Error::TooLarge { limit: 1_048_576 })
    ));
    assert!(proxy.received() < 2 << 20);
}

#[tokio::test]
async fn a_silent_server_and_a_dropped_proxy_end_their_tunnels() {
    let server = Server::start(crate::server::PUBLIC, 0, |_, _, stream| async move {
        sleep(Duration::from_mins(1)).await;
        drop(stream);
        Ok(())
    })
    .await;
    let target = format!("public.test:{}", server.address.port());
    let proxy = proxy().await;
    let (mut silent, _) = connect(&proxy, &target).await;
    let ended = timeout(Duration::from_secs(5), silent.read(&mut [0])).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{ended:?}");
    let patient = ProxyLimits {
        idle: Duration::from_mins(1),
        ..limits()
    };
    let proxy = Proxy::start(guard().0, patient).await.unwrap();
    let (mut open, _) = connect(&proxy, &target).await;
    let url: Url = proxy.url().parse().unwrap();
    drop(proxy);
    let ended = timeout(Duration::from_secs(5), open.read(&mut [0])).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{ended:?}");
    assert!(
        TcpStream::connect(("127.0.0.1", url.port().unwrap()))
            .await
            .is_err()
    );
}
