//! Errors of the benchmark.

use std::path::PathBuf;

use crate::engine::Engine;

/// The reason why a benchmark failed. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Build the server, or give its path.
    #[error(
        "there is no annals-server at {0}; build it with `cargo build --release -p annals-server`, or give its path \
         with --server PATH"
    )]
    NoServer(PathBuf),
    /// Measure one server, or use the engine that several can share.
    #[error(
        "--servers is {servers}, but the {} engine belongs to one server; several need --engine foundationdb",
        engine.name()
    )]
    NotShared {
        /// Requested number of servers.
        servers: usize,
        /// Requested engine.
        engine: Engine,
    },
    /// Install FoundationDB.
    #[error(
        "found no fdbserver in FDBSERVER, on PATH or in its usual place; install FoundationDB 7.3, and build the \
         server with `--features annals-server/foundationdb`"
    )]
    NoFoundationDb,
    /// Install the store, or leave it out.
    #[error(
        "{0} is not installed; install the other stores with `scripts/peers`, or choose stores with --stores"
    )]
    NoPeer(&'static str),
    /// Build with the feature.
    #[cfg(not(feature = "peers"))]
    #[error(
        "this program was built without the client of {0}; build it with `cargo build --release -p annals-bench \
         --features peers`, or choose stores with --stores"
    )]
    NoPeers(&'static str),
    /// A store other than Annals refused an append that it must accept: report it.
    #[cfg(feature = "peers")]
    #[error("{load}: {store} failed: {problem}")]
    Peer {
        store: &'static str,
        load: String,
        /// Error text of the store or its client.
        problem: String,
    },
    /// Name a folder on a real disk.
    #[error(
        "the data folder {folder} is on {kind}, which is memory: fsync costs nothing there, so the figures would \
         be meaningless; choose a folder on a real disk with --data DIR"
    )]
    NotADisk {
        folder: PathBuf,
        /// Kind of its filesystem.
        kind: String,
    },
    /// Read the server's log.
    #[error("{name} {problem}; its last lines:\n{log}")]
    Server {
        name: &'static str,
        /// Description of the failure.
        problem: String,
        /// End of its log.
        log: String,
    },
    /// The server refused a call that it must accept: report it.
    #[error("{load}: a call failed: {status}")]
    Call {
        load: String,
        status: Box<tonic::Status>,
    },
    /// The server returned a wrong response: report it.
    #[error("{load}: {problem}")]
    Wrong { load: String, problem: String },
    /// Correct the option.
    #[error("{0}")]
    Usage(String),
    /// Fix the machine.
    #[error("can't {what}: {source}")]
    System {
        /// Operation that failed.
        what: String,
        source: std::io::Error,
    },
    /// Read the error of each phase.
    #[error(
        "{0} phases of stores failed and are missing from the figures; see their errors above and in the notes"
    )]
    Failures(usize),
    /// The user interrupted the benchmark.
    #[error("interrupted; the measurement is incomplete")]
    Interrupted,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether a call failed with this code.
    pub(crate) fn is_status(&self, code: tonic::Code) -> bool {
        matches!(self, Self::Call { status, .. } if status.code() == code)
    }

    /// Whether the error text of another store's client contains `words`.
    #[cfg(feature = "peers")]
    pub(crate) fn peer_said(&self, words: &str) -> bool {
        matches!(self, Self::Peer { problem, .. } if problem.contains(words))
    }

    /// Whether the server does not implement the call.
    pub(crate) fn is_unimplemented(&self) -> bool {
        self.is_status(tonic::Code::Unimplemented)
    }

    /// For `map_err` on system calls.
    pub(crate) fn system<E: Into<std::io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |source| Self::System {
            what,
            source: source.into(),
        }
    }

    pub(crate) fn wrong(load: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Wrong {
            load: load.into(),
            problem: problem.into(),
        }
    }

    /// For `map_err` on calls to another store.
    #[cfg(feature = "peers")]
    pub(crate) fn peer<E: std::fmt::Debug>(store: &'static str, load: &str) -> impl FnOnce(E) -> Self {
        move |error| Self::Peer {
            store,
            load: load.to_owned(),
            problem: format!("{error:?}"),
        }
    }

    /// For `map_err` on calls to the server.
    pub(crate) fn call(load: &str) -> impl FnOnce(tonic::Status) -> Self {
        move |status| Self::Call {
            load: load.to_owned(),
            status: Box::new(status),
        }
    }
}
