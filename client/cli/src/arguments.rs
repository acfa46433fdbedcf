//! What can be said on the command line.

pub mod age;
mod append;
mod expected;
mod help;
mod retention;

use std::time::Duration;

use annals_client::{Query, QueryItem, Timestamp};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use append::{Append, NewEvent, NoMatch};
pub use expected::Expected;
pub use retention::{End, Retention};

/// Look into and write to an Annals event store.
#[derive(Debug, Parser)]
#[command(name = "annals", version, max_term_width = 100, after_help = help::OVERVIEW)]
pub struct Arguments {
    #[command(flatten)]
    pub connection: Connection,
    #[command(subcommand)]
    pub command: Command,
}

/// What all commands share.
#[derive(Debug, Args)]
pub struct Connection {
    /// Where the server is: http://HOST:PORT, or HOST alone, on port 2113. Given several times or with commas: servers of
    /// one store, of which any that answers is used.
    #[arg(
        long,
        global = true,
        env = "ANNALS_ENDPOINT",
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:2113"
    )]
    pub endpoint: Vec<String>,

    /// How to print. Unless given: table on a terminal, ndjson (one JSON object a line) otherwise.
    #[arg(long, global = true, value_enum)]
    pub format: Option<Format>,

    /// How many seconds the server may take to answer.
    #[arg(long, global = true, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub timeout: u32,
}

impl Connection {
    /// The endpoints.
    pub fn endpoints(&self) -> Vec<String> {
        let named = self.endpoint.iter().map(|endpoint| endpoint.trim());
        let named = named.filter(|endpoint| !endpoint.is_empty());
        named.map(str::to_owned).collect()
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns, for people. Long values are shortened.
    Table,
    /// One JSON object a line, for programs. Events have the keys position, stream, revision, id, type, time, data,
    /// metadata, tags, in this order; data and metadata that are not JSON are in base64, as data_base64 and
    /// metadata_base64.
    Ndjson,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Append one event to a stream, or several to any number of streams, all or none.
    #[command(after_help = help::APPEND)]
    Append(Box<Append>),

    /// Read a stream, or the whole log, up to its end.
    #[command(after_help = help::READ)]
    Read(Read),

    /// Follow a stream, or the whole log: what there is, then what comes.
    #[command(after_help = help::SUBSCRIBE)]
    Subscribe(Subscribe),

    /// List streams.
    #[command(after_help = "Examples:\n  annals streams\n  annals streams --prefix order- --limit 20")]
    Streams {
        /// Only streams whose names start with this.
        #[arg(long, default_value = "", hide_default_value = true)]
        prefix: String,
        /// The most streams to list.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
    },

    /// Show one stream.
    #[command(after_help = "Examples:\n  annals stream order-1")]
    Stream {
        /// The stream's name.
        name: String,
    },

    /// Show the position that the log had reached at a time.
    #[command(after_help = help::POSITION_AT)]
    PositionAt {
        /// The time, as in 2026-01-02T03:04:05Z.
        #[arg(value_parser = parse_time)]
        time: Timestamp,
    },

    /// Keep what a program made of a stream's events, or look at it.
    #[command(subcommand)]
    Snapshot(Snapshot),
    /// Show how much of a stream, or of all streams of a prefix, is kept, or set it.
    #[command(after_help = help::RETENTION)]
    Retention(Retention),

    /// Delete a stream: its events are gone; an append begins it again, with the revision after its last.
    #[command(after_help = help::DELETE)]
    Delete(End),

    /// Delete a stream for ever: its events are gone, and its name takes no more. There is no way back.
    #[command(after_help = help::TOMBSTONE)]
    Tombstone(End),

    /// Reclaim the space of events that are gone, and show how it goes on; the server does it while it serves.
    #[command(after_help = help::SCAVENGE, args_conflicts_with_subcommands = true)]
    Scavenge {
        /// Start it (or go on with one that was stopped), and do not wait for its end.
        #[arg(long)]
        no_wait: bool,
        #[command(subcommand)]
        action: Option<Scavenge>,
    },

    /// Append events from a file.
    #[command(after_help = help::IMPORT)]
    Import {
        /// The file, one JSON object a line; `-` for standard input.
        file: String,
        /// Move a log here: each event keeps its position, its revision and the time at which it was recorded. For a whole
        /// log that `annals export` wrote, an empty store, and a server started with --accept-recorded-times.
        #[arg(long)]
        keep_recorded_times: bool,
        /// Append the events of an export at the end of the log: they get new positions and revisions, and what is removed,
        /// deleted or kept as a snapshot is not taken along.
        #[arg(long)]
        renumber: bool,
    },

    /// Write the log with all that belongs to it, or the events that match, to a file.
    #[command(after_help = help::EXPORT)]
    Export {
        /// The file; `-` for standard output. A file is only replaced when all has been written.
        #[arg(default_value = "-")]
        file: String,
        #[command(flatten)]
        filters: Filters,
    },

    /// Show the server: version, engine, head, limits.
    Info,

    /// Print a script that completes `annals` commands in a shell.
    #[command(
        after_help = "Examples:\n  annals completions bash > ~/.local/share/bash-completion/completions/annals"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Scavenge {
    /// Show the scavenge that runs, was stopped or ran last.
    Status,
    /// Stop the scavenge that runs. `annals scavenge` goes on with it.
    Stop,
}

/// A stream or the whole log.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Target {
    /// The stream.
    pub stream: Option<String>,
    /// The whole log instead of a stream.
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct Read {
    #[command(flatten)]
    pub target: Target,
    /// The first revision (of a stream) or position (of the log) to print.
    #[arg(long, value_name = "N")]
    pub from: Option<u64>,
    /// The most events to print.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Newest first.
    #[arg(long)]
    pub backwards: bool,
    #[command(flatten)]
    pub past: Past,
    #[command(flatten)]
    pub filters: Filters,
}

/// When the stream or the log was as it is to be read.
#[derive(Debug, Args)]
#[command(next_help_heading = "The past")]
#[group(required = false, multiple = false)]
pub struct Past {
    /// Read it as it was at this time: only what was recorded then or before. As in 2026-01-02T03:04:05Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub as_of: Option<Timestamp>,
    /// Read the stream as it was when this was its last revision.
    #[arg(long, value_name = "N", conflicts_with = "all")]
    pub until_revision: Option<u64>,
    /// Read the log as it was when this was its last position.
    #[arg(long, value_name = "N", conflicts_with = "stream")]
    pub until_position: Option<u64>,
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "give a time with its offset from UTC, such as 2026-01-02T03:04:05Z or 2026-01-02T04:04:05.678+01:00"
            .to_owned()
    })
}

