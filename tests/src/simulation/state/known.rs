//! What the clients of a simulation know of state together, with which some of their checks are right.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use uuid::Uuid;

use super::Parts;
use crate::{
    checker::state::{StateAnswer, StateEntry},
    simulation::attempt::Attempt,
};

/// Shared by the clients of a simulation.
#[derive(Default)]
pub(in crate::simulation) struct Known {
    /// The version of each entry that was last reported, by scope and key.
    versions: Mutex<BTreeMap<(String, String), Option<u64>>>,
    /// Writes whose last outcome is unknown.
    pub open: Mutex<Vec<(Uuid, Parts)>>,
    /// Appends with a part that concerns state whose last outcome is unknown.
    pub open_appends: Mutex<Vec<Attempt>>,
    /// The last version of each scope, when nothing more is written.
    pub last: Mutex<Option<BTreeMap<String, u64>>>,
}

impl Known {
    pub(super) fn version(&self, scope: &str, key: &str) -> Option<u64> {
        let name = (scope.to_owned(), key.to_owned());
        self.versions.lock().get(&name).copied().flatten()
    }

    /// Takes what a response to a write reports.
    pub(in crate::simulation) fn hear(&self, parts: &Parts, answer: &StateAnswer) {
        match answer {
            StateAnswer::Written { versions, .. } => {
                for (change, version) in parts.changes.iter().zip(versions) {
                    let version = change.value.is_some().then_some(*version);
                    self.set(&change.scope, &change.key, version);
                }
            }
            StateAnswer::Failed(failed) => {
                for failed in failed {
                    if let Some(check) = parts.checks.get(failed.index) {
                        self.set(&check.scope, &check.key, failed.actual);
                    }
                }
            }
            StateAnswer::IdConflict | StateAnswer::Refused | StateAnswer::Unknown => {}
        }
    }

    /// Takes an entry that was read.
    pub(super) fn see(&self, scope: &str, entry: &StateEntry) {
        self.set(scope, &entry.key, Some(entry.version));
    }

    fn set(&self, scope: &str, key: &str, version: Option<u64>) {
        self.versions
            .lock()
            .insert((scope.to_owned(), key.to_owned()), version);
    }
}
