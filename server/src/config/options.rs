//! Options as flags, environment variables and keys of the configuration file.

use std::path::{Path, PathBuf};

use clap::{Args, Parser};
use serde::Deserialize;

use super::{Age, ByteSize, EngineName, Interval, ListenAddress, LogFormat};
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  Keep events in ./annals-data and serve gRPC on 127.0.0.1:2113, metrics and health on 127.0.0.1:2114:
      annals-server

  Try Annals without writing to disk:
      annals-server --engine memory

  Serve a network, with JSON log lines:
      annals-server --data /var/lib/annals --listen 0.0.0.0:2113 --log json

  One of several servers on a FoundationDB cluster:
      annals-server --engine foundationdb --cluster-file /etc/foundationdb/fdb.cluster --key-prefix orders \\
          --listen 0.0.0.0:2113 --advertise 10.0.0.7:2113

  Log the stream and position of each append:
      annals-server --log-level debug

  Set the same options in variables or in a file:
      ANNALS_DATA=/var/lib/annals ANNALS_LISTEN=0.0.0.0:2113 annals-server
      annals-server --config /etc/annals/server.toml

      # /etc/annals/server.toml: the names of the options, with underscores
      listen = \"0.0.0.0:2113\"
      data = \"/var/lib/annals\"
      log = \"json\"
      cache_bytes = \"1GiB\"

A flag overrides a variable, a variable overrides the file, and the file overrides the default.

Check it from outside:
  curl http://127.0.0.1:2114/health/ready
  curl http://127.0.0.1:2114/metrics
  grpcurl -plaintext 127.0.0.1:2113 annals.v1.EventStoreService/GetServerInfo

Stop it with SIGTERM or Ctrl-C: it finishes calls in flight and ends subscriptions. A second signal stops it at once.

Exit codes: 0 stopped as requested, 1 could not start or serve, 2 invalid setting, 3 storage failed or lost events.";

/// An event store: streams of events in one ordered log, over gRPC.
#[derive(Debug, Parser)]
#[command(name = "annals-server", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Flags {
    /// A TOML file with options; its keys are the option names with underscores
    #[arg(long, value_name = "FILE", env = "ANNALS_CONFIG")]
    pub config: Option<PathBuf>,

    /// The options that the file can set too.
    #[command(flatten)]
    pub options: Options,
}

