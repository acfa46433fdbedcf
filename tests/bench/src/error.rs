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
    /// Nothing: it was asked for.
    #[error("interrupted; nothing was measured to the end")]
    Interrupted,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
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

    /// For `map_err` on calls to the server.
    pub(crate) fn call(load: &str) -> impl FnOnce(tonic::Status) -> Self {
        move |status| Self::Call {
            load: load.to_owned(),
            status: Box::new(status),
        }
    }
}
