//! The command line arguments.

pub mod age;
mod append;
mod expected;
mod groups;
mod help;
mod retention;
mod state;

use std::time::Duration;

use annals_client::{Query, QueryItem, Timestamp};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use append::{Append, NewEvent, NoMatch};
pub use expected::Expected;
pub use groups::{Consume, Groups, Parked, Selection};
pub use retention::{End, Retention};
pub use state::{DeleteState, Entry, ExpectedEntry, GetState, ListState, PutState, State, WatchState};

/// Read and write an Annals event store.
#[derive(Debug, Parser)]
#[command(name = "annals", version, max_term_width = 100, after_help = help::OVERVIEW)]
pub struct Arguments {
    #[command(flatten)]
    pub connection: Connection,
    #[command(subcommand)]
    pub command: Command,
}

/// Options shared by all commands.
#[derive(Debug, Args)]
pub struct Connection {
    /// Address of the server: http://HOST:PORT, or HOST alone with port 2113. May be repeated or comma-separated to
    /// list several servers of one store; any that answers is used.
    #[arg(
        long,
        global = true,
        env = "ANNALS_ENDPOINT",
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:2113"
    )]
    pub endpoint: Vec<String>,

    /// Output format. Default: table on a terminal, ndjson (one JSON object per line) otherwise.
    #[arg(long, global = true, value_enum)]
    pub format: Option<Format>,

    /// Time in seconds that the server may take to answer.
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        default_value = "10",
        value_parser = clap::value_parser!(u32).range(1..=3600)
    )]
    pub timeout: u32,
}

impl Connection {
    /// Returns the endpoints without surrounding white space.
    pub fn endpoints(&self) -> Vec<String> {
        let named = self.endpoint.iter().map(|endpoint| endpoint.trim());
        let named = named.filter(|endpoint| !endpoint.is_empty());
        named.map(str::to_owned).collect()
    }

    /// Returns the time that the server may take to answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }
}

/// The output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for humans. Long values are shortened.
    Table,
    /// One JSON object per line for programs. Events have the keys position, stream, revision, id, type, time, data,
    /// metadata, tags, in this order; data and metadata that are not JSON are encoded in base64, as data_base64 and
    /// metadata_base64.
    Ndjson,
}

/// The command and its arguments.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Append one event to a stream, or several events to any number of streams, all or none.
    #[command(after_help = help::APPEND)]
    Append(Box<Append>),

    /// Read a stream, or the whole log, up to its end.
    #[command(after_help = help::READ)]
    Read(Read),

    /// Follow a stream, or the whole log: stored events, then new ones.
    #[command(after_help = help::SUBSCRIBE)]
    Subscribe(Subscribe),

    /// List streams.
    #[command(after_help = "Examples:\n  annals streams\n  annals streams --prefix order- --limit 20")]
    Streams {
        /// Only streams whose names start with this prefix.
        #[arg(long, default_value = "", hide_default_value = true)]
        prefix: String,
        /// Maximum number of streams to list.
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
        /// The time, such as 2026-01-02T03:04:05Z.
        #[arg(value_parser = parse_time)]
        time: Timestamp,
    },

    /// Save or load a snapshot of a stream.
    #[command(subcommand)]
    Snapshot(Snapshot),
    /// Show and change documents beside the log.
    #[command(subcommand)]
    State(State),
    /// List the checkpoints that consumers report, with their lags in events and seconds, or delete one.
    #[command(after_help = help::CHECKPOINTS, args_conflicts_with_subcommands = true)]
    Checkpoints {
        /// Only checkpoints whose names start with this prefix.
        #[arg(long, default_value = "", hide_default_value = true)]
        prefix: String,
        /// Maximum number of checkpoints to list.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
        #[command(subcommand)]
        action: Option<Checkpoints>,
    },
    /// List consumer groups, or create, show, change and delete one.
    #[command(after_help = help::GROUPS, args_conflicts_with_subcommands = true)]
    Groups {
        /// Only groups whose names start with this prefix.
        #[arg(long, default_value = "", hide_default_value = true)]
        prefix: String,
        #[command(subcommand)]
        action: Option<Groups>,
    },
    /// List the parked events of a consumer group, deliver them again, or give them up.
    #[command(subcommand)]
    Parked(Parked),
    /// Process the events of a consumer group with a command, until interrupted.
    #[command(after_help = help::CONSUME)]
    Consume(Consume),
    /// Show or set how much is kept of a stream, or of all streams with a prefix.
    #[command(after_help = help::RETENTION)]
    Retention(Retention),

    /// Delete a stream: its events are removed. A later append starts it again, with the revision after its last.
    #[command(after_help = help::DELETE)]
    Delete(End),

    /// Delete a stream permanently: its events are removed, and its name accepts no more appends. This can't be
    /// undone.
    #[command(after_help = help::TOMBSTONE)]
    Tombstone(End),

    /// Reclaim the space of removed events, and show the progress. The server keeps serving meanwhile.
    #[command(after_help = help::SCAVENGE, args_conflicts_with_subcommands = true)]
    Scavenge {
        /// Start it (or continue one that was stopped) without waiting for its end.
        #[arg(long)]
        no_wait: bool,
        #[command(subcommand)]
        action: Option<Scavenge>,
    },

    /// Append events from a file.
    #[command(after_help = help::IMPORT)]
    Import {
        /// The file, one JSON object per line; `-` for standard input.
        file: String,
        /// Move a log here: each event keeps its position, its revision and its recorded time. Requires a whole log
        /// written by `annals export`, an empty store, and a server started with --accept-recorded-times.
        #[arg(long)]
        keep_recorded_times: bool,
        /// Append the events of an export at the end of the log, with new positions and revisions. Removed events,
        /// deletions, snapshots and state are not imported.
        #[arg(long)]
        renumber: bool,
    },

    /// Write the whole log with its settings, snapshots and state, or the events that match the filters, to a file.
    #[command(after_help = help::EXPORT)]
    Export {
        /// The file; `-` for standard output. An existing file is only replaced after everything has been written.
        #[arg(default_value = "-")]
        file: String,
        #[command(flatten)]
        filters: Filters,
    },

    /// Show the server's version, engine, head and limits.
    Info,

    /// Print a completion script for a shell.
    #[command(
        after_help = "Examples:\n  annals completions bash > ~/.local/share/bash-completion/completions/annals"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// The subcommands of `annals scavenge`; without one, a scavenge is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Scavenge {
    /// Show the scavenge that is running, was stopped or ran last.
    Status,
    /// Stop the running scavenge. `annals scavenge` continues it.
    Stop,
}

