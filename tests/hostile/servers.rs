//! Servers that do not hand a video out as they should; all of them on this machine.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use domain::ErrorCode::{DiskFull, SourceTooLarge, SourceUnavailable, TimedOut};

use crate::trial::Trial;

/// Answers every request on a thread of its own; the threads end with the process of the tests.
pub(crate) fn serve(
    answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Clone + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || {
                let _ = stream
                    .read(&mut [0; 4096])
                    .and_then(|_| answer(&mut stream));
            });
        }
    });
    address
}

/// Says nothing, and keeps the connection.
pub(crate) fn silent() -> SocketAddr {
    serve(|_| {
        loop {
            thread::sleep(Duration::from_mins(1));
        }
    })
}

fn dripping() -> SocketAddr {
    serve(|stream| {
        stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 100000\r\n\r\n",
        )?;
        loop {
            stream.write_all(b"x")?;
            thread::sleep(Duration::from_millis(100));
        }
    })
}

/// More than any limit here, with or without saying so before.
fn endless(head: &'static str) -> SocketAddr {
    serve(move |stream| {
        stream.write_all(head.as_bytes())?;
        loop {
            stream.write_all(&[b'x'; 1000])?;
        }
    })
}

fn command(trial: &Trial, server: SocketAddr, options: &str) -> std::process::Command {
    let address = format!("http://{server}/talk.mp4");
    let fixed = ["clip", &address, "--out", "out", "--allow-private-networks"];
    trial.command(fixed.into_iter().chain(options.split_ascii_whitespace()))
}

#[test]
fn a_server_that_never_answers() {
    let trial = Trial::new();
    let mut command = command(&trial, silent(), "--stall-seconds 1");
    let line = trial.refused(&mut command, SourceUnavailable);
    assert!(line.contains("does not respond"), "{line}");
}

#[test]
fn a_server_that_drips() {
    let trial = Trial::new();
    let server = dripping();
    let line = trial.refused(
        &mut command(&trial, server, "--stall-seconds 1"),
        SourceUnavailable,
    );
    assert!(line.contains("too slowly"), "{line}");
    let line = trial.refused(
        &mut command(&trial, server, "--download-seconds 2"),
        TimedOut,
    );
    assert!(line.contains("within 2 s"), "{line}");
}

#[test]
fn more_than_the_limit() {
    let trial = Trial::new();
    let announced =
        endless("HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 5000000\r\n\r\n");
    let unannounced =
        endless("HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\nconnection: close\r\n\r\n");
    for server in [announced, unannounced] {
        let line = trial.refused(
            &mut command(&trial, server, "--max-bytes 1000000"),
            SourceTooLarge,
        );
        assert!(line.contains("1000000 bytes"), "{line}");
    }
}

#[test]
fn a_connection_that_breaks_off_for_ever() {
    let trial = Trial::new();
    let server = serve(|stream| {
        stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 100000\r\n\r\nbegun",
        )
    });
    let line = trial.refused(&mut command(&trial, server, ""), SourceUnavailable);
    assert!(line.contains("connection was lost"), "{line}");
}

#[test]
fn nobody_there_and_nothing_there() {
    let trial = Trial::new();
    let nobody = TcpListener::bind("127.0.0.1:0")
        .and_then(|closed| closed.local_addr())
        .expect("a port");
    trial.refused(&mut command(&trial, nobody, ""), SourceUnavailable);
    let nothing =
        serve(|stream| stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"));
    let line = trial.refused(&mut command(&trial, nothing, ""), SourceUnavailable);
    assert!(line.contains("404"), "{line}");
}

#[test]
fn a_download_that_fills_the_disk() {
    let trial = Trial::new();
    let Some(_disk) = crate::machine::Disk::mount(trial.path("disk"), "size=200k") else {
        return;
    };
    let server =
        endless("HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 5000000\r\n\r\n");
    let address = format!("http://{server}/talk.mp4");
    let args = [
        "clip",
        &address,
        "--out",
        "disk/out",
        "--allow-private-networks",
    ];
    trial.refused(&mut trial.command(args), DiskFull);
}
