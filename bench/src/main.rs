//! `annals-bench`: measures the speed of an Annals server on this machine, compared with the limit of its transport.
//!
//! - `quick`: a short benchmark: its rounds and their order.
//! - `compare`: Annals compared with other stores; `stores`: how each store is run and called.
//! - `conditions`: the cost of a condition in a small log and in a large one.
//! - `isolation`: the rate that plain appends lose beside expensive conditions.
//! - `groups`: the consumers of a group.
//! - `workload`: the workloads of `quick`.
//! - `load`: the load generator, a file for each kind of load.
//! - `echo`: the baseline: the same service and messages, no storage.
//! - `goal`: goals for figures.
//! - `engine`, `deployment`: the engine of the measured servers, and how many of them share it.
//! - `target`, `process`: the server processes that are measured, started and stopped.
//! - `environment`, `filesystem`, `folder`, `disk`, `cores`, `cpu`: the environment, recorded with the figures.
//! - `statistics`, `report`: turn runs into medians and spreads, and those into a table and JSON.
//!
//! 1. A figure is the median of fresh processes on empty data, run in turn (A B A B), never the best of them.
//! 2. A goal is compared with the figure before it is rounded.
//! 3. The echo server receives the same bytes from the same generator, so that the generator's cost is in both
//!    figures.

mod compare;
mod conditions;
mod cores;
mod cpu;
mod deployment;
mod disk;
mod echo;
mod engine;
mod environment;
mod error;
mod filesystem;
mod folder;
mod goal;
mod groups;
mod isolation;
mod load;
mod process;
mod quick;
mod report;
mod statistics;
mod stores;
mod target;
mod workload;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use error::{Error, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Measures an Annals server: a load generator, the server and nothing else on two cores.
#[derive(Parser)]
#[command(name = "annals-bench", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a short benchmark: appends, a session, reads and live delivery, compared with a bare echo of the same
    /// messages
    Quick(quick::Options),
    /// Compares Annals with other stores: UmaDB, message-db on PostgreSQL, NATS JetStream, a bare echo, a bare file
    Compare(compare::Options),
    /// Measures the cost of an append's condition in a small log and in a large one
    Conditions(conditions::Options),
    /// Measures the rate that plain appends lose while other clients send appends with expensive conditions
    Isolation(isolation::Options),
    /// Measures the consumers of an ordered group, beside the pullers of a durable consumer of NATS JetStream
    Groups(groups::Options),
    /// Serves the bare echo; the other commands start it themselves
    Echo(echo::Options),
}

fn main() -> ExitCode {
    match start(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(command: Command) -> Result<()> {
    match command {
        Command::Quick(options) => measure(options.cores, quick::run(&options)),
        Command::Conditions(options) => measure(options.cores, conditions::run(&options)),
        Command::Isolation(options) => measure(options.cores, isolation::run(&options)),
        Command::Groups(options) => measure(options.cores, groups::run(&options)),
        Command::Compare(options) => measure(options.cores, compare::run(&options)),
        Command::Echo(options) => runtime(cores::available())?.block_on(echo::run(options)),
    }
}

/// Runs a benchmark on `cores` cores, until it ends or the user interrupts it.
fn measure(cores: usize, benchmark: impl Future<Output = Result<()>>) -> Result<()> {
    // Before the runtime starts its threads, because threads and child processes inherit the affinity.
    cores::pin_to(cores)?;
    runtime(cores)?.block_on(async {
        // Before any server is started: until then a signal ends this process and would leave its servers running.
        let signals = Signals::listen()?;
        tokio::select! {
            done = benchmark => done,
            ended = signals.interrupted() => ended,
        }
    })
}

/// Signals that interrupt the benchmark.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).map_err(Error::system("listen to signals"));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for a signal. Returning drops the servers and their folders; a process that dies would leave them.
    async fn interrupted(mut self) -> Result<()> {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        Err(Error::Interrupted)
    }
}

fn runtime(workers: usize) -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(Error::system("start the runtime"))
}
