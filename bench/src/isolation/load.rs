//! The measured client, and the clients beside it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use std::time::Duration;

use annals_proto::v1::{self as pb, event_store_service_client::EventStoreServiceClient};
use tokio::{task::JoinHandle, time::Instant};
use tonic::transport::Channel;
use uuid::Uuid;

use super::{
    Case,
    filling::{EXPIRED_TYPE, TAGS},
};
use crate::{
    Error, Result,
    load::{connect, content},
    statistics::Summary,
};

const PLAIN: &str = "plain appends";
const CONDITIONAL: &str = "appends with expensive conditions";

type Client = EventStoreServiceClient<Channel>;

/// A client that appends events to its own stream, one after the other.
pub(super) struct Plain {
    client: Client,
    sent: u64,
}

/// One measurement of the client.
pub(super) struct Rate {
    pub(super) per_second: f64,
    pub(super) median_micros: f64,
    /// The 99th percentile.
    pub(super) high_micros: f64,
}

impl Plain {
    pub(super) async fn new(endpoint: &str) -> Result<Self> {
        let client = Client::new(connect(endpoint).await?);
        Ok(Self { client, sent: 0 })
    }

    pub(super) async fn run(&mut self, time: Duration) -> Result<Rate> {
        let started = Instant::now();
        let mut micros = Vec::new();
        while started.elapsed() < time {
            let expected = match self.sent {
                0 => pb::expected_revision::Expected::NoStream(()),
                sent => pb::expected_revision::Expected::Revision(sent - 1),
            };
            let request = pb::AppendToStreamRequest {
                stream: "plain".to_owned(),
                expected: Some(pb::ExpectedRevision {
                    expected: Some(expected),
                }),
                events: vec![event(self.sent)],
                recorded_at: None,
            };
            let sent = Instant::now();
            self.client
                .append_to_stream(request)
                .await
                .map_err(Error::call(PLAIN))?;
            micros.push(sent.elapsed().as_secs_f64() * 1e6);
            self.sent += 1;
        }
        let per_second = micros.len() as f64 / started.elapsed().as_secs_f64();
        micros.sort_by(f64::total_cmp);
        let high_micros = micros.get(micros.len() * 99 / 100).copied().unwrap_or_default();
        let median = Summary::of(&micros).ok_or_else(|| Error::wrong(PLAIN, "nothing was sent"))?;
        Ok(Rate {
            per_second,
            median_micros: median.median,
            high_micros,
        })
    }
}

/// Clients that send appends with an expensive condition until they are stopped.
pub(super) struct Conditional {
    clients: Vec<JoinHandle<Result<()>>>,
    stopped: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
}

impl Conditional {
    pub(super) async fn start(endpoint: &str, case: Case, clients: u32) -> Result<Self> {
        let stopped = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let mut tasks = Vec::new();
        for _ in 0..clients {
            let mut client = Client::new(connect(endpoint).await?);
            let (stopped, answered) = (Arc::clone(&stopped), Arc::clone(&answered));
            tasks.push(tokio::spawn(async move {
                while !stopped.load(Ordering::Relaxed) {
                    let request = request(case, answered.load(Ordering::Relaxed));
                    client
                        .append_to_many(request)
                        .await
                        .map_err(Error::call(CONDITIONAL))?;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }));
        }
        Ok(Self {
            clients: tasks,
            stopped,
            answered,
        })
    }

    /// Stops the clients, and returns the number of answered appends.
    pub(super) async fn stop(self) -> Result<u64> {
        let answered = self.answered.load(Ordering::Relaxed);
        self.stopped.store(true, Ordering::Relaxed);
        for client in self.clients {
            client
                .await
                .map_err(|error| Error::wrong(CONDITIONAL, error.to_string()))??;
        }
        Ok(answered)
    }
}

fn request(case: Case, nth: u64) -> pb::AppendToManyRequest {
    let item = match case {
        Case::Expired => pb::QueryItem {
            types: vec![EXPIRED_TYPE.to_owned()],
            ..pb::QueryItem::default()
        },
        Case::Alternating => pb::QueryItem {
            tags: TAGS.map(str::to_owned).to_vec(),
            ..pb::QueryItem::default()
        },
    };
    let check = pb::Check {
        check: Some(pb::check::Check::NoMatch(pb::NoMatchCheck {
            query: Some(pb::Query { items: vec![item] }),
            after: 0,
        })),
    };
    pb::AppendToManyRequest {
        writes: vec![pb::Write {
            stream: format!("conditional-{}", Uuid::now_v7()),
            events: vec![event(nth)],
            expected: None,
        }],
        checks: vec![check],
        ..pb::AppendToManyRequest::default()
    }
}

fn event(nth: u64) -> pb::NewEvent {
    let content = content(nth);
    pb::NewEvent {
        id: Uuid::now_v7().to_string(),
        r#type: content.kind.to_owned(),
        data: bytes::Bytes::from_static(&content.data),
        metadata: bytes::Bytes::new(),
        tags: vec![],
        ..Default::default()
    }
}
