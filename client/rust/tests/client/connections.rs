//! Lazy connections, reconnecting, and moving on between endpoints.

use std::time::Duration;

use annals_client::{Client, Error, Event, ExpectedRevision, RetryPolicy};
use tokio::net::{TcpListener, TcpStream};

use crate::fake::Fake;
use crate::wire::Wire;

#[tokio::test]
async fn nothing_is_connected_before_the_first_call() {
    let fake = Fake::start().await;
    let wire = Wire::to(fake.address).await;
    let client = Client::new(wire.endpoint()).unwrap();
    let other = client.clone();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(wire.opened(), 0);
    client.server_info().await.unwrap();
    other.server_info().await.unwrap();
    assert_eq!(wire.opened(), 1, "clones share a connection");
}

#[test]
fn a_client_can_be_made_outside_of_a_runtime() {
    Client::new("http://127.0.0.1:1").unwrap();
}

#[tokio::test]
async fn a_broken_connection_is_opened_again() {
    let fake = Fake::start().await;
    let wire = Wire::to(fake.address).await;
    let client = Client::new(wire.endpoint()).unwrap();
    for round in 1..=3 {
        client.server_info().await.unwrap();
        assert_eq!(wire.opened(), round);
        wire.cut();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_dead_endpoint_is_left_for_the_next() {
    let (first, second) = (Fake::start().await, Fake::start().await);
    let wire = Wire::to(first.address).await;
    let client = Client::builder()
        .endpoints([wire.endpoint(), second.endpoint()])
        .shuffle_endpoints(false)
        .build()
        .unwrap();
    client.server_info().await.unwrap();
    assert_eq!(
        (
            first.state.lock().unwrap().infos,
            second.state.lock().unwrap().infos
        ),
        (1, 0)
    );
    wire.tear_down();
    tokio::time::sleep(Duration::from_millis(20)).await;
    for _ in 0..3 {
        client.server_info().await.unwrap();
    }
    assert_eq!(
        (
            first.state.lock().unwrap().infos,
            second.state.lock().unwrap().infos
        ),
        (1, 3)
    );
}

#[tokio::test]
async fn nobody_listening_is_unreachable_and_names_the_endpoint() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let policy = RetryPolicy {
        tries_max: Some(2),
        ..RetryPolicy::default()
    };
    let client = Client::builder()
        .endpoint(&endpoint)
        .retry(policy)
        .build()
        .unwrap();
    let failed = client.server_info().await.unwrap_err();
    assert!(
        matches!(&failed, Error::Unreachable { endpoint: named, .. } if *named == endpoint),
        "{failed:?}"
    );
    assert!(failed.to_string().contains("Connection refused"), "{failed}");
}

#[tokio::test]
async fn garbage_from_the_other_side_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::AsyncWriteExt;
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").await;
        }
    });
    let client = Client::builder()
        .endpoint(endpoint)
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let failed = client.server_info().await.unwrap_err();
    assert!(matches!(failed, Error::Unreachable { .. }), "{failed:?}");
}

/// An endpoint that answers everything with an HTTP/1.1 error, after relaying `served` connections to the fake.
async fn http1(fake: &Fake, served: usize) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = fake.address;
    tokio::spawn(async move {
        for nth in 0.. {
            let Ok((mut stream, _)) = listener.accept().await else {
                return;
            };
            tokio::spawn(async move {
                if nth < served {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    // Relays until the first response has arrived, then breaks the connection.
                    let relay = tokio::io::copy_bidirectional(&mut stream, &mut server);
                    let _ = tokio::time::timeout(Duration::from_millis(300), relay).await;
                    return;
                }
                let _ = stream.read(&mut [0; 1_024]).await;
                let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
                let _ = stream.write_all(answer).await;
            });
        }
    });
    endpoint
}

#[tokio::test]
async fn an_endpoint_that_answers_http1_is_named_at_once_by_every_kind_of_call() {
    let fake = Fake::start().await;
    let client = Client::builder()
        .endpoint(http1(&fake, 0).await)
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap();
    let pipeline = client.append_pipeline();
    let pending = pipeline.append("a", ExpectedRevision::Any, [Event::json("A", &1).unwrap()]);
    for failed in [
        client.server_info().await.map(drop),
        client.read_all().await.map(drop),
        client.subscribe_all().await.map(drop),
        pending.await.unwrap().await.map(drop),
    ] {
        let failed = failed.unwrap_err();
        assert!(matches!(failed, Error::NotGrpc { .. }), "{failed:?}");
        assert!(
            failed.to_string().ends_with(
                "answers HTTP/1.1: it is the port for health and metrics; \
                 gRPC listens on another port (2113 by default)"
            ),
            "{failed}"
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_answers_http1_is_left_for_the_next() {
    let fake = Fake::start().await;
    let client = Client::builder()
        .endpoints([http1(&fake, 0).await, fake.endpoint()])
        .shuffle_endpoints(false)
        .build()
        .unwrap();
    let failed = client.server_info().await.unwrap_err();
    assert!(
        matches!(failed, Error::NotGrpc { .. }),
        "it is not hidden: {failed:?}"
    );
    client.server_info().await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_has_served_grpc_may_answer_http1_for_a_while() {
    let fake = Fake::start().await;
    let policy = RetryPolicy {
        tries_max: Some(2),
        ..RetryPolicy::default()
    };
    let client = Client::builder()
        .endpoint(http1(&fake, 1).await)
        .retry(policy)
        .build()
        .unwrap();
    client.server_info().await.unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let failed = client.server_info().await.unwrap_err();
    assert!(matches!(failed, Error::Unreachable { .. }), "{failed:?}");
}

#[test]
fn endpoints_that_can_not_work_are_refused_at_once() {
    for endpoint in [
        "",
        "ftp://host",
        "https://host:2113",
        "http://",
        "http://host:2113/path",
        "not a uri",
    ] {
        let refused = Client::new(endpoint).unwrap_err();
        assert!(
            matches!(refused, Error::InvalidEndpoint { .. }),
            "{endpoint:?}: {refused:?}"
        );
    }
    assert!(matches!(
        Client::builder().build(),
        Err(Error::InvalidEndpoint { .. })
    ));
}
