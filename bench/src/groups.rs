//! `annals-bench groups`: consumers of one ordered group that ack each event, beside pullers of a durable consumer of
//! NATS JetStream, on the same events.
//!
//! In each round every store starts with an empty folder and gets the same events. Then all consumers begin, and the
//! time until the last ack is sent, and what was acked is stored, is measured.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Args;
use tokio::task::JoinSet;

use crate::{
    Error, Result,
    environment::prepare,
    load::{Supply, others_cores_busy},
    quick::quiet,
    stores::{Batch, Client, Name, Peers, Store},
};

/// Clients that append the events.
const FILLERS: u64 = 64;
/// Events in an append.
const BATCH: u64 = 100;
/// How long a consumer waits for an event before it looks whether all were acked.
const IDLE: Duration = Duration::from_millis(20);

/// Options of `annals-bench groups`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Stores, in the order in which they run
    #[arg(long, value_enum, value_delimiter = ',', default_value = "annals,nats")]
    stores: Vec<Name>,

    /// Number of events
    #[arg(long, value_name = "N", default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    events: u64,

    /// Number of streams
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=5_000))]
    streams: u64,

    /// Number of consumers
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=64))]
    consumers: u64,

    /// Number of rounds; the medians count
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Folder in which data folders are made and deleted again, on a real disk [default: the folder of build
    /// products, else the current folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Number of cores that clients and servers share
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) cores: usize,

    #[command(flatten)]
    peers: Peers,
}

/// Runs the measurements and prints each as it completes.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let (data, environment) = prepare(options.data.as_deref(), true)?;
    println!("{}", environment.line());
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); options.stores.len()];
    for round in 1..=options.rounds {
        for (nth, name) in options.stores.iter().enumerate() {
            let store: Arc<dyn Store> = Arc::from(name.start(&data, &options.peers).await?);
            fill(&*store, options).await?;
            store.settle().await?;
            quiet(&store.processes(), Duration::from_secs(10)).await;
            let rate = consume(&store, options).await?;
            let busy = others_cores_busy(&store.processes(), Duration::from_millis(200)).await;
            println!(
                "round {round} {}: {rate:.0} events/s (others used {busy:.2} cores)",
                name.text()
            );
            rates[nth].push(rate);
            drop(store);
        }
    }
    let medians: Vec<f64> = rates.iter_mut().map(|rates| median(rates)).collect();
    for (name, median) in options.stores.iter().zip(&medians) {
        let ratio = median / medians[0];
        println!(
            "{}: {median:.0} events/s, {ratio:.2} of {}",
            name.text(),
            options.stores[0].text()
        );
    }
    Ok(())
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Appends the events, in batches, to all streams in turn.
async fn fill(store: &dyn Store, options: &Options) -> Result<()> {
    let per_stream = options.events / options.streams;
    let clients = store.clients(usize::try_from(FILLERS).unwrap_or(1), 8).await?;
    let supply = Arc::new(Supply::default());
    let mut tasks = JoinSet::new();
    for (client, nth) in clients.into_iter().zip(0..) {
        let streams: Vec<u64> = (0..options.streams)
            .filter(|stream| stream % FILLERS == nth)
            .collect();
        tasks.spawn(fill_some(client, streams, per_stream, Arc::clone(&supply)));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| Error::wrong("filling", error.to_string()))??;
    }
    Ok(())
}

async fn fill_some(
    mut client: Box<dyn Client>,
    streams: Vec<u64>,
    per_stream: u64,
    supply: Arc<Supply>,
) -> Result<()> {
    let mut marks = vec![0; streams.len()];
    let mut revision = 0;
    while revision < per_stream {
        let events = BATCH.min(per_stream - revision) as u32;
        for (stream, mark) in streams.iter().zip(&mut marks) {
            let batch = Batch {
                stream: *stream,
                revision,
                mark: *mark,
                first: supply.events(events),
                events,
                labelled: false,
            };
            *mark = client.append(batch).await?;
        }
        revision += u64::from(events);
    }
    Ok(())
}

/// Consumes all events, and returns how many in a second.
async fn consume(store: &Arc<dyn Store>, options: &Options) -> Result<f64> {
    let wanted = options.events / options.streams * options.streams;
    let consumers = store
        .consumers(usize::try_from(options.consumers).unwrap_or(1))
        .await?;
    let acked = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for mut consumer in consumers {
        let acked = Arc::clone(&acked);
        tasks.spawn(async move {
            while acked.load(Ordering::Relaxed) < wanted {
                if let Ok(count) = tokio::time::timeout(IDLE, consumer.next()).await {
                    acked.fetch_add(count?, Ordering::Relaxed);
                }
            }
            consumer.leave().await
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| Error::wrong("consuming", error.to_string()))??;
    }
    let acked = acked.load(Ordering::Relaxed);
    if acked != wanted {
        return Err(Error::wrong(
            "consume",
            format!("{acked} acks of {wanted} events"),
        ));
    }
    Ok(wanted as f64 / began.elapsed().as_secs_f64())
}
