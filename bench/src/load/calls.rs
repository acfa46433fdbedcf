//! Unary appends in a closed loop: each client sends its next append after the reply to the last one.
//!
//! Every append expects the exact revision that the one before it left. A client continues with a new stream after
//! [`STREAM_APPENDS`] appends, because aggregates are many and short.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::time::Instant;

use super::{
    Latencies, Measured, Subject, Supply, Window,
    connection::{Stub, connect_clients},
    wire::{self, Append},
};
use crate::{Error, Result};

/// Appends to a stream before the client starts another.
const STREAM_APPENDS: u64 = 100;

/// Runs `clients` clients with `events` events in each call.
pub(crate) async fn run(subject: &Subject<'_>, clients: usize, events: u32) -> Result<Measured> {
    let stubs = connect_clients(subject, clients).await?;
    let window = Window::after_warm_up(subject);
    let counted = Arc::new(Counted {
        window,
        latencies: Latencies::new(),
        events: subject.endpoints.iter().map(|_| AtomicU64::new(0)).collect(),
    });
    let mut tasks = tokio::task::JoinSet::new();
    for stub in stubs {
        let client = Client {
            stub,
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
    let by_server: Vec<u64> = counted
        .events
        .iter()
        .map(|events| events.load(Ordering::Relaxed))
        .collect();
    let measured = Measured::new(by_server.iter().sum(), window.seconds(), cpu);
    Ok(Measured {
        events_by_server: if by_server.len() > 1 {
            by_server
        } else {
            Vec::new()
        },
        latency: Some(counted.latencies.summary()),
        ..measured
    })
}

const LOAD: &str = "unary appends";

struct Counted {
    window: Window,
    latencies: Latencies,
    /// Counted events of each server.
    events: Vec<AtomicU64>,
}

struct Client {
    stub: Stub,
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
                let answer = wire::append(&mut self.stub.grpc, append)
                    .await
                    .map_err(Error::call(LOAD))?;
                let answered = Instant::now();
                // With several servers, one may retry an append that it forwarded without getting a reply.
                let repeated = answer.already_appended && self.counted.events.len() == 1;
                if answer.first_revision != revision || repeated {
                    let problem = format!("revision {revision} of a stream was answered with {answer:?}");
                    return Err(Error::wrong(LOAD, problem));
                }
                if window.holds(answered) {
                    self.counted.latencies.record(answered - sent);
                    self.counted.events[self.stub.server]
                        .fetch_add(u64::from(self.events), Ordering::Relaxed);
                }
            }
        }
    }
}
