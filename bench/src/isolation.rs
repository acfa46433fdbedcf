//! `annals-bench isolation`: the rate that plain appends lose while other clients send appends with expensive
//! conditions.
//!
//! One client appends single events to its own stream, one after the other, alone and together with the others in
//! turn (A B A B). Two kinds of conditions are expensive to check: one over many events of a type that have all
//! expired and are not scavenged, and one over many events of which each has one of two tags and none has both.

mod filling;
mod load;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::{
    Error, Result,
    deployment::Deployment,
    engine::Engine,
    environment::{Environment, prepare},
    report::table::{Align, Table},
    statistics::Summary,
    target::Target,
};

/// Minimum share of their rate that plain appends keep.
const SHARE_MIN: f64 = 0.8;

/// Options of `annals-bench isolation`.
#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct Options {
    /// Engine of the server
    #[arg(long, value_enum, default_value = "embedded")]
    engine: Engine,

    /// Events of one type, all expired, in ten streams
    #[arg(long, value_name = "N", default_value_t = 900_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    expired: u64,

    /// Events with one of two tags in turn
    #[arg(long, value_name = "N", default_value_t = 600_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    alternating: u64,

    /// Clients that send expensive conditions
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    clients: u32,

    /// Seconds of one measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,

    /// Number of rounds; the medians count
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Folder in which data folders are made and deleted again, on a real disk [default: the folder of build
    /// products, else the current folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Path of the server's program [default: annals-server beside this program]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,

    /// Number of cores that clients and server share
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) cores: usize,

    /// File to which all measurements are written as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A kind of expensive condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Case {
    Expired,
    Alternating,
}

impl Case {
    const ALL: [Self; 2] = [Self::Expired, Self::Alternating];

    const fn name(self) -> &'static str {
        match self {
            Self::Expired => "no event of a type, all expired",
            Self::Alternating => "no event with both of two tags",
        }
    }
}

/// Measurements of one kind of condition.
#[derive(Clone, Debug, Serialize)]
struct Row {
    case: Case,
    /// Plain appends per second, alone and beside the others.
    alone: Option<Summary>,
    beside: Option<Summary>,
    /// Median latency of plain appends beside the others, in microseconds, and the 99th percentile.
    beside_micros: Option<Summary>,
    beside_high_micros: Option<Summary>,
    /// Conditional appends per second, of all clients together.
    conditional: Option<Summary>,
}

impl Row {
    fn share(&self) -> Option<f64> {
        Some(self.beside?.median / self.alone?.median)
    }
}

#[derive(Clone, Debug, Serialize)]
struct Report<'a> {
    options: &'a Options,
    environment: Environment,
    rows: Vec<Row>,
}

/// Fills a log for each case, measures, and prints the results.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let target = Target::annals(options.server.as_deref(), Deployment::single(options.engine))?;
    let (data, environment) = prepare(options.data.as_deref(), options.engine.is_durable())?;
    let mut rows = Vec::new();
    for case in Case::ALL {
        let mut servers = target.start(&data).await?;
        let endpoint = servers.endpoints().swap_remove(0);
        match measure(options, case, &endpoint).await {
            Ok(row) => rows.push(row),
            Err(failure) => return Err(servers.explain(failure).await),
        }
        servers.stop().await?;
    }
    println!("{}", table(&rows));
    if let Some(file) = &options.json {
        let report = Report {
            options,
            environment,
            rows,
        };
        let json = serde_json::to_vec_pretty(&report).map_err(Error::system("write the report"))?;
        std::fs::write(file, json).map_err(Error::system(format!("write {}", file.display())))?;
    }
    Ok(())
}

async fn measure(options: &Options, case: Case, endpoint: &str) -> Result<Row> {
    let events = match case {
        Case::Expired => options.expired,
        Case::Alternating => options.alternating,
    };
    eprintln!("filling a log with {events} events: {}", case.name());
    filling::fill(endpoint, case, events).await?;
    let time = Duration::from_secs(options.seconds);
    let mut plain = load::Plain::new(endpoint).await?;
    let (mut alone, mut beside, mut micros, mut conditional) = (vec![], vec![], vec![], vec![]);
    let mut high = vec![];
    // The first round is a warm-up and is not counted.
    for round in 0..=options.rounds {
        let quiet = plain.run(time).await?;
        let others = load::Conditional::start(endpoint, case, options.clients).await?;
        let busy = plain.run(time).await?;
        let sent = others.stop().await?;
        if round > 0 {
            alone.push(quiet.per_second);
            beside.push(busy.per_second);
            micros.push(busy.median_micros);
            high.push(busy.high_micros);
            conditional.push(sent as f64 / time.as_secs_f64());
        }
    }
    Ok(Row {
        case,
        alone: Summary::of(&alone),
        beside: Summary::of(&beside),
        beside_micros: Summary::of(&micros),
        beside_high_micros: Summary::of(&high),
        conditional: Summary::of(&conditional),
    })
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new([
        ("condition of the other clients", Align::Left),
        ("alone, 1/s", Align::Right),
        ("beside them, 1/s", Align::Right),
        ("p50, us", Align::Right),
        ("p99, us", Align::Right),
        ("theirs, 1/s", Align::Right),
        ("share kept", Align::Right),
        ("goal", Align::Left),
    ]);
    for row in rows {
        let number = |summary: Option<Summary>| {
            summary.map_or_else(String::new, |summary| format!("{:.0}", summary.median))
        };
        let met = if row.share().is_some_and(|share| share >= SHARE_MIN) {
            "met"
        } else {
            "MISSED"
        };
        table.add([
            row.case.name().to_owned(),
            number(row.alone),
            number(row.beside),
            number(row.beside_micros),
            number(row.beside_high_micros),
            number(row.conditional),
            row.share()
                .map_or_else(String::new, |share| format!("{share:.2}")),
            format!("{SHARE_MIN:.1} or more: {met}"),
        ]);
    }
    table
}
