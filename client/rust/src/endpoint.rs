//! Parses endpoints such as `http://host:port`.
//!
//! The scheme may be omitted, and so may the port, which defaults to 2113. Anything besides host and port is rejected
//! rather than ignored, because it would never be sent.

use std::num::NonZeroU16;

use tonic::transport::Uri;

use crate::error::{Error, Result};

/// The port of an endpoint without one.
const DEFAULT_PORT: u16 = 2113;
/// The end of every error text.
const ADVICE: &str = "write only http://host:port";

/// Parses the address of an endpoint. Fails with [`Error::InvalidEndpoint`].
pub(crate) fn parse(endpoint: &str) -> Result<Uri> {
    read(endpoint).map_err(|reason| Error::InvalidEndpoint {
        endpoint: endpoint.to_owned(),
        reason,
    })
}

fn read(endpoint: &str) -> Result<Uri, String> {
    let wrong = |what: &str| Err(format!("{what}; {ADVICE}"));
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("http", endpoint));
    match scheme.to_ascii_lowercase().as_str() {
        "http" => {}
        "https" => return wrong("asks for TLS, which this client does not support yet"),
        _ => return wrong("has another scheme than http"),
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, beyond) = rest.split_at(end);
    match beyond.strip_prefix('/').unwrap_or(beyond).chars().next() {
        None => {}
        Some('?') => return wrong("has a query"),
        Some('#') => return wrong("has a fragment"),
        Some(_) => return wrong("has a path"),
    }
    if authority.contains('@') {
        return wrong("has user information");
    }
    let (host, port) = match authority.rfind(':') {
        // The colons of an IPv6 address are in brackets.
        Some(colon) if !authority[colon..].contains(']') => {
            (&authority[..colon], Some(&authority[colon + 1..]))
        }
        _ => (authority, None),
    };
    if host.is_empty() {
        return wrong("names no host");
    }
    if host.contains(':') && !host.starts_with('[') {
        return wrong("has an IPv6 address without brackets");
    }
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => match port.parse::<NonZeroU16>() {
            Ok(port) => port.get(),
            Err(_) => return wrong("has a port that is not a number from 1 to 65535"),
        },
    };
    let uri = format!("http://{host}:{port}").parse();
    uri.or_else(|_| wrong("is not a valid address"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn an_endpoint_without_a_port_means_2113() {
        for (given, address) in [
            ("http://h:2114", "http://h:2114/"),
            ("http://h", "http://h:2113/"),
            ("http://h/", "http://h:2113/"),
            ("HTTP://h:80", "http://h:80/"),
            ("h", "http://h:2113/"),
            ("h:9", "http://h:9/"),
            ("127.0.0.1", "http://127.0.0.1:2113/"),
            ("http://[::1]", "http://[::1]:2113/"),
            ("[::1]:7", "http://[::1]:7/"),
        ] {
            assert_eq!(parse(given).unwrap().to_string(), address, "{given}");
        }
    }

    #[test]
    fn more_than_a_host_and_a_port_is_refused_by_name() {
        for (given, what) in [
            ("http://h:2113/x", "has a path"),
            ("h/x", "has a path"),
            ("http://h//", "has a path"),
            ("http://h/x?y#z", "has a path"),
            ("http://h?x=1", "has a query"),
            ("http://h:2113/?x=1", "has a query"),
            ("http://h#x", "has a fragment"),
            ("http://ada:secret@h", "has user information"),
            ("ftp://h", "has another scheme than http"),
            (
                "https://h:2113",
                "asks for TLS, which this client does not support yet",
            ),
            ("", "names no host"),
            ("http://", "names no host"),
            ("http://:2113", "names no host"),
            ("::1", "has an IPv6 address without brackets"),
            ("http://h:", "has a port that is not a number from 1 to 65535"),
            ("http://h:0", "has a port that is not a number from 1 to 65535"),
            (
                "http://h:65536",
                "has a port that is not a number from 1 to 65535",
            ),
            ("http://h:http", "has a port that is not a number from 1 to 65535"),
            ("not a uri", "is not a valid address"),
            ("http://[::1", "is not a valid address"),
        ] {
            let refused = parse(given).expect_err(given).to_string();
            assert_eq!(
                refused,
                format!("endpoint {given:?} {what}; write only http://host:port")
            );
        }
    }
}
