//! `annals-bench conditions`: the cost of a condition in a small log and in a large one.
//!
//! Two servers run side by side over logs that differ only in their length. Each log has tags with ten events each,
//! spread evenly over the whole log. The same conditional appends are sent to both servers in turn (A B A B), so that
//! both are affected equally by changes of the machine's load. The medians of the latencies are compared: the call,
//! the lookup, and, where the condition holds, the commit with its sync.

mod filling;
mod probe;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::{
    Error, Result,
    deployment::Deployment,
    engine::Engine,
    environment::{Environment, prepare},
    report::table::{Align, Table},
    statistics::Summary,
    target::{Running, Target},
};
use probe::{Case, Probe};

/// Maximum ratio of the cost of a condition in the large log to the small one.
const RATIO_MAX: f64 = 2.0;

/// Options of `annals-bench conditions`.
#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct Options {
    /// Engine of both servers
    #[arg(long, value_enum, default_value = "embedded")]
    engine: Engine,

    /// Events in the small log
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    small: u64,

    /// Events in the large log
    #[arg(long, value_name = "N", default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    large: u64,

    /// Appends of each kind, to each log, in each round
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    appends: u32,

    /// Number of rounds; the medians count
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Folder in which data folders are made and deleted again, on a real disk [default: the folder of build
    /// products, else the current folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Path of the server's program [default: annals-server beside this program]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,

    /// Number of cores that client and servers share
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) cores: usize,

    /// File to which all measurements are written as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Measurements of one kind of append.
#[derive(Clone, Debug, Serialize)]
struct Row {
    case: Case,
    /// Medians of the rounds, in microseconds.
    small: Option<Summary>,
    large: Option<Summary>,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        Some(self.large?.median / self.small?.median)
    }
}

#[derive(Clone, Debug, Serialize)]
struct Report<'a> {
    options: &'a Options,
    environment: Environment,
    rows: Vec<Row>,
}

/// Fills both logs, measures, and prints the results.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let target = Target::annals(options.server.as_deref(), Deployment::single(options.engine))?;
    let (data, environment) = prepare(options.data.as_deref(), options.engine.is_durable())?;
    let small = Log::fill(&target, &data, options.small).await?;
    let large = Log::fill(&target, &data, options.large).await?;
    let rows = measure(options, &small, &large).await?;
    println!("{}", table(options, &rows));
    if let Some(file) = &options.json {
        let report = Report {
            options,
            environment,
            rows,
        };
        let json = serde_json::to_vec_pretty(&report).map_err(Error::system("write the report"))?;
        std::fs::write(file, json).map_err(Error::system(format!("write {}", file.display())))?;
    }
    small.servers.stop().await?;
    large.servers.stop().await
}

/// A server and its log.
struct Log {
    servers: Running,
    endpoint: String,
    events: u64,
}

impl Log {
    async fn fill(target: &Target, data: &std::path::Path, events: u64) -> Result<Self> {
        let mut servers = target.start(data).await?;
        let endpoint = servers.endpoints().swap_remove(0);
        eprintln!("filling a log with {events} events");
        if let Err(failure) = filling::fill(&endpoint, events).await {
            return Err(servers.explain(failure).await);
        }
        Ok(Self {
            servers,
            endpoint,
            events,
        })
    }
}

async fn measure(options: &Options, small: &Log, large: &Log) -> Result<Vec<Row>> {
    let mut probes = [
        Probe::new(&small.endpoint, small.events).await?,
        Probe::new(&large.endpoint, large.events).await?,
    ];
    let mut medians = vec![[Vec::new(), Vec::new()]; Case::ALL.len()];
    // The first round is a warm-up and is not counted.
    for round in 0..=options.rounds {
        for (case, medians) in Case::ALL.into_iter().zip(&mut medians) {
            for (probe, medians) in probes.iter_mut().zip(medians) {
                let median = probe.median_micros(case, options.appends).await?;
                if round > 0 {
                    medians.push(median);
                }
            }
        }
    }
    let rows = Case::ALL
        .into_iter()
        .zip(medians)
        .map(|(case, [small, large])| Row {
            case,
            small: Summary::of(&small),
            large: Summary::of(&large),
        });
    Ok(rows.collect())
}

fn table(options: &Options, rows: &[Row]) -> Table {
    let mut table = Table::new([
        ("conditional append", Align::Left),
        ("small, us", Align::Right),
        ("large, us", Align::Right),
        ("ratio", Align::Right),
        ("goal", Align::Left),
    ]);
    for row in rows {
        let micros = |summary: Option<Summary>| {
            summary.map_or_else(String::new, |summary| format!("{:.0}", summary.median))
        };
        let ratio = row.ratio();
        let goal = if options.large > options.small {
            let met = if ratio.is_some_and(|ratio| ratio <= RATIO_MAX) {
                "met"
            } else {
                "MISSED"
            };
            format!("{RATIO_MAX:.1} or less: {met}")
        } else {
            String::new()
        };
        table.add([
            row.case.name().to_owned(),
            micros(row.small),
            micros(row.large),
            ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            goal,
        ]);
    }
    table
}
