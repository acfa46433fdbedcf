//! A minimal HTTP client, for metrics and health.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use super::PATIENCE;

/// Gets a path; returns the status code and the body.
///
/// # Panics
/// If there is no response, or it is not HTTP.
#[must_use]
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the server listens for HTTP");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a timeout can be set");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .expect("the request can be sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer is text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("the answer has a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("the answer has a status");
    assert!(
        !head.to_ascii_lowercase().contains("transfer-encoding: chunked"),
        "chunks are not read here: {head}"
    );
    (status, body.to_owned())
}
