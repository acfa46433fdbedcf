//! Reads and writes of single entries of state in a closed loop: each client sends its next call after the reply to the
//! last one. A write replaces one of the client's [`KEYS`] entries; a read returns one of them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use annals_proto::v1::{self as pb, state_change::Change, state_service_client::StateServiceClient};
use bytes::Bytes;
use tokio::time::Instant;
use tonic::transport::Channel;
use uuid::Uuid;

use super::{Latencies, Measured, Subject, Window, connect, events::DATA_BYTES};
use crate::{Error, Result};

const LOAD: &str = "calls of state";
const SCOPE: &str = "benchmark";
/// Entries of each client.
const KEYS: u64 = 100;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Get,
    Write,
}

/// Runs `clients` clients.
pub(crate) async fn run(subject: &Subject<'_>, clients: usize, kind: Kind) -> Result<Measured> {
    let mut ready = Vec::with_capacity(clients);
    while ready.len() < clients {
        let service = StateServiceClient::new(connect(subject.endpoint()).await?);
        let sharing = (clients - ready.len()).min(subject.clients_per_connection);
        for _ in 0..sharing {
            ready.push(Client {
                service: service.clone(),
                number: ready.len(),
            });
        }
    }
    if kind == Kind::Get {
        for client in &mut ready {
            for nth in 0..KEYS {
                client.write(nth).await?;
            }
        }
    }
    let counted = Arc::new(Counted {
        window: Window::after_warm_up(subject),
        latencies: Latencies::new(),
        calls: AtomicU64::new(0),
    });
    let mut tasks = tokio::task::JoinSet::new();
    for client in ready {
        tasks.spawn(client.run(kind, Arc::clone(&counted)));
    }
    let cpu = counted.window.watch(subject.pids).await;
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| Error::wrong(LOAD, error.to_string()))??;
    }
    let calls = counted.calls.load(Ordering::Relaxed);
    let measured = Measured::new(calls, counted.window.seconds(), cpu);
    Ok(Measured {
        latency: Some(counted.latencies.summary()),
        ..measured
    })
}

struct Counted {
    window: Window,
    latencies: Latencies,
    calls: AtomicU64,
}

struct Client {
    service: StateServiceClient<Channel>,
    number: usize,
}

impl Client {
    async fn run(mut self, kind: Kind, counted: Arc<Counted>) -> Result<()> {
        for nth in 0.. {
            let sent = Instant::now();
            if sent >= counted.window.to {
                break;
            }
            match kind {
                Kind::Get => self.get(nth).await?,
                Kind::Write => self.write(nth).await?,
            }
            let answered = Instant::now();
            if counted.window.holds(answered) {
                counted.latencies.record(answered - sent);
                counted.calls.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn key(&self, nth: u64) -> String {
        format!("client-{}/entry-{}", self.number, nth % KEYS)
    }

    async fn get(&mut self, nth: u64) -> Result<()> {
        let request = pb::GetStateRequest {
            scope: SCOPE.to_owned(),
            key: self.key(nth),
        };
        let found = self.service.get_state(request).await.map_err(Error::call(LOAD))?;
        match found.into_inner().entry {
            Some(entry) if entry.value.len() == DATA_BYTES => Ok(()),
            other => Err(Error::wrong(
                LOAD,
                format!("an entry was answered with {other:?}"),
            )),
        }
    }

    async fn write(&mut self, nth: u64) -> Result<()> {
        let change = pb::StateChange {
            scope: SCOPE.to_owned(),
            key: self.key(nth),
            change: Some(Change::Put(Bytes::from_static(&[b'x'; DATA_BYTES]))),
        };
        let request = pb::WriteStateRequest {
            id: Uuid::now_v7().to_string(),
            changes: vec![change],
            checks: Vec::new(),
        };
        let written = self
            .service
            .write_state(request)
            .await
            .map_err(Error::call(LOAD))?;
        let written = written.into_inner();
        if written.versions.len() == 1 && !written.already_written {
            Ok(())
        } else {
            Err(Error::wrong(
                LOAD,
                format!("a write was answered with {written:?}"),
            ))
        }
    }
}
