//! `annals-bench compare`: compares Annals with other event stores and with the limits of the transport and the disk.
//!
//! - `workload`: the workloads and the figure of each; `scale`: how much is measured.
//! - `comparison`: the order of the runs, and which run counts; `disturbance`: whether other activity disturbed a
//!   run.
//! - `refusals`: checks that a store must pass before it is measured.
//! - `course`: state shared by all loads; `appends`, `paced`, `reads`, `restarts`, `growth`: the loads.
//! - `dataset`: the log that is read.
//! - `goal`: the goals for Annals.
//! - `report`, `plot`, `overview`: turn figures into tables, JSON and plots.
//!
//! 1. Every store is sent the same events by the same loads, in the same order; only the protocol differs.
//! 2. In a round each store runs all workloads on empty data; rounds alternate between the stores (A B A B), and
//!    medians count.
//! 3. A workload that a store does not support is reported with the reason, never left out. So is a failure; the
//!    other workloads are still measured.
//! 4. Reads have a log of their own, with the same events in every store. They never read the events of the append
//!    workloads.
//! 5. A store that accepts an append it must refuse is not measured.

mod appends;
mod comparison;
mod course;
mod dataset;
mod disturbance;
mod goal;
mod growth;
mod overview;
mod paced;
mod plot;
mod reads;
mod refusals;
mod report;
mod restarts;
mod scale;
mod workload;

use std::path::PathBuf;

use annals_fdbserver::Programs;
use clap::Args;
use serde::Serialize;

use crate::{
    Error, Result,
    environment::prepare,
    stores::{Name, Peers},
};
use comparison::Comparison;
use course::{Course, Outcome};
use dataset::Dataset;
use scale::{Amounts, Scale};

/// Stores that are measured by default. FoundationDB is included where it is installed.
const STORES: [Name; 7] = [
    Name::Annals,
    Name::AnnalsFoundationdb,
    Name::Umadb,
    Name::MessageDb,
    Name::Nats,
    Name::Echo,
    Name::Disk,
];

/// Options of `annals-bench compare`.
#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct Options {
    /// Stores to measure, in this order [default: annals, annals-foundationdb where an fdbserver is installed, umadb,
    /// message-db, nats, echo, disk]
    #[arg(long, value_enum, value_delimiter = ',')]
    stores: Option<Vec<Name>>,

    /// Workloads to run, by name or prefix: append, append-1x64, load, read-all, …; `all` is everything but growth
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "all")]
    workloads: Vec<String>,

    #[command(flatten)]
    amounts: Amounts,

    /// Folder in which data folders are made and deleted again, on a real disk [default: the folder of build
    /// products, else the current folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    #[command(flatten)]
    peers: Peers,

    /// Number of cores that client and server share
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) cores: usize,

    /// Number of clients that share a connection, for stores whose clients can share one
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    clients_per_connection: u32,

    /// Folder to which the tables, all measurements and the plots are written after each round
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Options {
    /// Returns the stores to measure.
    fn stores(&self) -> Vec<Name> {
        let is_here = |name: &Name| *name != Name::AnnalsFoundationdb || Programs::find().is_some();
        match &self.stores {
            Some(stores) => stores.clone(),
            None => STORES.into_iter().filter(is_here).collect(),
        }
    }
}

/// Runs the measurements and prints each as it completes.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let workloads = workload::chosen(&options.workloads)?;
    let (stores, scale) = (options.stores(), options.amounts.scale());
    let (data, environment) = prepare(options.data.as_deref(), true)?;
    let minutes = scale.estimate(&stores, &workloads).as_secs_f64() / 60.0;
    eprintln!("{}", announcement(scale, stores.len(), workloads.len(), minutes));
    let mut comparison = Comparison::new(options, stores, workloads, &data, environment);
    for round in 1..=scale.rounds {
        comparison.round(round).await?;
        if let Some(folder) = &options.out {
            comparison.report().write(folder)?;
        }
    }
    println!("{}", comparison.report().text());
    match comparison.report().failures() {
        0 => Ok(()),
        failures => Err(Error::Failures(failures)),
    }
}

fn announcement(scale: Scale, stores: usize, workloads: usize, minutes: f64) -> String {
    format!(
        "{workloads} workloads on {stores} stores, {} s each, {} rounds: about {minutes:.0} minutes, longer if \
         disturbed runs are repeated",
        scale.seconds, scale.rounds,
    )
}
