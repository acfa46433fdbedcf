use std::sync::{Arc, OnceLock};

use prometheus_client::{metrics::counter::Counter, registry::Registry};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::{Shown, serve};
use crate::phase::Phase;

struct Served {
    address: std::net::SocketAddr,
    phase: watch::Sender<Phase>,
    registry: Arc<OnceLock<Registry>>,
}

impl Served {
    async fn start() -> Self {
        let (phase, seen) = watch::channel(Phase::Starting);
        let registry = Arc::new(OnceLock::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(
            listener,
            Shown {
                phase: seen,
                registry: registry.clone(),
                store: Arc::default(),
            },
        ));
        Self {
            address,
            phase,
            registry,
        }
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: annals\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }
}

#[tokio::test]
async fn health_follows_what_the_server_does() {
    let served = Served::start().await;
    for (phase, live, ready) in [
        (Phase::Starting, 200, 503),
        // A new process would find the same storage.
        (Phase::Unreachable, 200, 503),
        (Phase::Serving, 200, 200),
        (Phase::Draining, 200, 503),
        (Phase::Failed, 503, 503),
    ] {
        served.phase.send_replace(phase);
        assert_eq!(served.get("/health/live").await.0, live, "live while {phase:?}");
        assert_eq!(
            served.get("/health/ready").await.0,
            ready,
            "ready while {phase:?}"
        );
    }
}

#[tokio::test]
async fn metrics_are_shown_once_the_store_is_open() {
    let served = Served::start().await;
    assert_eq!(served.get("/metrics").await.0, 503);
    let mut registry = Registry::with_prefix("annals");
    registry.register("things", "Things", Counter::<u64>::default());
    served.registry.set(registry).unwrap();
    let (status, answer) = served.get("/metrics").await;
    assert_eq!(status, 200);
    assert!(answer.contains("application/openmetrics-text"), "{answer}");
    assert!(answer.contains("annals_things_total 0"), "{answer}");
}

#[tokio::test]
async fn an_unknown_path_tells_those_there_are() {
    let served = Served::start().await;
    let (status, answer) = served.get("/healthz").await;
    assert_eq!(status, 404);
    assert!(answer.contains("/health/ready"), "{answer}");
}
