//! `annals-bench compare`: Annals beside what people would use instead, and beside the limits of transport and disk.
//!
//! - `workload`: what is measured, and which figure stands for it.
//! - `course`: what all loads need; `appends`, `paced`, `reads`, `restarts`, `growth`: the loads.
//! - `dataset`: the log that is read.
//! - `goal`: what Annals must reach.
//! - `report`, `plot`: figures into tables, JSON and pictures.
//!
//! 1. Every store is sent the same events by the same loads, in the same order; only the words of its protocol differ.
//! 2. In a round each store runs all workloads on empty data; rounds run in turn (A B A B), and medians count.
//! 3. What a store can't do is told with the reason, and never left out.
//! 4. What appends leave behind is not read: reads have a log of their own, of the same events in every store.

mod appends;
mod course;
mod dataset;
mod goal;
mod growth;
mod paced;
mod plot;
mod reads;
mod report;
mod restarts;
mod workload;

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use serde::Serialize;

use crate::{
    Result,
    environment::prepare,
    load::Supply,
    quick::quiet,
    stores::{Name, Peers, Store},
};
use course::{Course, Outcome};
use dataset::Dataset;
use report::{Report, Run};
use workload::{Phase, Workload};

/// What the person who measures may choose.
#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct Options {
    /// What is measured, in this order
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "annals,umadb,message-db,nats,echo,disk"
    )]
    stores: Vec<Name>,

    /// Which workloads, by name or by how names begin: append, append-1x64, load, read-all, …; `all` is everything but growth
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "all")]
    workloads: Vec<String>,

    /// How many times everything is measured; the medians count
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// How long each workload is measured, after a fifth of that to warm up
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,

    /// Events in the log that is read
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    events: u64,

    /// Events to which `growth` grows a log
    #[arg(long, value_name = "N", default_value_t = 20_000_000, value_parser = clap::value_parser!(u64).range(2_000_000..))]
    growth: u64,

    /// Where data folders are made and deleted again, on a real disk [default: the folder of build products, else the
    /// current folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    #[command(flatten)]
    peers: Peers,

    /// How many cores client and server share
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) cores: usize,

    /// How many clients share a connection, where the store's clients share any
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    clients_per_connection: u32,

    /// How long to wait before each run for other programs to fall quiet
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    quiet_wait: u64,

    /// Writes the tables, everything that was measured, and the plots into this folder, too
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Measures, and prints as it goes.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let workloads = workload::chosen(&options.workloads)?;
    let (data, environment) = prepare(options.data.as_deref(), true)?;
    let mut report = Report::new(options, environment, &workloads);
    for round in 1..=options.rounds {
        for phase in Phase::ALL {
            let workloads: Vec<Workload> = workloads
                .iter()
                .copied()
                .filter(|workload| workload.phase() == phase)
                .collect();
            if workloads.is_empty() {
                continue;
            }
            for &name in &options.stores {
                let mut store = name.start(&data, &options.peers).await?;
                report.introduce(name, store.setting());
                measure(
                    options,
                    round,
                    name,
                    phase,
                    &workloads,
                    store.as_mut(),
                    &mut report,
                )
                .await?;
                store.stop().await?;
            }
        }
    }
    println!("{}", report.text());
    match &options.out {
        Some(folder) => report.write(folder),
        None => Ok(()),
    }
}

/// Runs the workloads of a phase on a store that is empty.
async fn measure(
    options: &Options,
    round: u32,
    name: Name,
    phase: Phase,
    workloads: &[Workload],
    store: &mut dyn Store,
    report: &mut Report,
) -> Result<()> {
    let measured = Duration::from_secs(options.seconds);
    let mut course = Course {
        supply: Arc::new(Supply::default()),
        warm_up: crate::workload::warm_up(measured),
        measured,
        clients_per_connection: options.clients_per_connection as usize,
        growth: options.growth,
        dataset: Dataset::new(options.events),
    };
    let offered = |workload: &Workload| workload.lacking(&*store).is_none();
    if phase == Phase::Reads && workloads.iter().any(offered) && !name.is_limit() {
        course.dataset.fill(&*store, &course).await?;
    }
    for &workload in workloads {
        let outcome = match workload.lacking(&*store) {
            Some(reason) => Err(reason.to_owned()),
            None => {
                quiet(&store.processes(), Duration::from_secs(options.quiet_wait)).await;
                match workload.run(store, &mut course).await {
                    Ok(outcome) => Ok(outcome),
                    Err(error) if error.is_unimplemented() => {
                        Err("this server does not have the call".to_owned())
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let run = Run {
            round,
            store: name,
            workload,
            outcome,
        };
        eprintln!("{}", run.line());
        report.add(run);
    }
    Ok(())
}
