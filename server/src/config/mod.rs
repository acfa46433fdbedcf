//! What an operator can set, and where it comes from: a flag wins over a variable (`ANNALS_…`), a variable over the file
//! (`--config`), the file over the default.
//!
//! 1. Every option has one name: `--max-event-bytes`, `ANNALS_MAX_EVENT_BYTES`, `max_event_bytes` in the file.
//! 2. A key in the file that is not an option is an error, so that a misspelt one is not silently without effect.
//! 3. A [`Config`] is complete and within bounds; nothing behind it checks again.

mod interval;
mod options;
mod values;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, time::Duration};

use annals_store::limits::{APPEND_BYTES_CEILING, Limits, SNAPSHOT_BYTES_CEILING};
use clap::Parser;

pub use interval::Interval;
pub use options::{Flags, Options};
pub use values::{ByteSize, EngineName, ListenAddress, LogFormat};

use crate::{Error, Result};

/// Where the server listens unless told otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:2113";
/// Where the embedded engine keeps its files unless told otherwise.
pub const DEFAULT_DATA: &str = "./annals-data";
/// The file that names the FoundationDB cluster unless told otherwise: where FoundationDB's packages put it.
#[cfg(feature = "foundationdb")]
const DEFAULT_CLUSTER_FILE: &str = "/etc/foundationdb/fdb.cluster";
/// What the embedded engine's cache of blocks takes unless told otherwise.
const DEFAULT_CACHE: ByteSize = ByteSize(128 << 20);
/// How long after a scavenge the next one is started unless told otherwise.
const DEFAULT_SCAVENGE_EVERY: Interval = Interval(Some(Duration::from_secs(24 * 60 * 60)));
/// Less memory than this makes no sense for a cache or a tail: one large append would not fit.
const MEMORY_MIN: ByteSize = ByteSize(1 << 20);
/// What an event's metadata, type, id and tags may take beside its data within an append.
const EVENT_OVERHEAD_MAX: usize = 80_000;

/// The engine under the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineConfig {
    /// Files in a directory of this machine.
    Embedded {
        /// The directory; made if it is missing.
        data: PathBuf,
        /// The most bytes of blocks that are cached.
        cache_bytes: u64,
        /// The event after which acknowledged events may be missing; `None`: none may be.
        accept_lost_events_after: Option<u64>,
    },
    /// This process's memory: everything is gone when it ends.
    Memory,
    /// A FoundationDB cluster, shared by any number of servers.
    #[cfg(feature = "foundationdb")]
    FoundationDb(annals_foundationdb::Settings),
}

impl EngineConfig {
    /// The engine's name.
    #[must_use]
    pub const fn name(&self) -> EngineName {
        match self {
            Self::Embedded { .. } => EngineName::Embedded,
            Self::Memory => EngineName::Memory,
            #[cfg(feature = "foundationdb")]
            Self::FoundationDb(_) => EngineName::FoundationDb,
        }
    }

    /// Whether other servers write to the same log.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self.name(), EngineName::FoundationDb)
    }
}

/// How a server runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where gRPC is served.
    pub listen: ListenAddress,
    /// Where metrics and health are served over HTTP. `None`: on the port after that of `listen`, which is known only
    /// once it is bound if it was 0 (then any free port).
    pub http_listen: Option<ListenAddress>,
    /// What keeps the bytes.
    pub engine: EngineConfig,
    /// Where other servers of the log reach this one. `None`: at `listen`, unless that is every address.
    pub advertise: Option<ListenAddress>,
    /// How log lines look.
    pub log: LogFormat,
    /// Which log lines there are; see [`crate::logging`].
    pub log_level: String,
    /// Bounds on what clients may ask for.
    pub limits: Limits,
    /// The most bytes of recent events kept in memory for readers and subscribers near the head.
    pub tail_bytes: usize,
    /// Whether appends may say when their events were recorded.
    pub accept_recorded_times: bool,
    /// How long after a scavenge the next one is started; `None`: only when it is asked for.
    pub scavenge_every: Option<Duration>,
    /// For how long a server that was asked to stop waits for calls in flight.
    pub drain_timeout: Duration,
}

impl Config {
    /// From the process's arguments, variables and file. Prints help or what is wrong with a flag and exits, as command
    /// lines do.
    ///
    /// # Errors
    /// [`Error::Config`] if the file can't be used or a value is out of bounds.
    pub fn from_process() -> Result<Self> {
        Self::from_flags(Flags::parse())
    }

    /// From parsed flags and variables, and the file that they name.
    ///
    /// # Errors
    /// As [`Config::from_process`].
    pub fn from_flags(flags: Flags) -> Result<Self> {
        let file = match &flags.config {
            Some(path) => Options::from_file(path)?,
            None => Options::default(),
        };
        Self::resolve(flags.options.or(file))
    }

