//! Background work: the appender, the indexer, scavenging, snapshots.

pub(crate) mod appender;
pub(crate) mod indexer;
pub(crate) mod receipt;
pub(crate) mod scavenge;
pub(crate) mod snapshot;
