//! Unary appends in a closed loop: each client sends its next append when the last was answered.
//!
//! Every append expects the exact revision that the one before it left. A client goes on to a new stream after
//! [`STREAM_APPENDS`] appends, because aggregates are many and short.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::time::Instant;
use tonic::{client::Grpc, transport::Channel};

use super::{
    Latencies, Measured, Subject, Supply, Window, connect_clients,
    wire::{self, Append},
};
use crate::{Error, Result};

/// Appends to a stream before the client begins another.
const STREAM_APPENDS: u64 = 100;

/// Runs `clients` clients with `events` events in each call.
pub(crate) async fn run(subject: &Subject<'_>, clients: usize, events: u32) -> Result<Measured> {
    let stubs = connect_clients(subject, clients).await?;
    let window = Window::after_warm_up(subject);
    let counted = Arc::new(Counted {
        window,
        latencies: Latencies::new(),
        events: AtomicU64::new(0),
    });
    let mut tasks = tokio::task::JoinSet::new();
    for grpc in stubs {
        let client = Client {
            grpc,
            supply: subject.supply.clone(),
            events,
            counted: counted.clone(),
        };
        tasks.spawn(client.run());
    }
    let cpu = window.watch(subject.pids).await;
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| Error::wrong(LOAD, error.to_string()))??;
    }
    let measured = Measured::new(counted.events.load(Ordering::Relaxed), window.seconds(), cpu);
    Ok(Measured {
        latency: Some(counted.latencies.summary()),
        ..measured
    })
}

const LOAD: &str = "unary appends";

struct Counted {
    window: Window,
    latencies: Latencies,
    events: AtomicU64,
}

struct Client {
    grpc: Grpc<Channel>,
    supply: Arc<Supply>,
    events: u32,
    counted: Arc<Counted>,
}

impl Client {
    async fn run(mut self) -> Result<()> {
        let window = self.counted.window;
        loop {
            let stream = self.supply.stream();
            for nth in 0..STREAM_APPENDS {
                let first = self.supply.events(self.events);
                let revision = nth * u64::from(self.events);
                let append = Append {
                    stream,
                    revision,
                    first,
                    events: self.events,
                };
                let sent = Instant::now();
                if sent >= window.to {
                    return Ok(());
                }
                let answer = wire::append(&mut self.grpc, append)
                    .await
                    .map_err(Error::call(LOAD))?;
                let answered = Instant::now();
                if answer.first_revision != revision || answer.already_appended {
                    let problem = format!("revision {revision} of a stream was answered with {answer:?}");
                    return Err(Error::wrong(LOAD, problem));
                }
                if window.holds(answered) {
                    self.counted.latencies.record(answered - sent);
                    self.counted
                        .events
                        .fetch_add(u64::from(self.events), Ordering::Relaxed);
                }
            }
        }
    }
}
