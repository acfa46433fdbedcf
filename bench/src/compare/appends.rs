//! Appends in a closed loop: each client sends its next append after the reply to the last one.
//!
//! Every append expects the exact revision (or the store's equivalent) that the append before it left. A client
//! continues with a new stream after [`STREAM_APPENDS`] appends, because aggregates are many and short.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{task::JoinSet, time::Instant};

use super::{Course, Outcome, workload::IN_FLIGHT};
use crate::{
    Error, Result,
    load::{Latencies, Subject, Supply, Window, pipeline},
    stores::{Batch, Client, Store, Subscription},
};

const LOAD: &str = "appends";
/// Appends to a stream before the client starts another.
const STREAM_APPENDS: u64 = 100;

/// The kind of an append.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// This many events, with an expected revision.
    Plain(u32),
    /// One event, if no event with its tag was appended since the last.
    Conditional,
}

/// Runs `clients` clients in a closed loop.
pub(super) async fn closed(
    store: &dyn Store,
    course: &Course,
    clients: usize,
    kind: Kind,
) -> Result<Outcome> {
    let clients = store.clients(clients, course.clients_per_connection).await?;
    run(store, course, clients, kind).await
}

/// Runs an append session where the store has one; otherwise runs one client for each append in flight, on one
/// connection.
pub(super) async fn pipelined(store: &dyn Store, course: &Course) -> Result<Outcome> {
    let Some(endpoint) = store.session_endpoint() else {
        let clients = store.clients(IN_FLIGHT, IN_FLIGHT).await?;
        return run(store, course, clients, Kind::Plain(1)).await;
    };
    let subject = Subject {
        endpoints: &[endpoint.to_owned()],
        pids: &store.processes(),
        supply: &course.supply,
        warm_up: course.warm_up,
        measured: course.measured,
        clients_per_connection: course.clients_per_connection,
    };
    let measured = pipeline::run(&subject, IN_FLIGHT as u64).await?;
    Ok(Outcome {
        figure: measured.events_per_second,
        measured,
        ..Outcome::default()
    })
}

/// Runs `clients` clients while `subscribers` subscribers receive the appended events.
pub(super) async fn subscribed(
    store: &dyn Store,
    course: &Course,
    clients: usize,
    subscribers: usize,
) -> Result<Outcome> {
    let delivered = Arc::new(AtomicU64::new(0));
    // Dropped at the end, which ends the subscriptions.
    let mut subscriptions = JoinSet::new();
    let mut listeners = store.clients(subscribers, course.clients_per_connection).await?;
    for listener in &mut listeners {
        let subscription = listener.subscribe(false).await?;
        subscriptions.spawn(count(subscription, delivered.clone()));
    }
    let clients = store.clients(clients, course.clients_per_connection).await?;
    let outcome = run(store, course, clients, Kind::Plain(1)).await?;
    if let Some(ended) = subscriptions.try_join_next() {
        return match ended {
            Ok(error) => Err(error),
            Err(error) => Err(Error::wrong(LOAD, error.to_string())),
        };
    }
    if delivered.load(Ordering::Relaxed) == 0 {
        return Err(Error::wrong(LOAD, "nothing was delivered to the subscribers"));
    }
    Ok(outcome)
}

/// Counts delivered events until the subscription fails.
async fn count(mut subscription: Box<dyn Subscription>, delivered: Arc<AtomicU64>) -> Error {
    let mut numbers = Vec::new();
    loop {
        if let Err(error) = subscription.next(&mut numbers).await {
            return error;
        }
        delivered.fetch_add(numbers.len() as u64, Ordering::Relaxed);
        numbers.clear();
    }
}

async fn run(
    store: &dyn Store,
    course: &Course,
    clients: Vec<Box<dyn Client>>,
    kind: Kind,
) -> Result<Outcome> {
    let window = course.window();
    let counted = Arc::new(Counted {
        window,
        latencies: Latencies::new(),
        events: AtomicU64::new(0),
    });
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn(append(client, kind, course.supply.clone(), counted.clone()));
    }
    let cpu = window.watch(&store.processes()).await;
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| Error::wrong(LOAD, error.to_string()))??;
    }
    let events = counted.events.load(Ordering::Relaxed);
    Ok(Outcome::rate(
        events,
        window.seconds(),
        cpu,
        Some(&counted.latencies),
    ))
}

struct Counted {
    window: Window,
    latencies: Latencies,
    events: AtomicU64,
}

/// Runs one client until the window ends.
async fn append(
    mut client: Box<dyn Client>,
    kind: Kind,
    supply: Arc<Supply>,
    counted: Arc<Counted>,
) -> Result<()> {
    let window = counted.window;
    loop {
        let (stream, mut mark) = (supply.stream(), 0);
        for nth in 0..STREAM_APPENDS {
            let sent = Instant::now();
            if sent >= window.to {
                return Ok(());
            }
            let events = match kind {
                Kind::Plain(events) => {
                    let batch = Batch {
                        stream,
                        revision: nth * u64::from(events),
                        mark,
                        first: supply.events(events),
                        events,
                        labelled: false,
                    };
                    mark = client.append(batch).await?;
                    u64::from(events)
                }
                Kind::Conditional => {
                    mark = client.append_if(stream, mark, supply.events(1)).await?;
                    1
                }
            };
            let answered = Instant::now();
            if window.holds(answered) {
                counted.latencies.record(answered - sent);
                counted.events.fetch_add(events, Ordering::Relaxed);
            }
        }
    }
}
