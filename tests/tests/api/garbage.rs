//! Connections that do not speak gRPC or HTTP, or send nothing at all, disturb no other client.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use annals_client::{ExpectedRevision as Expected, Revision, SubscriptionItem};
use annals_tests::{
    harness::{Metrics, PATIENCE, Server, http, sample::event, seed, within_patience},
    on_every_engine,
};
use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};

on_every_engine!(
    garbage_on_the_port_disturbs_nobody,
    garbage_on_the_http_port_disturbs_nobody
);

async fn garbage_on_the_port_disturbs_nobody(server: Server) {
    let client = server.client();
    client
        .append("order-1", Expected::NoStream, [event("T")])
        .await
        .unwrap();
    let mut subscription = client.subscribe_all().await.unwrap();
    let mut random = StdRng::seed_from_u64(seed());
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut open = Vec::new();
    for n in 0..120 {
        let mut stream = TcpStream::connect(server.grpc_address()).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut noise = vec![0; random.random_range(1..20_000)];
        random.fill_bytes(&mut noise);
        // The server may close the connection at any byte, so writing may fail.
        let _ = match n % 6 {
            0 => stream.write_all(&noise),
            1 => stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: annals\r\n\r\n"),
            2 => stream.write_all(preface).and_then(|()| stream.write_all(&noise)),
            3 => stream.write_all(&preface[..random.random_range(0..preface.len())]),
            // Empty settings, then a frame that announces more than is sent.
            4 => stream
                .write_all(preface)
                .and_then(|()| stream.write_all(b"\0\0\0\x04\0\0\0\0\0"))
                .and_then(|()| stream.write_all(b"\0\xff\xff\x00\0\0\0\0\x01abc")),
            _ => Ok(()),
        };
        match n % 4 {
            // Half-open: the client has sent everything.
            0 => stream.shutdown(Shutdown::Write).unwrap_or(()),
            1 => {
                let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
                let _ = stream.read(&mut [0; 64]);
            }
            _ => {}
        }
        if n % 3 > 0 {
            open.push(stream);
        }
    }
    // With those connections still open, and after they are closed:
    for round in 1..=2_u64 {
        let appended = client
            .append("order-1", Expected::Exactly(Revision(round - 1)), [event("T")])
            .await
            .unwrap();
        assert_eq!(appended.last_position, round + 1);
        let fresh = server.client().server_info().await.unwrap();
        assert_eq!(fresh.head, round + 1);
        open.clear();
    }
    let mut seen = 0;
    while seen < 3 {
        match within_patience("the events", subscription.next())
            .await
            .unwrap()
            .unwrap()
        {
            SubscriptionItem::Event(event) => {
                seen += 1;
                assert_eq!(event.position, seen);
            }
            _ => continue,
        }
    }
    let said = server.logs().since(0).join("\n");
    assert!(!said.contains("panicked"), "{said}");
}

async fn garbage_on_the_http_port_disturbs_nobody(server: Server) {
    let mut random = StdRng::seed_from_u64(seed());
    for n in 0..60 {
        let mut stream = TcpStream::connect(server.http_address()).unwrap();
        let mut noise = vec![0; random.random_range(1..5_000)];
        random.fill_bytes(&mut noise);
        let _ = match n % 4 {
            0 => stream.write_all(&noise),
            1 => stream.write_all(
                b"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
            ),
            2 => stream
                .write_all(b"POST /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            _ => stream.write_all(b"GET /health/"),
        };
    }
    assert_eq!(http::get(server.http_address(), "/health/live").0, 200);
    assert_eq!(http::get(server.http_address(), "/nowhere").0, 404);
    assert!(Metrics::of(&server).value("annals_head_position") < 1.0);
    let _ = server.client().server_info().await.unwrap();
}
