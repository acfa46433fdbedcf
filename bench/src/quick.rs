//! `annals-bench quick`: a short benchmark of a few minutes.
//!
//! Each round starts Annals with an empty folder, runs all workloads, stops it, and repeats this with the baseline:
//! the echo server, or, for FoundationDB, Annals on the embedded engine. Several servers over one FoundationDB
//! cluster are compared with a single one over a cluster of its own. Both are thus affected equally by changes of the
//! machine's load.

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

/// Much longer than a clock tick, and much shorter than a run.
const QUIET_SAMPLE: Duration = Duration::from_millis(500);

/// Options of `annals-bench quick`.
#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct Options {
    /// Engine of the measured server; goals do not apply to memory, because it is not durable
    #[arg(long, value_enum, default_value = "embedded")]
    engine: Engine,

    /// Number of servers that share one FoundationDB cluster; several are compared with a single one, with 32 clients
    /// for each of them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    servers: u8,

    /// Folder in which data folders are made and deleted again, on a real disk [default: the folder of build
    /// products, else the current folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Path of the server's program [default: annals-server beside this program]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,

    /// Seconds of each measurement, after a warm-up of a fifth of that
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,

    /// Number of rounds; the medians count
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Number of cores that client and server share
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) cores: usize,

    /// Number of unary clients that share an HTTP/2 connection
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    clients_per_connection: u32,

    /// Number of repeats of a run during which other programs kept a fifth of a core or more busy; the least
    /// disturbed run counts
    #[arg(long, value_name = "N", default_value_t = 2)]
    repeats: u32,

    /// Seconds to wait before each run for other programs to become idle
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    quiet_wait: u64,

    /// Runs only the workloads whose name contains this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// File to which all measurements are written as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the measurements and prints each as it completes.
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
                    // The echo server sends as many events as Annals did.
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

/// Returns the workloads whose name contains `text`.
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

/// Runs a workload until a run is undisturbed or the repeats are used up. The activity of other programs decides
/// which run counts, never its figure.
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
    best.ok_or_else(|| Error::Usage("no run was measured".to_owned()))
}

/// Waits until other programs are idle, up to `patience`; after that, the report shows the disturbance.
pub(crate) async fn quiet(server: &[u32], patience: Duration) {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline && others_cores_busy(server, QUIET_SAMPLE).await >= OTHERS_CORES_BUSY {}
}
