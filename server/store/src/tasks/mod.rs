//! Background work: the appender, the indexer, scavenging, snapshots, writes of state.

pub(crate) mod appender;
mod batches;
pub(crate) mod indexer;
pub(crate) mod receipt;
pub(crate) mod scavenge;
pub(crate) mod snapshot;
pub(crate) mod state;
mod thread;

use thread::on_own_thread;
