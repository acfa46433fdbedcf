//! Why a benchmark did not come to an end.

use std::path::PathBuf;

use crate::engine::Engine;

/// What went wrong; each says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Build the server, or name it.
    #[error(
        "there is no annals-server at {0}; build it with `cargo build --release -p annals-server`, or name one with \
         --server PATH"
    )]
    NoServer(PathBuf),
    /// Measure one server, or the engine that several can share.
    #[error(
        "--servers is {servers}, but the {} engine belongs to one server; several need --engine foundationdb",
        engine.name()
    )]
    NotShared {
        /// How many were asked for.
        servers: usize,
        /// Over which engine.
        engine: Engine,
    },
    /// Install FoundationDB.
    #[error(
        "there is no fdbserver by FDBSERVER, on PATH or where it is usually installed; install FoundationDB 7.3, and build \
         the server with `--features annals-server/foundationdb`"
    )]
    NoFoundationDb,
    /// Install it, or leave it out.
    #[error(
        "{0} is not here; install the stores to compare with by `scripts/peers`, or name others with --stores"
    )]
    NoPeer(&'static str),
    /// Build with it.
    #[cfg(not(feature = "peers"))]
    #[error(
        "this program was built without the client of {0}; build it with `cargo build --release -p annals-bench --features \
         peers`, or name others with --stores"
    )]
    NoPeers(&'static str),
    /// A store other than Annals refused what it must take: report it.
    #[cfg(feature = "peers")]
    #[error("{load}: {store} failed: {problem}")]
    Peer {
        /// Which store.
        store: &'static str,
        /// Which load.
        load: String,
        /// What it or its client said.
        problem: String,
    },
    /// Name a folder on a real disk.
    #[error(
        "the data folder {folder} is on {kind}, which is memory: fsync costs nothing there, so the figures would \
         mean nothing; name a folder on a real disk with --data DIR"
    )]
    NotADisk {
        /// The folder.
        folder: PathBuf,
        /// The kind of its file system.
        kind: String,
    },
    /// Read what the server said.
    #[error("{name} {problem}; its last lines:\n{log}")]
    Server {
        /// Which server.
        name: &'static str,
        /// What it did.
        problem: String,
        /// The end of its log.
        log: String,
    },
    /// The server refused what it must take: report it.
    #[error("{load}: a call failed: {status}")]
    Call {
        /// Which load.
        load: String,
        /// What the server answered.
        status: Box<tonic::Status>,
    },
    /// The server answered what it must not: report it.
    #[error("{load}: {problem}")]
    Wrong {
        /// Which load.
        load: String,
        /// What was wrong.
        problem: String,
    },
    /// Mend the option.
    #[error("{0}")]
    Usage(String),
    /// Mend the machine.
    #[error("can't {what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Read what each said.
    #[error(
        "{0} of the stores' phases failed, and are not in the figures; what each said stands above and in the notes"
    )]
    Failures(usize),
    /// Nothing: it was asked for.
    #[error("interrupted; nothing was measured to the end")]
    Interrupted,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether a call was answered with this code.
    pub(crate) fn is_status(&self, code: tonic::Code) -> bool {
        matches!(self, Self::Call { status, .. } if status.code() == code)
    }

    /// Whether another store's client said something with this in it.
    #[cfg(feature = "peers")]
    pub(crate) fn peer_said(&self, words: &str) -> bool {
        matches!(self, Self::Peer { problem, .. } if problem.contains(words))
    }

    /// Whether the server does not have the call at all.
    pub(crate) fn is_unimplemented(&self) -> bool {
        self.is_status(tonic::Code::Unimplemented)
    }

    /// For `map_err` on calls into the system.
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
