//! Every notation of a private address is refused, before anything is dialled.

use std::time::Duration;

use egress::{Client, Error, Guard, InvalidAddress};

use crate::server::{Server, client};

/// Hosts that all lead to a private address, most of them to 127.0.0.1.
const PRIVATE_HOSTS: [&str; 67] = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.1.",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0X7F000001",
    "0x7F.0x0.0x0.0x1",
    "0x7f.1",
    "0177.0.0.1",
    "0177.0.0.01",
    "017700000001",
    "00000177.0x0.0.1",
    "0",
    "0.0.0.0",
    "0x0",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "127。0。0。1",
    "127.0.0.1",
    "①②⑦.⓪.⓪.①",
    "0x7f000001",
    "10.0.0.1",
    "10.1",
    "167772161",
    "012.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.43518",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "192.168.257",
    "3232235777",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "4294967295",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7F00:1]",
    "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:10.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[fc00::1]",
    "[FD00:EC2::254]",
    "[fe80::1]",
    "[ff02::1]",
    "localhost",
    "LOCALHOST",
];

#[tokio::test]
async fn a_private_address_is_refused_in_every_notation() {
    let victim = Server::forbidden(0).await;
    let client = Client::new(Guard::new(false), Duration::from_secs(5)).unwrap();
    for host in PRIVATE_HOSTS {
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
