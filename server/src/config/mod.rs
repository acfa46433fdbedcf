//! Configuration of the server and its sources: a flag overrides an environment variable (`ANNALS_…`), a variable
//! overrides the file (`--config`), and the file overrides the default.
//!
//! 1. Every option has one name: `--max-event-bytes`, `ANNALS_MAX_EVENT_BYTES`, `max_event_bytes` in the file.
//! 2. An unknown key in the file is an error, so that a misspelt key is not silently ignored.
//! 3. A [`Config`] is complete and within bounds; code that uses it does not check again.

mod interval;
mod log_level;
mod options;
mod values;

#[cfg(test)]
mod tests;

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use annals_store::limits::{APPEND_BYTES_CEILING, Limits, SNAPSHOT_BYTES_CEILING};
use clap::Parser;

pub use interval::{Age, Interval};
pub use log_level::LogLevel;
pub use options::{Flags, Options};
pub use values::{ByteSize, EngineName, ListenAddress, LogFormat};

use crate::{Error, Result};

/// Default address of the gRPC listener.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:2113";
/// Default directory of the embedded engine.
pub const DEFAULT_DATA: &str = "./annals-data";
/// Default cluster file: the one that FoundationDB's packages install.
#[cfg(feature = "foundationdb")]
const DEFAULT_CLUSTER_FILE: &str = "/etc/foundationdb/fdb.cluster";
/// Default size of the embedded engine's block cache.
const DEFAULT_CACHE: ByteSize = ByteSize(128 << 20);
/// Default time between the end of a scavenge and the start of the next one.
const DEFAULT_SCAVENGE_EVERY: Interval = Interval(Some(Duration::from_secs(24 * 60 * 60)));
/// Minimum and maximum time for which deletions of state are known. The maximum bounds the space that they take.
const STATE_DELETION_AGES: RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(365 * 24 * 60 * 60);
/// Minimum size of the cache and of the tail: with less, one large append would not fit.
const MEMORY_MIN: ByteSize = ByteSize(1 << 20);
/// The most bytes that an event's metadata, type, id and tags can add to its data within an append.
const EVENT_OVERHEAD_MAX: usize = 80_000;

/// The storage engine and its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineConfig {
    /// Files in a directory of this machine.
    Embedded {
        /// The directory; created if it is missing.
        data: PathBuf,
        /// The most bytes of blocks in the cache.
        cache_bytes: u64,
        /// Events after this position may be missing, because the operator accepted their loss; `None`: no loss is
        /// accepted.
        accept_lost_events_after: Option<u64>,
    },
    /// This process's memory: all events are lost when the process ends.
    Memory,
    /// A FoundationDB cluster, shared by any number of servers.
    #[cfg(feature = "foundationdb")]
    FoundationDb(annals_foundationdb::Settings),
}

impl EngineConfig {
    /// Returns the engine's name.
    #[must_use]
    pub const fn name(&self) -> EngineName {
        match self {
            Self::Embedded { .. } => EngineName::Embedded,
            Self::Memory => EngineName::Memory,
            #[cfg(feature = "foundationdb")]
            Self::FoundationDb(_) => EngineName::FoundationDb,
        }
    }

    /// Whether other servers can write to the same log.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self.name(), EngineName::FoundationDb)
    }
}

/// A complete configuration of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Address of the gRPC listener.
    pub listen: ListenAddress,
    /// Address of the HTTP listener for metrics and health. `None`: the port after that of `listen`. If `listen` has
    /// port 0, that port is known only once it is bound, and HTTP uses any free port.
    pub http_listen: Option<ListenAddress>,
    /// The storage engine.
    pub engine: EngineConfig,
    /// Address at which other servers of the log reach this one. `None`: `listen`, unless that is every address.
    pub advertise: Option<ListenAddress>,
    /// Format of log lines.
    pub log: LogFormat,
    /// Level or filter of log lines; see [`LogLevel`].
    pub log_level: LogLevel,
    /// Limits on requests.
    pub limits: Limits,
    /// The most bytes of recent events kept in memory for readers and subscribers near the head.
    pub tail_bytes: usize,
    /// Whether appends may set the time at which their events were recorded.
    pub accept_recorded_times: bool,
    /// Time between the end of a scavenge and the start of the next one; `None`: no automatic scavenges.
    pub scavenge_every: Option<Duration>,
    /// How long deletions of state are known.
    pub state_deletion_age: Duration,
    /// How long a stopping server waits for calls in flight.
    pub drain_timeout: Duration,
}

impl Config {
    /// Reads the configuration from the process's arguments, environment variables and file. Prints help or a usage
    /// error and exits, as command lines do.
    ///
    /// # Errors
    /// [`Error::Config`] if the file can't be used or a value is out of bounds.
    pub fn from_process() -> Result<Self> {
        Self::from_flags(Flags::parse())
    }

    /// Reads the configuration from parsed flags and variables, and from the file that they name.
    ///
    /// # Errors
    /// The errors of [`Config::from_process`].
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
                "--listen uses the last port, 65535, so there is no next port for HTTP; set one with --http-listen"
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
        let log_level = LogLevel::parse(options.log_level.as_deref().unwrap_or("info"))?;
        let drain_seconds = options.drain_seconds.unwrap_or(30);
        if drain_seconds > 3_600 {
            return Err(Error::Config(format!(
                "--drain-seconds is {drain_seconds}; it must be 0 to 3600"
            )));
        }
        let state_deletion_age = options
            .state_deletion_age
            .map_or(defaults.state_deletion_age, |age| age.0);
        if !STATE_DELETION_AGES.contains(&state_deletion_age) {
            return Err(Error::Config(format!(
                "--state-deletion-age is {} seconds; it must be 1m to 365d",
                state_deletion_age.as_secs()
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
            state_deletion_age,
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
        "--engine foundationdb is not part of this build; use the container image, or build annals-server with the \
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
    // If the limit of an event is raised, that of an append follows, up to its ceiling.
    let follows = (event_bytes_max.saturating_add(EVENT_OVERHEAD_MAX)).min(APPEND_BYTES_CEILING);
    let append_bytes_max = append.map_or(defaults.append_bytes_max.max(follows), ByteSize::to_usize);
    if append_bytes_max == 0 || append_bytes_max > APPEND_BYTES_CEILING {
        return Err(Error::Config(format!(
            "--max-append-bytes is {append_bytes_max}; it must be 1 to {APPEND_BYTES_CEILING}"
        )));
    }
    if event_bytes_max == 0 || event_bytes_max > append_bytes_max {
        return Err(Error::Config(format!(
            "--max-event-bytes is {event_bytes_max}; it must be 1 to --max-append-bytes, which is {append_bytes_max}"
        )));
    }
    let snapshot_bytes_max = snapshot.map_or(defaults.snapshot_bytes_max, ByteSize::to_usize);
    if snapshot_bytes_max == 0 || snapshot_bytes_max > SNAPSHOT_BYTES_CEILING {
        return Err(Error::Config(format!(
            "--max-snapshot-bytes is {snapshot_bytes_max}; it must be 1 to {SNAPSHOT_BYTES_CEILING}"
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
