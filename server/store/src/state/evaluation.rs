//! Evaluates writes of state that are made in one commit: each against what is stored, with the changes of those before
//! it.
//!
//! Nothing here waits. What the writes need is read first ([`Evaluation::read`]), as of one moment; the commit checks
//! that the scopes have not changed since.

use std::collections::{BTreeMap, BTreeSet};

use annals_engine::{
    Check, Commit,
    Mutation::{self, Clear, Set},
    Page, Read, Snapshot,
};
use bytes::Bytes;
use uuid::Uuid;

use crate::{
    format::keys::state as keys,
    model::{
        error::Result,
        rejection::{FailedCheck, Rejection},
        state::{EntryName, StateWrite, StateWritten},
    },
    state::{entry, expiry, receipt::Receipt},
    values::{name::ScopeName, position::Timestamp},
};

/// Maximum number of entries that are read at a time, because their values are read with them.
const READ_ENTRIES: usize = 256;

/// What is known of scopes, entries and writes, with the changes that are to be made.
#[derive(Debug, Default)]
pub(crate) struct Evaluation {
    scopes: BTreeMap<ScopeName, Scope>,
    entries: BTreeMap<EntryName, Known>,
    receipts: BTreeMap<Uuid, Receipt>,
    /// The receipts as they are stored.
    stored_receipts: BTreeMap<Uuid, Bytes>,
    /// The writes that are made, in order.
    made: Vec<Uuid>,
    /// Time of all changes.
    now: Timestamp,
}

#[derive(Debug)]
struct Scope {
    /// The last version, as it is stored.
    stored: Option<Bytes>,
    /// The last version with the changes to be made.
    last: u64,
    is_changed: bool,
}

#[derive(Debug, Default)]
struct Known {
    /// The version of the stored entry.
    stored: Option<u64>,
    /// The version that deleted it, if that is still known.
    deleted: Option<u64>,
    /// The version with the changes to be made; `None` if there is no entry then.
    now: Option<u64>,
    /// The last change to be made.
    change: Option<Change>,
}

#[derive(Debug)]
struct Change {
    version: u64,
    value: Option<Bytes>,
}