#[derive(Debug, Subcommand)]
pub enum Snapshot {
    /// Save a snapshot of a stream. One of the same revision and schema version is replaced.
    #[command(after_help = help::SNAPSHOT_SAVE)]
    Save(SaveSnapshot),

    /// Show the latest snapshot of a stream, or write its bytes to a file.
    #[command(after_help = help::SNAPSHOT_LOAD)]
    Load(LoadSnapshot),
}

#[derive(Debug, Args)]
pub struct SaveSnapshot {
    /// The stream.
    pub stream: String,
    /// The file with the bytes to save, whatever they are; `-` for standard input.
    pub file: String,
    /// The last revision that the snapshot holds.
    #[arg(long, value_name = "N")]
    pub revision: u64,
    /// Which form it has, in the program's own counting.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub schema_version: u32,
    /// How many snapshots of the stream to keep, those with the greatest revisions.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub keep: u32,
}

#[derive(Debug, Args)]
pub struct LoadSnapshot {
    /// The stream.
    pub stream: String,
    /// The latest at this revision or before.
    #[arg(long, value_name = "N")]
    pub at_or_before: Option<u64>,
    /// The latest of this form. Unless given, of any.
    #[arg(long, value_name = "N")]
    pub schema_version: Option<u32>,
    /// Write its bytes, as they were saved, to this file; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<String>,
}

#[derive(Debug, Args)]
pub struct Subscribe {
    #[command(flatten)]
    pub target: Target,
    /// Begin after this revision (of a stream) or position (of the log): the last that was seen. Unless given, at the
    /// beginning.
    #[arg(long, value_name = "N")]
    pub after: Option<u64>,
    /// Begin after the last event there is now.
    #[arg(long, conflicts_with = "after")]
    pub from_end: bool,
    /// End when everything there is has been printed.
    #[arg(long)]
    pub until_caught_up: bool,
    /// End after so many events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    #[command(flatten)]
    pub filters: Filters,
}

/// Which events are meant. An event must satisfy each kind of filter that is given.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Filters")]
pub struct Filters {
    /// Only events of this type. Given several times: of any of them.
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// Only events whose type starts with this (or is one of --type).
    #[arg(long = "type-prefix", value_name = "PREFIX")]
    pub type_prefixes: Vec<String>,
    /// Only events of streams that start with this: `order-` is the category of all orders.
    #[arg(long = "stream-prefix", value_name = "PREFIX")]
    pub stream_prefixes: Vec<String>,
    /// Only events that bear this tag. Given several times: all of them.
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
}

impl Filters {
    /// Whether every event satisfies them.
    pub fn are_none(&self) -> bool {
        let Filters {
            types,
            type_prefixes,
            stream_prefixes,
            tags,
        } = self;
        [types, type_prefixes, stream_prefixes, tags]
            .iter()
            .all(|names| names.is_empty())
    }
}

impl From<Filters> for Query {
    fn from(filters: Filters) -> Query {
        let item = QueryItem {
            types: filters.types,
            type_prefixes: filters.type_prefixes,
            streams: Vec::new(),
            stream_prefixes: filters.stream_prefixes,
            tags: filters.tags,
        };
        if item == QueryItem::default() {
            Query::all()
        } else {
            item.into()
        }
    }
}

#[cfg(test)]
mod tests;
