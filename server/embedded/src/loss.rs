//! The report of durable records missing from the log, and the decision to continue without them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// Durable records of the log that are missing or damaged when a store is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Description of the evidence, for people.
    pub found: String,
    /// The last record that remains. Records are numbered from 1; each durable commit is one.
    pub last_left: u64,
    /// The last record that is known to have been durable; `None`: unknown.
    pub last_durable: Option<u64>,
    /// The value of [`crate::Settings::head_key`] as of the last record that remains.
    pub head_left: Option<Bytes>,
    /// The value of [`crate::Settings::head_key`] as of the last durable record, as far as it is known.
    pub head_durable: Option<Bytes>,
    /// Whether the store can be opened without the missing records. `false`: the tree already depends on them.
    pub can_be_accepted: bool,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let next = self.last_left + 1;
        match self.last_durable {
            Some(last) if last > next => write!(f, "records {next} to {last} of the log are missing")?,
            Some(last) if last == next => write!(f, "record {last} of the log is missing")?,
            Some(_) => write!(f, "records of the log are missing")?,
            None => write!(f, "records of the log after {} may be missing", self.last_left)?,
        }
        write!(f, ": {}", self.found)
    }
}

/// Decides whether a store is opened without its missing records. If so, the log is cut off after the last record
/// that remains, and the loss is reported again at each start until [`crate::EmbeddedEngine::settle_loss`] is called.
pub type AcceptLoss = Arc<dyn Fn(&Loss) -> bool + Send + Sync>;
