//! `annals-bench compare`: Annals beside what people would use instead, and beside the limits of transport and disk.
//!
//! - `workload`: what is measured, and which figure stands for it; `scale`: how much of it.
//! - `comparison`: what runs when, and which run counts; `disturbance`: whether something else disturbed it.
//! - `refusals`: what a store is asked before it is measured.
//! - `course`: what all loads need; `appends`, `paced`, `reads`, `restarts`, `growth`: the loads.
//! - `dataset`: the log that is read.
//! - `goal`: what Annals must reach.
//! - `report`, `plot`, `overview`: figures into tables, JSON and pictures.
//!
//! 1. Every store is sent the same events by the same loads, in the same order; only the words of its protocol differ.
//! 2. In a round each store runs all workloads on empty data; rounds run in turn (A B A B), and medians count.
//! 3. What a store can't do is told with the reason, and never left out. So is what failed; the others are measured all
//!    the same.
//! 4. What appends leave behind is not read: reads have a log of their own, of the same events in every store.
//! 5. A store that takes what it must refuse is not measured.

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

/// What is measured unless something else is asked for. FoundationDB where one is installed.
const STORES: [Name; 7] = [
    Name::Annals,
    Name::AnnalsFoundationdb,
    Name::Umadb,
    Name::MessageDb,
    Name::Nats,
    Name::Echo,
    Name::Disk,
];

/// What the person who measures may choose.
#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct Options {
    /// What is measured, in this order [default: annals, annals-foundationdb where an fdbserver is installed, umadb,
    /// message-db, nats, echo, disk]
    #[arg(long, value_enum, value_delimiter = ',')]
    stores: Option<Vec<Name>>,

    /// Which workloads, by name or by how names begin: append, append-1x64, load, read-all, …; `all` is everything but growth
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "all")]
    workloads: Vec<String>,

    #[command(flatten)]
    amounts: Amounts,

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

    /// Writes the tables, everything that was measured, and the plots into this folder, too, after each round
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Options {
    /// Which stores to measure.
    fn stores(&self) -> Vec<Name> {
        let is_here = |name: &Name| *name != Name::AnnalsFoundationdb || Programs::find().is_some();
        match &self.stores {
            Some(stores) => stores.clone(),
            None => STORES.into_iter().filter(is_here).collect(),
        }
    }
}

/// Measures, and prints as it goes.
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
        "{workloads} workloads on {stores} stores, {} s each, {} rounds: about {minutes:.0} minutes, more if runs are disturbed and \
         repeated",
        scale.seconds, scale.rounds,
    )
}
