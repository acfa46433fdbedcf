//! Options of a server process.

use std::ffi::OsString;

use super::{ClusterStore, Engine, Server, Version};

/// The options with which a server is started.
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) engine: Engine,
    pub(super) version: Version,
    pub(super) store: Option<ClusterStore>,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(OsString, OsString)>,
}

impl Options {
    /// Sets only the engine, the addresses and the data folder, and on FoundationDB a new store.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self {
            engine,
            version: Version::Current,
            store: (engine == Engine::FoundationDb).then(ClusterStore::fresh),
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// A server of this store.
    #[must_use]
    pub fn on(store: &ClusterStore) -> Self {
        Self {
            engine: Engine::FoundationDb,
            version: Version::Current,
            store: Some(store.clone()),
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// Sets the version of the server.
    #[must_use]
    pub const fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Adds an option with its value.
    #[must_use]
    pub fn set(mut self, option: &str, value: &str) -> Self {
        self.arguments.extend([option.to_owned(), value.to_owned()]);
        self
    }

    /// Adds a variable to its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Starts the server, and waits until it listens.
    ///
    /// # Panics
    /// If it does not start to listen.
    #[must_use]
    pub fn start(self) -> Server {
        Server::start_with(self)
    }

    /// Starts the server on ports that are currently free, without waiting until it listens.
    #[must_use]
    pub fn start_without_waiting(self) -> Server {
        Server::start_on_free_ports(self)
    }
}
