//! The engines that a server can be measured on.

use serde::Serialize;

/// What keeps the bytes of the measured server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Engine {
    /// Files on this machine.
    Embedded,
    /// Nothing: what is left is the cost of the server itself.
    Memory,
    /// A FoundationDB cluster of one process, which is started beside the server; one server is measured in turn with the
    /// embedded engine, several with one
    #[value(name = "foundationdb")]
    FoundationDb,
}

impl Engine {
    /// What the server calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Memory => "memory",
            Self::FoundationDb => "foundationdb",
        }
    }

    /// Whether figures count: what is not durable is no event store.
    pub(crate) const fn is_durable(self) -> bool {
        !matches!(self, Self::Memory)
    }

    /// For the report.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Embedded => "embedded, fsync on",
            Self::Memory => "memory: nothing is durable, goals don't count",
            Self::FoundationDb => "foundationdb, one fdbserver with the ssd engine on the same cores",
        }
    }

    /// Whether several servers can stand over it.
    pub(crate) const fn is_shared(self) -> bool {
        matches!(self, Self::FoundationDb)
    }
}
