//! State as values: writes of clients, their results, entries.

use std::{collections::HashSet, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use crate::values::{
    limits::{Limits, STATE_CHANGES_MAX, STATE_CHECKS_MAX, STATE_VALUE_BYTES_MAX},
    name::{ScopeName, StateKey},
    position::Timestamp,
};

/// Time for which the retries of a write are recognised.
pub(crate) const RECEIPT_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Names an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName {
    /// Its scope.
    pub scope: ScopeName,
    /// Its key in the scope.
    pub key: StateKey,
}

/// A change of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The entry to change.
    pub entry: EntryName,
    /// Its new value; `None` deletes it.
    pub value: Option<Bytes>,
}

/// Requires that an entry has not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateCheck {
    /// The entry to check.
    pub entry: EntryName,
    /// The version that it must have; `None`: it must not exist.
    pub expected: Option<u64>,
}

/// Changes that are made together if all checks hold, within all limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWrite {
    /// Identifies the write, so that a retry is recognised.
    pub(crate) id: Uuid,
    pub(crate) changes: Vec<StateChange>,
    pub(crate) checks: Vec<StateCheck>,
    pub(crate) bytes: usize,
    /// Identifies what the write changes and checks.
    pub(crate) digest: Uuid,
}

/// The result of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWritten {
    /// The version that each change gave its entry, in order; 0 if it deleted an entry that did not exist.
    pub versions: Vec<u64>,
    /// Time of the changes.
    pub changed_at: Timestamp,
    /// Whether an earlier write with the same id made the changes, so that this one changed nothing.
    pub already_written: bool,
}

/// An entry with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateEntry {
    /// Its key.
    pub key: StateKey,
    /// Its value.
    pub value: Bytes,
    /// Number of the scope's change that gave it the value.
    pub version: u64,
    /// Time of that change.
    pub changed_at: Timestamp,
}

/// The reason why a write of state is not valid. `index` counts changes, or checks if the error is about a check, from
/// 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateWriteError {
    /// The write changes nothing.
    #[error("a write needs at least one change")]
    NoChanges,
    /// There are too many changes.
    #[error("{changes} changes of state are over the limit of {STATE_CHANGES_MAX}; split the write")]
    TooManyChanges {
        /// Number of changes.
        changes: usize,
    },
    /// There are too many checks.
    #[error("{checks} checks of state are over the limit of {STATE_CHECKS_MAX}")]
    TooManyChecks {
        /// Number of checks.
        checks: usize,
    },
    /// A value is too large.
    #[error(
        "a value of {bytes} bytes is over the limit of {STATE_VALUE_BYTES_MAX}; keep the large part elsewhere"
    )]
    ValueTooLarge {
        /// Index of the change.
        index: usize,
        /// Size of the value.
        bytes: usize,
    },
    /// Two changes are of the same entry.
    #[error("key {:?} of scope {:?} is changed twice; give one change for it", entry.key, entry.scope)]
    RepeatedChange {
        /// Index of the second change of the entry.
        index: usize,
        /// The entry.
        entry: EntryName,
    },
    /// Two checks are about the same entry.
    #[error("key {:?} of scope {:?} is checked twice; give one check for it", entry.key, entry.scope)]
    RepeatedCheck {
        /// Index of the second check of the entry.
        index: usize,
        /// The entry.
        entry: EntryName,
    },
    /// A check expects version 0, which no entry has.
    #[error("a check expects version 0, which no entry has; expect that the entry is absent")]
    ExpectsVersionZero {
        /// Index of the check.
        index: usize,
    },
    /// The write has too many bytes in all.
    #[error("a write of {bytes} bytes is over the limit of {bytes_max}; split it")]
    TooLarge {
        /// Size of the write.
        bytes: usize,
        /// Maximum size of the write.
        bytes_max: usize,
    },
}

impl EntryName {
    /// Returns the bytes of the name.
    pub(crate) fn bytes(&self) -> usize {
        self.scope.as_str().len() + self.key.as_str().len()
    }
}

