//! The engines on which a server can be measured.

use serde::Serialize;

/// Storage engine of the measured server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Engine {
    /// Files on this machine
    Embedded,
    /// No storage: only the cost of the server itself remains
    Memory,
    /// A FoundationDB cluster of one process, started together with the server; one server is compared with the
    /// embedded engine, several with one server
    #[value(name = "foundationdb")]
    FoundationDb,
}

impl Engine {
    /// Returns the name of the engine in the server's options.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Memory => "memory",
            Self::FoundationDb => "foundationdb",
        }
    }

    /// Whether the goals apply: figures without durability do not count.
    pub(crate) const fn is_durable(self) -> bool {
        !matches!(self, Self::Memory)
    }

    /// Describes the engine for the report.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Embedded => "embedded, fsync on",
            Self::Memory => "memory: nothing is durable, goals don't count",
            Self::FoundationDb => "foundationdb, one fdbserver with the ssd engine on the same cores",
        }
    }

    /// Whether several servers can share the engine.
    pub(crate) const fn is_shared(self) -> bool {
        matches!(self, Self::FoundationDb)
    }
}