impl Evaluation {
    /// Reads what these writes, which are made at `now`, need.
    pub(crate) async fn read<'a>(
        snapshot: &dyn Snapshot,
        writes: impl Iterator<Item = &'a StateWrite> + Clone,
        now: Timestamp,
    ) -> Result<Self> {
        let names: BTreeSet<&EntryName> = writes.clone().flat_map(StateWrite::entries).collect();
        let scopes: BTreeSet<&ScopeName> = names.iter().map(|name| &name.scope).collect();
        let ids: BTreeSet<Uuid> = writes.map(|write| write.id).collect();
        let mut this = Self {
            now,
            ..Self::default()
        };
        let reads = scopes.iter().map(|scope| keys::scope(scope));
        let reads = reads.chain(ids.iter().map(|id| keys::write(*id)));
        let mut pages = snapshot.read(reads.map(Read::Get).collect()).await?.into_iter();
        let mut next = || pages.next().and_then(Page::into_value);
        for scope in scopes {
            let stored = next();
            let last = entry::parse_version(stored.as_ref())?;
            let scope_now = Scope {
                stored,
                last,
                is_changed: false,
            };
            this.scopes.insert(scope.clone(), scope_now);
        }
        for id in ids {
            if let Some(value) = next() {
                this.receipts.insert(id, Receipt::parse(&value)?);
                this.stored_receipts.insert(id, value);
            }
        }
        let names: Vec<&EntryName> = names.into_iter().collect();
        for names in names.chunks(READ_ENTRIES) {
            this.read_entries(snapshot, names).await?;
        }
        Ok(this)
    }

    async fn read_entries(&mut self, snapshot: &dyn Snapshot, names: &[&EntryName]) -> Result<()> {
        let reads = names.iter().flat_map(|name| {
            [
                keys::entry(&name.scope, &name.key),
                keys::deleted(&name.scope, &name.key),
            ]
        });
        let mut pages = snapshot.read(reads.map(Read::Get).collect()).await?.into_iter();
        let mut next = || pages.next().and_then(Page::into_value);
        for name in names {
            let stored = next().map(|value| entry::parse_head(&value)).transpose()?;
            let stored = stored.map(|(version, _)| version);
            let deleted = next();
            let deleted = deleted
                .map(|value| entry::parse_version(Some(&value)))
                .transpose()?;
            let known = Known {
                stored,
                deleted,
                now: stored,
                change: None,
            };
            self.entries.insert((*name).clone(), known);
        }
        Ok(())
    }

    /// Forgets the receipts that were read, as a deliberate fault.
    #[cfg(feature = "sabotage")]
    pub(crate) fn forget_receipts(&mut self) {
        self.receipts.clear();
    }

    /// Evaluates a write; if it is to be made, its changes are added.
    pub(crate) fn judge(&mut self, write: &StateWrite) -> std::result::Result<StateWritten, Rejection> {
        if let Some(receipt) = self.receipts.get(&write.id) {
            let conflict = Rejection::StateIdConflict { id: write.id };
            return receipt.written(write).ok_or(conflict);
        }
        let failed = self.failed_checks(write);
        if failed.is_empty() {
            Ok(self.apply(write))
        } else {
            Err(Rejection::ChecksFailed { failed, unlisted: 0 })
        }
    }

    /// Returns the first result of a write that was made before, if it is known.
    pub(crate) fn earlier(&self, write: &StateWrite) -> Option<StateWritten> {
        self.receipts.get(&write.id)?.written(write)
    }

    /// Returns the checks of the write that do not hold.
    pub(crate) fn failed_checks(&self, write: &StateWrite) -> Vec<FailedCheck> {
        let mut failed = Vec::new();
        for (index, check) in write.checks.iter().enumerate() {
            let actual = self.entries.get(&check.entry).and_then(|known| known.now);
            if actual != check.expected {
                failed.push(FailedCheck::State {
                    index,
                    entry: check.entry.clone(),
                    expected: check.expected,
                    actual,
                });
            }
        }
        failed
    }

    /// Adds the changes of a write.
    pub(crate) fn apply(&mut self, write: &StateWrite) -> StateWritten {
        let mut versions = Vec::with_capacity(write.changes.len());
        for change in &write.changes {
            let known = self.entries.entry(change.entry.clone()).or_default();
            if change.value.is_none() && known.now.is_none() {
                versions.push(0);
                continue;
            }
            let scope = self.scopes.get_mut(&change.entry.scope);
            let scope = scope.expect("the scopes of all changes were read");
            scope.last += 1;
            scope.is_changed = true;
            versions.push(scope.last);
            known.now = change.value.is_some().then_some(scope.last);
            known.change = Some(Change {
                version: scope.last,
                value: change.value.clone(),
            });
        }
        let written = StateWritten {
            versions,
            changed_at: self.now,
            already_written: false,
        };
        self.receipts.insert(write.id, Receipt::of(write, &written));
        self.made.push(write.id);
        written
    }

    /// Whether there is anything to write.
    pub(crate) fn makes_changes(&self) -> bool {
        !self.made.is_empty()
    }

    /// Returns the scopes that are changed.
    pub(crate) fn changed_scopes(&self) -> impl Iterator<Item = &ScopeName> {
        let changed = self.scopes.iter().filter(|(_, scope)| scope.is_changed);
        changed.map(|(name, _)| name)
    }

    /// Adds the checks and changes to a commit, whose number no other commit has.
    pub(crate) fn add_to(&self, commit: &mut Commit, number: u64) {
        let mutations = &mut commit.mutations;
        for (name, scope) in &self.scopes {
            let (key, expected) = (keys::scope(name), scope.stored.clone());
            if scope.is_changed {
                mutations.push(Set(key.clone(), entry::version_value(scope.last)));
            }
            commit.checks.push(Check { key, expected });
        }
        let mut deletions = Vec::new();
        for (name, known) in &self.entries {
            if let Some(change) = &known.change {
                add_change(mutations, name, known, (change, self.now));
                if change.value.is_none() {
                    deletions.push((name, change.version));
                }
            }
        }
        for id in &self.made {
            if let Some(receipt) = self.receipts.get(id) {
                let (key, expected) = (keys::write(*id), self.stored_receipts.get(id).cloned());
                mutations.push(Set(key.clone(), receipt.to_value()));
                // Two writes with one id may have no scope in common.
                commit.checks.push(Check { key, expected });
            }
        }
        mutations.extend(expiry::note_receipts(self.now, number, self.made.iter()));
        mutations.extend(expiry::note_deletions(self.now, number, deletions.into_iter()));
    }
}

fn add_change(
    mutations: &mut Vec<Mutation>,
    name: &EntryName,
    known: &Known,
    (change, now): (&Change, Timestamp),
) {
    let EntryName { scope, key } = name;
    for before in known.stored.into_iter().chain(known.deleted) {
        mutations.push(Clear(keys::change(scope, before)));
    }
    let is_deletion = change.value.is_none();
    let value = entry::change_value(key, is_deletion);
    mutations.push(Set(keys::change(scope, change.version), value));
    if let Some(value) = &change.value {
        let value = entry::to_value(change.version, now, value);
        mutations.push(Set(keys::entry(scope, key), value));
        if known.deleted.is_some() {
            mutations.push(Clear(keys::deleted(scope, key)));
        }
    } else {
        mutations.push(Clear(keys::entry(scope, key)));
        mutations.push(Set(
            keys::deleted(scope, key),
            entry::version_value(change.version),
        ));
    }
}