impl StateWrite {
    /// Creates a write if it is within the limits.
    ///
    /// # Errors
    /// [`StateWriteError`] with the limit that is exceeded, and the value.
    pub fn new(
        id: Uuid,
        changes: Vec<StateChange>,
        checks: Vec<StateCheck>,
        limits: &Limits,
    ) -> Result<Self, StateWriteError> {
        if changes.is_empty() {
            return Err(StateWriteError::NoChanges);
        }
        let write = Self::part(id, changes, checks)?;
        let (bytes, bytes_max) = (write.bytes, limits.append_bytes_max);
        if bytes > bytes_max {
            return Err(StateWriteError::TooLarge { bytes, bytes_max });
        }
        Ok(write)
    }

    /// Creates the part of an append that concerns state, which may have checks alone. Its size is not limited here.
    pub(crate) fn part(
        id: Uuid,
        changes: Vec<StateChange>,
        checks: Vec<StateCheck>,
    ) -> Result<Self, StateWriteError> {
        if changes.len() > STATE_CHANGES_MAX {
            let changes = changes.len();
            return Err(StateWriteError::TooManyChanges { changes });
        }
        if checks.len() > STATE_CHECKS_MAX {
            let checks = checks.len();
            return Err(StateWriteError::TooManyChecks { checks });
        }
        let mut changed = HashSet::with_capacity(changes.len());
        for (index, change) in changes.iter().enumerate() {
            let bytes = change.value.as_ref().map_or(0, Bytes::len);
            if bytes > STATE_VALUE_BYTES_MAX {
                return Err(StateWriteError::ValueTooLarge { index, bytes });
            }
            if !changed.insert(&change.entry) {
                let entry = change.entry.clone();
                return Err(StateWriteError::RepeatedChange { index, entry });
            }
        }
        let mut checked = HashSet::with_capacity(checks.len());
        for (index, check) in checks.iter().enumerate() {
            if check.expected == Some(0) {
                return Err(StateWriteError::ExpectsVersionZero { index });
            }
            if !checked.insert(&check.entry) {
                let entry = check.entry.clone();
                return Err(StateWriteError::RepeatedCheck { index, entry });
            }
        }
        let changed: usize = changes.iter().map(StateChange::bytes).sum();
        let bytes = changed + checks.iter().map(|check| check.entry.bytes()).sum::<usize>();
        let digest = digest(&changes, &checks, bytes);
        Ok(Self {
            id,
            changes,
            checks,
            bytes,
            digest,
        })
    }

    /// Returns the changes, in order.
    #[must_use]
    pub fn changes(&self) -> &[StateChange] {
        &self.changes
    }

    /// Returns the checks, in order.
    #[must_use]
    pub fn checks(&self) -> &[StateCheck] {
        &self.checks
    }

    /// Returns the entries that the write changes or checks; some of them twice.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &EntryName> {
        let changed = self.changes.iter().map(|change| &change.entry);
        changed.chain(self.checks.iter().map(|check| &check.entry))
    }
}

/// Returns a UUID of version 5 (RFC 9562) of all names, values and expectations, each with its length before it.
fn digest(changes: &[StateChange], checks: &[StateCheck], bytes: usize) -> Uuid {
    let mut all = BytesMut::with_capacity(bytes + 32 * (changes.len() + checks.len()));
    let mut put = |part: &[u8]| {
        all.put_u64(part.len() as u64);
        all.put_slice(part);
    };
    for StateChange { entry, value } in changes {
        put(entry.scope.as_str().as_bytes());
        put(entry.key.as_str().as_bytes());
        put(if value.is_some() { b"put" } else { b"delete" });
        put(value.as_deref().unwrap_or_default());
    }
    for StateCheck { entry, expected } in checks {
        put(entry.scope.as_str().as_bytes());
        put(entry.key.as_str().as_bytes());
        put(b"check");
        put(&expected.unwrap_or_default().to_be_bytes());
    }
    Uuid::new_v5(&Uuid::nil(), &all)
}

impl StateChange {
    fn bytes(&self) -> usize {
        self.entry.bytes() + self.value.as_ref().map_or(0, Bytes::len)
    }
}
