//! Writes of state.

use annals_proto::v1::{self as pb, state_change::Change, state_check::Expected};
use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::event;

/// Changes of entries that are made together, and the checks that must hold. It has an id of its own: sent again, a
/// clone is recognised as the same write.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "nothing is written until it is given to a client"]
pub struct StateWrite {
    id: Uuid,
    changes: Vec<pb::StateChange>,
    checks: Vec<pb::StateCheck>,
}

impl Default for StateWrite {
    fn default() -> Self {
        StateWrite::new()
    }
}

impl StateWrite {
    /// Creates a write without changes, with a new id.
    pub fn new() -> Self {
        StateWrite {
            id: Uuid::now_v7(),
            changes: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Sets the write's id, by which a retry is recognised for a day.
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = id;
        self
    }

    /// Gives an entry a value.
    pub fn put(self, scope: impl Into<String>, key: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.change(scope.into(), key.into(), Change::Put(value.into()))
    }

    /// Deletes an entry, if there is one.
    pub fn delete(self, scope: impl Into<String>, key: impl Into<String>) -> Self {
        self.change(scope.into(), key.into(), Change::Delete(()))
    }

    /// Requires that there is no such entry.
    pub fn expect_absent(self, scope: impl Into<String>, key: impl Into<String>) -> Self {
        self.check(scope.into(), key.into(), Expected::Absent(()))
    }

    /// Requires that an entry has exactly this version.
    pub fn expect_version(self, scope: impl Into<String>, key: impl Into<String>, version: u64) -> Self {
        self.check(scope.into(), key.into(), Expected::Version(version))
    }

    fn change(mut self, scope: String, key: String, change: Change) -> Self {
        let change = Some(change);
        self.changes.push(pb::StateChange { scope, key, change });
        self
    }

    fn check(mut self, scope: String, key: String, expected: Expected) -> Self {
        let expected = Some(expected);
        self.checks.push(pb::StateCheck { scope, key, expected });
        self
    }

    /// Returns the changes and the checks.
    pub(crate) fn into_parts(self) -> (Vec<pb::StateChange>, Vec<pb::StateCheck>) {
        (self.changes, self.checks)
    }

    pub(super) fn into_request(self) -> pb::WriteStateRequest {
        pb::WriteStateRequest {
            id: self.id.to_string(),
            changes: self.changes,
            checks: self.checks,
        }
    }
}

/// The result of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateWritten {
    /// The version that each change gave its entry, in order; 0 if the entry that was to be deleted did not exist.
    pub versions: Vec<u64>,
    /// The time of the changes, by the server's clock.
    pub changed_at: Timestamp,
    /// Whether an earlier write with the same id made the changes, so that this one changed nothing.
    pub already_written: bool,
}

impl TryFrom<pb::WriteStateResponse> for StateWritten {
    type Error = Error;

    fn try_from(response: pb::WriteStateResponse) -> Result<Self> {
        Ok(StateWritten {
            versions: response.versions,
            changed_at: event::parse_time(response.changed_at.as_ref(), "changed_at")?,
            already_written: response.already_written,
        })
    }
}
