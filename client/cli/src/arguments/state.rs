//! The arguments of `annals state`.

use clap::{Args, Subcommand};

use super::help;

/// The subcommands of `annals state`.
#[derive(Debug, Subcommand)]
pub enum State {
    /// Show an entry.
    #[command(after_help = help::STATE_GET)]
    Get(GetState),

    /// List the entries of a scope.
    #[command(after_help = "Examples:\n  annals state list stock\n  annals state list stock --prefix fruit/")]
    List(ListState),

    /// Give an entry a value.
    #[command(after_help = help::STATE_PUT)]
    Put(PutState),

    /// Delete an entry, if there is one.
    #[command(after_help = "Examples:\n  annals state delete stock apple --expect-version 7")]
    Delete(DeleteState),

    /// Print the entries of a scope, then their changes as they are made, until interrupted.
    #[command(after_help = help::STATE_WATCH)]
    Watch(WatchState),
}

/// Names an entry.
#[derive(Debug, Args)]
pub struct Entry {
    /// The scope.
    pub scope: String,
    /// The entry's key.
    pub key: String,
}

/// The arguments of `annals state get`.
#[derive(Debug, Args)]
pub struct GetState {
    #[command(flatten)]
    pub entry: Entry,
    /// Write the value's bytes unchanged to this file; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<String>,
}

/// The arguments of `annals state list`.
#[derive(Debug, Args)]
pub struct ListState {
    /// The scope.
    pub scope: String,
    /// List only entries whose keys begin with this.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub prefix: String,
    /// List at most this many entries.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// The arguments of `annals state put`.
#[derive(Debug, Args)]
pub struct PutState {
    #[command(flatten)]
    pub entry: Entry,
    /// The value: any text.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub value: Option<String>,
    /// Take the value from this file, with any content; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub file: Option<String>,
    #[command(flatten)]
    pub expected: ExpectedEntry,
}

/// The arguments of `annals state delete`.
#[derive(Debug, Args)]
pub struct DeleteState {
    #[command(flatten)]
    pub entry: Entry,
    #[command(flatten)]
    pub expected: ExpectedEntry,
}

/// The entry that a change expects.
#[derive(Debug, Args)]
pub struct ExpectedEntry {
    /// Fail if the entry does not have this version.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub expect_version: Option<u64>,
    /// Fail if there is such an entry.
    #[arg(long, conflicts_with = "expect_version")]
    pub expect_absent: bool,
}

/// The arguments of `annals state watch`.
#[derive(Debug, Args)]
pub struct WatchState {
    /// The scope.
    pub scope: String,
    /// Print only entries whose keys begin with this.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub prefix: String,
    /// Start after this version. Default: all entries first.
    #[arg(long, value_name = "VERSION")]
    pub after: Option<u64>,
    /// End when all entries and changes so far are printed.
    #[arg(long)]
    pub until_caught_up: bool,
}
