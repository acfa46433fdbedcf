//! Draws changes and checks of state.

use annals_store as store;
use annals_store::{EntryName, ScopeName, StateKey};
use rand::{Rng, rngs::StdRng};

use crate::{
    checker::state::{StateChange, StateCheck},
    simulation::{plan::Plan, world::World},
};

/// The changes and checks of a write or of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulation) struct Parts {
    pub changes: Vec<StateChange>,
    pub checks: Vec<StateCheck>,
}

impl Parts {
    /// Draws a write, with at least one change.
    pub(super) fn draw(world: &World, rng: &mut StdRng) -> Self {
        let mut changes: Vec<StateChange> = Vec::new();
        for _ in 0..[1, 1, 1, 2, 3, 4][rng.random_range(0..6)] {
            let (scope, key) = name(&world.plan, rng);
            if !changes
                .iter()
                .any(|change| change.scope == scope && change.key == key)
            {
                let value = rng
                    .random_bool(0.7)
                    .then(|| format!("{:016x}", rng.random::<u64>()));
                changes.push(StateChange { scope, key, value });
            }
        }
        let mut checks: Vec<StateCheck> = Vec::new();
        for _ in 0..[0, 1, 1, 2][rng.random_range(0..4)] {
            // Mostly of what is changed, sometimes of something else, also in another scope.
            let (scope, key) = match changes.first() {
                Some(change) if rng.random_bool(0.6) => (change.scope.clone(), change.key.clone()),
                _ => name(&world.plan, rng),
            };
            if checks
                .iter()
                .any(|check| check.scope == scope && check.key == key)
            {
                continue;
            }
            let known = world.state.version(&scope, &key);
            let expected = match rng.random_range(0..20) {
                0 => None,
                1 => Some(known.unwrap_or(0) + 1),
                2 => known.map(|known| known.saturating_sub(1).max(1)),
                _ => known,
            };
            checks.push(StateCheck { scope, key, expected });
        }
        Self { changes, checks }
    }

    /// Draws the part of an append, which may have checks alone.
    pub(in crate::simulation) fn of_append(world: &World, rng: &mut StdRng) -> Option<Self> {
        if !rng.random_ratio(world.plan.state.append_percent, 100) {
            return None;
        }
        let mut parts = Self::draw(world, rng);
        if !parts.checks.is_empty() && rng.random_bool(0.1) {
            parts.changes.clear();
        }
        Some(parts)
    }

    /// Converts the changes to the store's type.
    pub(in crate::simulation) fn store_changes(&self) -> Vec<store::StateChange> {
        let changes = self.changes.iter().map(|change| store::StateChange {
            entry: entry_name(&change.scope, &change.key),
            value: change.value.clone().map(Into::into),
        });
        changes.collect()
    }

    /// Converts the checks to the store's type.
    pub(in crate::simulation) fn store_checks(&self) -> Vec<store::StateCheck> {
        let checks = self.checks.iter().map(|check| store::StateCheck {
            entry: entry_name(&check.scope, &check.key),
            expected: check.expected,
        });
        checks.collect()
    }
}

pub(super) fn entry_name(scope: &str, key: &str) -> EntryName {
    EntryName {
        scope: scope_name(scope),
        key: StateKey::new(key).expect("a plain key is valid"),
    }
}

pub(super) fn scope_name(scope: &str) -> ScopeName {
    ScopeName::new(scope).expect("a plain name is valid")
}

pub(super) fn scope(plan: &Plan, rng: &mut StdRng) -> String {
    format!("scope-{}", rng.random_range(0..plan.state.scopes))
}

/// The scope and the key of an entry.
pub(super) fn name(plan: &Plan, rng: &mut StdRng) -> (String, String) {
    (scope(plan, rng), key(plan, rng))
}

pub(super) fn key(plan: &Plan, rng: &mut StdRng) -> String {
    let number = rng.random_range(0..plan.state.keys);
    format!("{}{number}", ["a", "b"][number % 2])
}