/// The subcommands of `annals checkpoints`; without one, checkpoints are listed.
#[derive(Debug, Subcommand)]
pub enum Checkpoints {
    /// Delete a checkpoint, such as that of a projection that no longer runs.
    Delete {
        /// The checkpoint's name.
        name: String,
    },
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

/// The arguments of `annals read`.
#[derive(Debug, Args)]
pub struct Read {
    #[command(flatten)]
    pub target: Target,
    /// The first revision (of a stream) or position (of the log) to print.
    #[arg(long, value_name = "N")]
    pub from: Option<u64>,
    /// Maximum number of events to print.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Print the newest events first.
    #[arg(long)]
    pub backwards: bool,
    #[command(flatten)]
    pub past: Past,
    #[command(flatten)]
    pub filters: Filters,
}

/// The past state to read.
#[derive(Debug, Args)]
#[command(next_help_heading = "The past")]
#[group(required = false, multiple = false)]
pub struct Past {
    /// Read the state at this time: only events recorded at or before it. Example: 2026-01-02T03:04:05Z.
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
        "use a time with its offset from UTC, such as 2026-01-02T03:04:05Z or 2026-01-02T04:04:05.678+01:00"
            .to_owned()
    })
}

/// The subcommands of `annals snapshot`.
#[derive(Debug, Subcommand)]
pub enum Snapshot {
    /// Save a snapshot of a stream. Replaces one with the same revision and schema version.
    #[command(after_help = help::SNAPSHOT_SAVE)]
    Save(SaveSnapshot),

    /// Show the latest snapshot of a stream, or write its bytes to a file.
    #[command(after_help = help::SNAPSHOT_LOAD)]
    Load(LoadSnapshot),
}

/// The arguments of `annals snapshot save`.
#[derive(Debug, Args)]
pub struct SaveSnapshot {
    /// The stream.
    pub stream: String,
    /// The file to save, with any content; `-` for standard input.
    pub file: String,
    /// The last revision included in the snapshot.
    #[arg(long, value_name = "N")]
    pub revision: u64,
    /// Version of the snapshot's format, in the program's own numbering.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub schema_version: u32,
    /// Number of snapshots of the stream to keep, those with the greatest revisions.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub keep: u32,
}

/// The arguments of `annals snapshot load`.
#[derive(Debug, Args)]
pub struct LoadSnapshot {
    /// The stream.
    pub stream: String,
    /// Load the latest snapshot at or before this revision.
    #[arg(long, value_name = "N")]
    pub at_or_before: Option<u64>,
    /// Load the latest snapshot with this schema version. Default: any version.
    #[arg(long, value_name = "N")]
    pub schema_version: Option<u32>,
    /// Write the snapshot's bytes unchanged to this file; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<String>,
}

/// The arguments of `annals subscribe`.
#[derive(Debug, Args)]
pub struct Subscribe {
    #[command(flatten)]
    pub target: Target,
    /// Start after this revision (of a stream) or position (of the log): the last one already seen. Default: start at
    /// the beginning.
    #[arg(long, value_name = "N")]
    pub after: Option<u64>,
    /// Start after the current last event.
    #[arg(long, conflicts_with = "after")]
    pub from_end: bool,
    /// Stop after all stored events have been printed.
    #[arg(long)]
    pub until_caught_up: bool,
    /// Stop after this many events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    #[command(flatten)]
    pub filters: Filters,
}

/// Filters for events. An event must satisfy each kind of filter that is given.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Filters")]
pub struct Filters {
    /// Only events of this type. If repeated, events of any of them.
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// Only events whose type starts with this prefix (or is one of --type).
    #[arg(long = "type-prefix", value_name = "PREFIX")]
    pub type_prefixes: Vec<String>,
    /// Only events of streams whose names start with this prefix: `order-` is the category of all orders.
    #[arg(long = "stream-prefix", value_name = "PREFIX")]
    pub stream_prefixes: Vec<String>,
    /// Only events with this tag. If repeated, events with all of them.
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
}

impl Filters {
    /// Whether no filter is set.
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
