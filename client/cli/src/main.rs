//! `annals`: the command line of the Annals event store.
//!
//! `main` parses, dispatches, and exits with the exit code of the failure, if any; each command is a module.

mod append;
mod arguments;
mod checkpoints;
mod consume;
mod export;
mod failure;
mod groups;
mod import;
mod info;
mod output;
mod position_at;
mod prefix;
mod progress;
mod read;
mod record;
mod retention;
mod scavenge;
mod snapshot;
mod state;
mod streams;
mod subscribe;
mod table;
mod whole;

use std::io::Write;
use std::process::ExitCode;

use annals_client::{Client, RetryPolicy};
use clap::{CommandFactory, Parser};

use crate::arguments::{Arguments, Command, Snapshot};
use crate::failure::Failure;
use crate::import::Times;
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Failure::io("starting", error).report(),
    };
    let outcome = runtime.block_on(run(arguments));
    // A thread may still be reading standard input; its result is not needed.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    if let Command::Completions { shell } = arguments.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "annals", &mut script);
        let written = std::io::stdout().write_all(&script);
        return written.map_err(|error| Failure::io("writing to standard output", error));
    }
    let client = client(&arguments)?;
    let output = Output::new(arguments.connection.format);
    match arguments.command {
        Command::Append(options) => append::run(&client, *options, output).await,
        Command::Read(options) => read::run(&client, options, output).await,
        Command::Subscribe(options) => subscribe::run(&client, options, output).await,
        Command::Streams { prefix, limit } => streams::list(&client, prefix, limit, output).await,
        Command::Stream { name } => streams::show(&client, name, output).await,
        Command::PositionAt { time } => position_at::run(&client, time, output).await,
        Command::Snapshot(Snapshot::Save(options)) => snapshot::save(&client, options, output).await,
        Command::Snapshot(Snapshot::Load(options)) => snapshot::load(&client, options, output).await,
        Command::State(command) => state::run(&client, command, output).await,
        Command::Checkpoints {
            prefix,
            limit,
            action,
        } => checkpoints::run(&client, prefix, limit, action, output).await,
        Command::Groups { prefix, action } => groups::run(&client, prefix, action, output).await,
        Command::Parked(command) => groups::parked(&client, command, output).await,
        Command::Consume(options) => consume::run(&client, options).await,
        Command::Retention(options) => retention::run(&client, options, output).await,
        Command::Delete(options) => retention::delete(&client, options, output).await,
        Command::Tombstone(options) => retention::tombstone(&client, options, output).await,
        Command::Scavenge { no_wait, action } => scavenge::run(&client, action, no_wait, output).await,
        Command::Import {
            file,
            keep_recorded_times,
            renumber,
        } => {
            let times = Times::of(keep_recorded_times);
            import::run(&client, &file, times, renumber, output).await
        }
        Command::Export { file, filters } => export::run(&client, &file, filters).await,
        Command::Info => info::run(&client, output).await,
        // Handled above, because it needs no client.
        Command::Completions { .. } => Ok(()),
    }
}

/// Creates a client that retries an unreachable server for about a second, so that the user sees the error soon. An
/// import retries longer and survives a server restart, because a long one should not have to start over.
fn client(arguments: &Arguments) -> Result<Client, Failure> {
    let endpoints = arguments.connection.endpoints();
    let patient = matches!(arguments.command, Command::Import { .. });
    let tries = u32::try_from(endpoints.len())
        .unwrap_or(u32::MAX)
        .saturating_mul(5);
    let retry = RetryPolicy {
        tries_max: (!patient).then_some(tries),
        ..RetryPolicy::default()
    };
    let builder = Client::builder()
        .endpoints(endpoints)
        .timeout(arguments.connection.timeout())
        .retry(retry);
    Ok(builder.build()?)
}
