//! `annals-bench quick`: the first figures, in a few minutes.
//!
//! Each round starts Annals with an empty folder, runs all workloads, stops it, and does the same with what it is measured
//! beside: the echo server, or for FoundationDB Annals on the embedded engine. Several servers over one FoundationDB cluster
//! are measured beside a single one over a cluster of its own. So both see the same changes of the machine's mood.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    Error, Result,
    deployment::Deployment,
    engine::Engine,
    environment::prepare,
    load::{Measured, Subject, Supply, others_cores_busy, read},
    report::{OTHERS_CORES_BUSY, Report, Run},
    target::Target,
    workload::{Workload, warm_up, workloads},
};

/// Long against a clock tick, short against a run.
const QUIET_SAMPLE: Duration = Duration::from_millis(500);

/// What the person who measures may choose.
#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct Options {
    /// The engine under the measured server; goals do not count for memory, because it is not durable
    #[arg(long, value_enum, default_value = "embedded")]
    engine: Engine,

    /// How many servers share one FoundationDB cluster; several are measured beside a single one, with 32 clients for each
    /// of them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    servers: u8,

    /// Where data folders are made and deleted again, on a real disk [default: the folder of build products, else the
    /// current folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// The server's program [default: annals-server beside this program]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,

    /// How long each workload is measured, after a fifth of that to warm up
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,

    /// How many times everything is measured; the medians count
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// How many cores client and server share
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) cores: usize,

    /// How many unary clients share an HTTP/2 connection
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    clients_per_connection: u32,

    /// How often a run is repeated during which other programs kept a fifth of a core or more busy; the one that they
    /// disturbed least counts
    #[arg(long, value_name = "N", default_value_t = 2)]
    repeats: u32,

    /// How long to wait before each run for other programs to fall quiet
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    quiet_wait: u64,

    /// Runs only the workloads whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// Writes everything that was measured here, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Measures, and prints as it goes.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let deployment = Deployment::new(options.engine, usize::from(options.servers))?;
    let workloads = chosen(workloads(deployment), options.only.as_deref())?;
    let annals = Target::annals(options.server.as_deref(), deployment)?;
    let (data, environment) = prepare(options.data.as_deref(), options.engine.is_durable())?;
    let mut report = Report::new(options, deployment, environment, &workloads);
    let mut read_events = read::EVENTS_MIN;
    for round in 1..=options.rounds {
        for target in [&annals, &annals.beside()] {
            let mut servers = target.start(&data).await?;
            let (endpoints, pids) = (servers.endpoints(), servers.pids());
            let supply = Arc::new(Supply::default());
            for &workload in &workloads {
                let measured = Duration::from_secs(options.seconds);
                let subject = Subject {
                    endpoints: &endpoints,
                    pids: &pids,
                    supply: &supply,
                    warm_up: warm_up(measured),
                    measured,
                    clients_per_connection: options.clients_per_connection as usize,
                };
                let measured = match least_disturbed(options, workload, &subject, read_events).await {
                    Ok(measured) => measured,
                    Err(failure) => return Err(servers.explain(failure).await),
                };
                if workload == Workload::ReadAll {
                    // The echo server sends as many as Annals did.
                    read_events = measured.events;
                }
                let run = Run {
                    round,
                    target: target.name(),
                    workload,
                    measured,
                };
                eprintln!("{}", run.line());
                report.add(run);
            }
            servers.stop().await?;
        }
    }
    println!("{}", report.table());
    if let Some(file) = &options.json {
        std::fs::write(file, report.json()).map_err(Error::system(format!("write {}", file.display())))?;
    }
    Ok(())
}

/// The workloads whose name contains `text`.
fn chosen(workloads: Vec<Workload>, text: Option<&str>) -> Result<Vec<Workload>> {
    let names: Vec<String> = workloads.iter().map(|workload| workload.name()).collect();
    let text = text.unwrap_or_default();
    let chosen: Vec<Workload> = workloads
        .into_iter()
        .filter(|workload| workload.name().contains(text))
        .collect();
    if chosen.is_empty() {
        return Err(Error::Usage(format!(
            "--only matches none of: {}",
            names.join("; ")
        )));
    }
    Ok(chosen)
}

/// Runs a workload until nothing else ran meanwhile, or often enough. Which run counts is decided by what others did, never
/// by its figure.
async fn least_disturbed(
    options: &Options,
    workload: Workload,
    subject: &Subject<'_>,
    echoed_events: u64,
) -> Result<Measured> {
    let mut best: Option<Measured> = None;
    for _ in 0..=options.repeats {
        quiet(subject.pids, Duration::from_secs(options.quiet_wait)).await;
        let measured = workload.run(subject, echoed_events).await?;
        if best
            .as_ref()
            .is_none_or(|best| measured.others_cores_busy < best.others_cores_busy)
        {
            best = Some(measured);
        }
        if best
            .as_ref()
            .is_some_and(|best| best.others_cores_busy < OTHERS_CORES_BUSY)
        {
            break;
        }
    }
    best.ok_or_else(|| Error::Usage("nothing was run".to_owned()))
}

/// Waits until other programs are quiet, but not for ever: then the report tells.
pub(crate) async fn quiet(server: &[u32], patience: Duration) {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline && others_cores_busy(server, QUIET_SAMPLE).await >= OTHERS_CORES_BUSY {}
}