/// All options; `None` if not set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Address of the gRPC listener [default: 127.0.0.1:2113]; port 0 selects a free port
    #[arg(long, value_name = "HOST:PORT", env = "ANNALS_LISTEN")]
    pub listen: Option<ListenAddress>,

    /// Address of the HTTP listener for /metrics, /health/live and /health/ready [default: the port after that of
    /// --listen]
    #[arg(long, value_name = "HOST:PORT", env = "ANNALS_HTTP_LISTEN")]
    pub http_listen: Option<ListenAddress>,

    /// The storage engine [default: embedded]
    #[arg(long, value_name = "ENGINE", env = "ANNALS_ENGINE")]
    pub engine: Option<EngineName>,

    /// Data directory of the embedded engine, created if it is missing [default: ./annals-data]
    #[arg(long, value_name = "DIR", env = "ANNALS_DATA")]
    pub data: Option<PathBuf>,

    /// Cluster file of the FoundationDB cluster [default: /etc/foundationdb/fdb.cluster]
    #[arg(long, value_name = "FILE", env = "ANNALS_CLUSTER_FILE")]
    pub cluster_file: Option<PathBuf>,

    /// Prefix of this store's keys in the FoundationDB cluster; servers with the same prefix share a store, and every
    /// other prefix is another store [default: annals]
    #[arg(long, value_name = "PREFIX", env = "ANNALS_KEY_PREFIX")]
    pub key_prefix: Option<String>,

    /// Address at which other servers of the same FoundationDB store forward appends to this one, while it writes for
    /// all of them [default: --listen, unless that is every address of the machine; then no appends are forwarded to
    /// this server]
    #[arg(long, value_name = "HOST:PORT", env = "ANNALS_ADVERTISE")]
    pub advertise: Option<ListenAddress>,

    /// Format of the log lines on standard error [default: text]
    #[arg(long, value_name = "FORMAT", env = "ANNALS_LOG")]
    pub log: Option<LogFormat>,

    /// Level of the log lines [default: info]: off, error, warn, info, debug, trace, or a filter by module such as
    /// `info,annals_store=debug,h2=warn`
    #[arg(long, value_name = "LEVEL", env = "ANNALS_LOG_LEVEL")]
    pub log_level: Option<String>,

    /// Maximum size of an event's data [default: 1MiB]
    #[arg(long, value_name = "SIZE", env = "ANNALS_MAX_EVENT_BYTES")]
    pub max_event_bytes: Option<ByteSize>,

    /// Maximum size of an append in total, at most 8000000 [default: 4MiB]
    #[arg(long, value_name = "SIZE", env = "ANNALS_MAX_APPEND_BYTES")]
    pub max_append_bytes: Option<ByteSize>,

    /// Maximum size of a snapshot's data, at most 8000000; from about 4190000, clients must accept larger messages
    /// than gRPC's default of 4 MiB [default: 4000000]
    #[arg(long, value_name = "SIZE", env = "ANNALS_MAX_SNAPSHOT_BYTES")]
    pub max_snapshot_bytes: Option<ByteSize>,

    /// Maximum number of open subscriptions [default: 10000]
    #[arg(long, value_name = "COUNT", env = "ANNALS_MAX_SUBSCRIPTIONS")]
    pub max_subscriptions: Option<u32>,

    /// Memory for the most recent events, from which reads and subscribers near the head are served [default: 64MiB]
    #[arg(long, value_name = "SIZE", env = "ANNALS_TAIL_BYTES")]
    pub tail_bytes: Option<ByteSize>,

    /// Memory for the embedded engine's block cache [default: 128MiB]
    #[arg(long, value_name = "SIZE", env = "ANNALS_CACHE_BYTES")]
    pub cache_bytes: Option<ByteSize>,

    /// Let appends set the time at which their events were recorded, while a log is moved here with
    /// `annals import --keep-recorded-times`; on a cluster, set it on every server [default: false]
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new(),
        env = "ANNALS_ACCEPT_RECORDED_TIMES"
    )]
    pub accept_recorded_times: Option<bool>,

    /// Continue once without the acknowledged events after this position, which the embedded engine reported as
    /// missing. The store gets a new identity; another loss is refused again
    #[arg(long, value_name = "POSITION", env = "ANNALS_ACCEPT_LOST_EVENTS_AFTER")]
    pub accept_lost_events_after: Option<u64>,

    /// Time between the end of a scavenge, which reclaims the space of removed events, and the start of the next one:
    /// for example 1d, 12h, 30m; off: no automatic scavenges [default: 1d]
    #[arg(long, value_name = "DURATION", env = "ANNALS_SCAVENGE_EVERY")]
    pub scavenge_every: Option<Interval>,

    /// How long deletions of state are known, 1m to 365d: a subscription to state that continues after an earlier
    /// version must start again; on a cluster, set the same on every server [default: 1d]
    #[arg(long, value_name = "DURATION", env = "ANNALS_STATE_DELETION_AGE")]
    pub state_deletion_age: Option<Age>,

    /// How long a stopping server waits for calls in flight, 0 to 3600 [default: 30]
    #[arg(long, value_name = "SECONDS", env = "ANNALS_DRAIN_SECONDS")]
    pub drain_seconds: Option<u64>,
}

impl Options {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// [`Error::Config`] with the file, and with the key and line if a key is unknown or has an invalid value.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::Config(format!(
                "can't read the configuration file {}: {error}",
                path.display()
            ))
        })?;
        Self::from_toml(&text).map_err(|problem| {
            Error::Config(format!("in the configuration file {}: {problem}", path.display()))
        })
    }

    pub(super) fn from_toml(text: &str) -> std::result::Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Returns these options, with missing ones taken from `fallback`.
    #[must_use]
    pub fn or(self, fallback: Self) -> Self {
        Self {
            listen: self.listen.or(fallback.listen),
            http_listen: self.http_listen.or(fallback.http_listen),
            engine: self.engine.or(fallback.engine),
            data: self.data.or(fallback.data),
            cluster_file: self.cluster_file.or(fallback.cluster_file),
            key_prefix: self.key_prefix.or(fallback.key_prefix),
            advertise: self.advertise.or(fallback.advertise),
            log: self.log.or(fallback.log),
            log_level: self.log_level.or(fallback.log_level),
            max_event_bytes: self.max_event_bytes.or(fallback.max_event_bytes),
            max_append_bytes: self.max_append_bytes.or(fallback.max_append_bytes),
            max_snapshot_bytes: self.max_snapshot_bytes.or(fallback.max_snapshot_bytes),
            max_subscriptions: self.max_subscriptions.or(fallback.max_subscriptions),
            tail_bytes: self.tail_bytes.or(fallback.tail_bytes),
            cache_bytes: self.cache_bytes.or(fallback.cache_bytes),
            accept_recorded_times: self.accept_recorded_times.or(fallback.accept_recorded_times),
            accept_lost_events_after: self
                .accept_lost_events_after
                .or(fallback.accept_lost_events_after),
            scavenge_every: self.scavenge_every.or(fallback.scavenge_every),
            state_deletion_age: self.state_deletion_age.or(fallback.state_deletion_age),
            drain_seconds: self.drain_seconds.or(fallback.drain_seconds),
        }
    }
}
