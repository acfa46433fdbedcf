//! `annals-bench`: how fast an Annals server is on this machine, beside the limit of its transport.
//!
//! - `quick`: the first figures: which rounds are run, in which order.
//! - `compare`: Annals beside other stores; `stores`: how each of them is run and spoken to.
//! - `conditions`: what a condition costs in a small log and in a large one.
//! - `isolation`: what plain appends lose beside expensive conditions.
//! - `workload`: what `quick` measures.
//! - `load`: the load generator, a file for each kind of load.
//! - `echo`: the limit to compare with: the same service and messages, no storage.
//! - `goal`: what a figure must reach.
//! - `engine`, `deployment`: what keeps the measured servers' bytes, and how many of them share it.
//! - `target`, `process`: the server processes that are measured, started and stopped.
//! - `environment`, `filesystem`, `folder`, `disk`, `cores`, `cpu`: what the figures depend on, recorded with them.
//! - `statistics`, `report`: runs into medians and spreads, and those into a table and JSON.
//!
//! 1. A figure is the median of fresh processes on empty data, run in turn (A B A B), never the best of them.
//! 2. A goal is compared with the figure before it is rounded.
//! 3. The echo server is sent the same bytes by the same generator, so that its cost is in both figures.

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
    /// The first figures: appends, a session, reads and live delivery, beside a bare echo of the same messages
    Quick(quick::Options),
    /// Annals beside what people would use instead: UmaDB, message-db on PostgreSQL, NATS JetStream, a bare echo, a bare file
    Compare(compare::Options),
    /// What a condition of an append costs in a small log and in a large one
    Conditions(conditions::Options),
    /// What plain appends lose while other clients send appends with expensive conditions
    Isolation(isolation::Options),
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
        Command::Compare(options) => measure(options.cores, compare::run(&options)),
        Command::Echo(options) => runtime(cores::available())?.block_on(echo::run(options)),
    }
}

/// Runs a benchmark on so many cores, until it is done or somebody wants it to end.
fn measure(cores: usize, benchmark: impl Future<Output = Result<()>>) -> Result<()> {
    // Before the runtime starts its threads, because threads and child processes inherit it.
    cores::pin_to(cores)?;
    runtime(cores)?.block_on(async {
        // Before anything is started: until then a signal ends this process, and leaves what it started.
        let signals = Signals::listen()?;
        tokio::select! {
            done = benchmark => done,
            ended = signals.interrupted() => ended,
        }
    })
}

/// What somebody sends who wants it to end.
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

    /// Until one comes. Returning drops the servers and their folders; dying would leave them.
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