    /// Fills in the defaults and checks the bounds.
    ///
    /// # Errors
    /// [`Error::Config`] naming the option, its value and its bounds.
    pub fn resolve(options: Options) -> Result<Self> {
        let listen = match options.listen {
            Some(listen) => listen,
            None => DEFAULT_LISTEN.parse()?,
        };
        if options.http_listen.is_none() && listen.port == u16::MAX {
            return Err(Error::Config(
                "--listen has the last port, 65535, so there is none after it for HTTP; give one with --http-listen"
                    .to_owned(),
            ));
        }
        let cache = options.cache_bytes.unwrap_or(DEFAULT_CACHE);
        at_least("--cache-bytes", cache, MEMORY_MIN)?;
        let defaults = annals_store::Settings::default();
        let tail = options
            .tail_bytes
            .unwrap_or(ByteSize::from_usize(defaults.tail_bytes_max));
        at_least("--tail-bytes", tail, MEMORY_MIN)?;
        let engine = match options.engine.unwrap_or(EngineName::Embedded) {
            EngineName::Embedded => EngineConfig::Embedded {
                data: options.data.unwrap_or_else(|| DEFAULT_DATA.into()),
                cache_bytes: cache.0,
                accept_lost_events_after: options.accept_lost_events_after,
            },
            EngineName::Memory => EngineConfig::Memory,
            EngineName::FoundationDb => foundationdb(options.cluster_file, options.key_prefix)?,
        };
        let log_level = options.log_level.unwrap_or_else(|| "info".to_owned());
        crate::logging::filter(&log_level)?;
        let drain_seconds = options.drain_seconds.unwrap_or(30);
        if drain_seconds > 3_600 {
            return Err(Error::Config(format!(
                "--drain-seconds is {drain_seconds}; it may be 0 to 3600"
            )));
        }
        Ok(Self {
            listen,
            http_listen: options.http_listen,
            engine,
            advertise: options.advertise,
            log: options.log.unwrap_or(LogFormat::Text),
            log_level,
            limits: limits(
                options.max_event_bytes,
                options.max_append_bytes,
                options.max_snapshot_bytes,
                options.max_subscriptions,
                defaults.limits,
            )?,
            tail_bytes: tail.to_usize(),
            accept_recorded_times: options.accept_recorded_times.unwrap_or(false),
            scavenge_every: options.scavenge_every.unwrap_or(DEFAULT_SCAVENGE_EVERY).0,
            drain_timeout: Duration::from_secs(drain_seconds),
        })
    }
}

#[cfg(feature = "foundationdb")]
fn foundationdb(cluster_file: Option<PathBuf>, key_prefix: Option<String>) -> Result<EngineConfig> {
    let mut settings =
        annals_foundationdb::Settings::new(cluster_file.unwrap_or_else(|| DEFAULT_CLUSTER_FILE.into()));
    if let Some(key_prefix) = key_prefix {
        settings.key_prefix = key_prefix
            .parse()
            .map_err(|problem| Error::Config(format!("--key-prefix: {problem}")))?;
    }
    Ok(EngineConfig::FoundationDb(settings))
}

#[cfg(not(feature = "foundationdb"))]
fn foundationdb(_: Option<PathBuf>, _: Option<String>) -> Result<EngineConfig> {
    Err(Error::Config(
        "--engine foundationdb is not part of this build; take the container image, or build annals-server with the \
         cargo feature `foundationdb`"
            .to_owned(),
    ))
}

fn limits(
    event: Option<ByteSize>,
    append: Option<ByteSize>,
    snapshot: Option<ByteSize>,
    subscriptions: Option<u32>,
    defaults: Limits,
) -> Result<Limits> {
    let event_bytes_max = event.map_or(defaults.event_bytes_max, ByteSize::to_usize);
    // Whoever raises the one means the other to follow, as far as it can.
    let follows = (event_bytes_max.saturating_add(EVENT_OVERHEAD_MAX)).min(APPEND_BYTES_CEILING);
    let append_bytes_max = append.map_or(defaults.append_bytes_max.max(follows), ByteSize::to_usize);
    if append_bytes_max == 0 || append_bytes_max > APPEND_BYTES_CEILING {
        return Err(Error::Config(format!(
            "--max-append-bytes is {append_bytes_max}; it may be 1 to {APPEND_BYTES_CEILING}"
        )));
    }
    if event_bytes_max == 0 || event_bytes_max > append_bytes_max {
        return Err(Error::Config(format!(
            "--max-event-bytes is {event_bytes_max}; it may be 1 to --max-append-bytes, which is {append_bytes_max}"
        )));
    }
    let snapshot_bytes_max = snapshot.map_or(defaults.snapshot_bytes_max, ByteSize::to_usize);
    if snapshot_bytes_max == 0 || snapshot_bytes_max > SNAPSHOT_BYTES_CEILING {
        return Err(Error::Config(format!(
            "--max-snapshot-bytes is {snapshot_bytes_max}; it may be 1 to {SNAPSHOT_BYTES_CEILING}"
        )));
    }
    Ok(Limits {
        event_bytes_max,
        append_bytes_max,
        snapshot_bytes_max,
        subscriptions_max: subscriptions.map_or(defaults.subscriptions_max, |max| max as usize),
        ..defaults
    })
}

fn at_least(option: &str, value: ByteSize, min: ByteSize) -> Result<()> {
    if value < min {
        return Err(Error::Config(format!(
            "{option} is {value}; it must be {min} or more"
        )));
    }
    Ok(())
}
