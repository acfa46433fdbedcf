//! Requests and responses about state, as plain data.

use uuid::Uuid;

use crate::checker::{CallId, Moment};

/// Everything that was recorded about state, in the order in which it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateCalls {
    /// Writes, and appends that change or check state.
    pub writes: Vec<StateWriteCall>,
    /// Reads.
    pub reads: Vec<StateReadCall>,
    /// Subscriptions.
    pub subscriptions: Vec<StateSubscribeCall>,
}

/// A change of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The scope.
    pub scope: String,
    /// The key.
    pub key: String,
    /// The new value, which no other change has; `None` deletes the entry.
    pub value: Option<String>,
}

/// A condition on an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateCheck {
    /// The scope.
    pub scope: String,
    /// The key.
    pub key: String,
    /// The version that it must have; `None`: it must not exist.
    pub expected: Option<u64>,
}

/// A write, or an append with changes or checks of state, and its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWriteCall {
    /// The id of the write, or of the append's first event.
    pub id: Uuid,
    /// Whether it is an append.
    pub is_append: bool,
    /// The changes, in order.
    pub changes: Vec<StateChange>,
    /// The checks, in order.
    pub checks: Vec<StateCheck>,
    /// When it was sent.
    pub invoked: Moment,
    /// When the response came, and the response; `None` is the same as [`StateAnswer::Unknown`].
    pub answered: Option<(Moment, StateAnswer)>,
}

/// The response to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateAnswer {
    /// The changes were made.
    Written {
        /// The version of each change; 0 for the deletion of an entry that did not exist.
        versions: Vec<u64>,
        /// When they were made, in microseconds since 1970, if that was reported.
        changed_at: Option<u64>,
        /// Whether an earlier call made them.
        already_written: bool,
    },
    /// They were not made, because of failed checks. Of an append, only those of state, and there may be none of them.
    Failed(Vec<FailedStateCheck>),
    /// They were not made, because the id was used by another write.
    IdConflict,
    /// They were not made, for a reason that has nothing to do with state.
    Refused,
    /// They may have been made or not.
    Unknown,
}

/// A check that was reported as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedStateCheck {
    /// Its index among the checks, from 0.
    pub index: usize,
    /// The version of the entry; `None`: there was no entry.
    pub actual: Option<u64>,
}

/// An entry that a read returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateEntry {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// The version of the change that wrote it.
    pub version: u64,
    /// When that was, in microseconds since 1970.
    pub changed_at: u64,
}

/// The parameters of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateRead {
    /// One entry.
    Get {
        /// The scope.
        scope: String,
        /// The key.
        key: String,
    },
    /// A page of entries.
    List {
        /// The scope.
        scope: String,
        /// Prefix of the keys.
        prefix: String,
        /// The entries have greater keys.
        after: Option<String>,
        /// The most entries.
        limit: usize,
    },
}

/// A read and its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateReadCall {
    /// The parameters.
    pub read: StateRead,
    /// When it was sent.
    pub invoked: Moment,
    /// When the response came, and the response; `None`: none that could be judged.
    pub answered: Option<(Moment, StatePage)>,
}

/// The response to a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatePage {
    /// The entries.
    pub entries: Vec<StateEntry>,
    /// Whether more follow.
    pub has_more: bool,
    /// The last version of the scope.
    pub version: u64,
}

/// The parameters of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSubscribeRequest {
    /// The scope.
    pub scope: String,
    /// Prefix of the keys.
    pub prefix: String,
    /// The subscription that it resumes, and the last version that was reported there; `None`: the subscriber has no
    /// entries.
    pub resumes: Option<(CallId, u64)>,
}

/// A subscription and its deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSubscribeCall {
    /// The parameters.
    pub request: StateSubscribeRequest,
    /// When it was sent.
    pub invoked: Moment,
    /// When the response came, and the response.
    pub answered: Option<(Moment, StateSubscribeAnswer)>,
    /// The notices that it delivered, and when.
    pub notices: Vec<(Moment, StateNotice)>,
}

/// The response to a subscription request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateSubscribeAnswer {
    /// It started.
    Began,
    /// Deletions up to this version are no longer known.
    Expired(u64),
    /// The scope ends at this version, before the one that was given.
    BeyondEnd(u64),
    /// No response that could be judged.
    Failed,
}

/// A change that a subscription delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateUpdate {
    /// The entry has a new value.
    Put(StateEntry),
    /// The entry was deleted.
    Deletion {
        /// Its key.
        key: String,
        /// The version of the change that deleted it.
        version: u64,
    },
}

/// An item delivered by a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateNotice {
    /// The next changes.
    Updates(Vec<StateUpdate>),
    /// All changes up to this version were delivered.
    CaughtUp(u64),
    /// All changes up to this version were delivered.
    Checkpoint(u64),
    /// The subscription ended: deletions up to this version are no longer known.
    Expired(u64),
}

impl StateCalls {
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.reads.is_empty() && self.subscriptions.is_empty()
    }
}

impl StateRead {
    /// The scope that it reads.
    pub(super) fn scope(&self) -> &str {
        match self {
            Self::Get { scope, .. } | Self::List { scope, .. } => scope,
        }
    }
}

impl StateWriteCall {
    /// True if the two are the same write, so that one is a retry of the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
            && self.is_append == other.is_append
            && self.changes == other.changes
            && self.checks == other.checks
    }
}

impl StateUpdate {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Put(entry) => &entry.key,
            Self::Deletion { key, .. } => key,
        }
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> u64 {
        match self {
            Self::Put(entry) => entry.version,
            Self::Deletion { version, .. } => *version,
        }
    }
}

impl StateNotice {
    /// The version up to which the subscriber knows the scope, if the notice reports one.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        match self {
            Self::Updates(updates) => updates.last().map(StateUpdate::version),
            Self::CaughtUp(version) | Self::Checkpoint(version) => Some(*version),
            Self::Expired(_) => None,
        }
    }
}
