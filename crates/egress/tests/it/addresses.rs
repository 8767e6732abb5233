//! Every notation of a private address is refused, before anything is dialled.

use std::time::Duration;

use egress::{Client, Error, Guard, InvalidAddress};

use crate::server::{Server, client};

/// Hosts that all lead to a private address, most of them to 127.0.0.1, a line each.
const PRIVATE_HOSTS: &str = include_str!("../private_hosts.txt");

#[tokio::test]
async fn a_private_address_is_refused_in_every_notation() {
    let victim = Server::forbidden(0).await;
    let client = Client::new(Guard::new(false), Duration::from_secs(5)).unwrap();
    for host in PRIVATE_HOSTS.lines() {
        let address = format!("http://{host}:{}/x?y#z", victim.address.port());
        let url = address
            .parse()
            .unwrap_or_else(|_| panic!("{address} is a proper address"));
        let result = client.get(&url, &reqwest::header::HeaderMap::new()).await;
        assert!(
            matches!(result, Err(Error::Forbidden { .. })),
            "{host}: {result:?}"
        );
    }
    assert_eq!(victim.connections(), 0);
}

#[test]
fn odd_spellings_of_an_address_are_refused() {
    let guard = Guard::new(false);
    for address in [
        "http:127.0.0.1",
        "http:/127.0.0.1",
        "http:////127.0.0.1/",
        "http:\\\\127.0.0.1\\",
        "http://127.0.0.1\\@example.com/",
        "hTTp://127.0.0.1:80#@example.com/",
        " http://127.0.0.1\n",
        "ht\ttp://127.\n0.0.1/",
    ] {
        let result = guard.parse(address);
        assert!(
            matches!(result, Err(Error::Forbidden { .. })),
            "{address:?}: {result:?}"
        );
    }
    for (address, expected) in [
        ("http://example.com@127.0.0.1/", InvalidAddress::UserInfo),
        ("http://user:word@example.com/", InvalidAddress::UserInfo),
        (
            "http://:@127.0.0.1:80@example.com/",
            InvalidAddress::UserInfo,
        ),
        ("ftp://example.com/video.mp4", InvalidAddress::Scheme),
        ("file:///etc/passwd", InvalidAddress::Scheme),
        ("gopher://127.0.0.1/", InvalidAddress::Scheme),
        ("data:video/mp4;base64,AAAA", InvalidAddress::Scheme),
        ("//127.0.0.1/", InvalidAddress::Malformed),
        ("http://", InvalidAddress::Malformed),
        ("http://[::1/", InvalidAddress::Malformed),
        ("http://[fe80::1%25eth0]/", InvalidAddress::Malformed),
        ("http://256.256.256.256/", InvalidAddress::Malformed),
        ("talk.mp4", InvalidAddress::Malformed),
    ] {
        let result = guard.parse(address);
        assert!(
            matches!(&result, Err(Error::Address(why)) if *why == expected),
            "{address:?}: {result:?}"
        );
    }
}

#[test]
fn public_literals_and_any_port_are_let_through() {
    let guard = Guard::new(false);
    for address in [
        "https://1.1.1.1/",
        "http://[2606:4700:4700::1111]:8080/",
        "http://example.com:6379/",
    ] {
        assert!(guard.parse(address).is_ok(), "{address}");
    }
    assert!(Guard::new(true).parse("http://127.0.0.1:9000/").is_ok());
}

#[tokio::test]
async fn a_name_is_refused_if_any_of_its_addresses_is_private() {
    let server = Server::text(|_, _| unreachable!()).await;
    let victim = Server::forbidden(server.address.port()).await;
    for host in ["private.test", "mixed.test"] {
        let result = client()
            .get(
                &server.url_at(host, "/"),
                &reqwest::header::HeaderMap::new(),
            )
            .await;
        assert!(
            matches!(&result, Err(Error::Forbidden { host: named }) if named == host),
            "{host}: {result:?}"
        );
    }
    for host in ["empty.test", "unknown.test"] {
        let result = client()
            .get(
                &server.url_at(host, "/"),
                &reqwest::header::HeaderMap::new(),
            )
            .await;
        assert!(
            matches!(result, Err(Error::Unavailable(_))),
            "{host}: {result:?}"
        );
    }
    assert_eq!((server.connections(), victim.connections()), (0, 0));
}
