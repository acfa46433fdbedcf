//! Moves state from one store to another.
//!
//! 1. An export reads the scopes in the order of their names, in steps of limited size, and then what has changed
//!    since, until one step reads all of that. Everything that was read is then as of the moment of that step, as is
//!    the head that is read with it.
//! 2. An import makes the changes in the order in which they were read. Each commit moves the last version of its
//!    scope, so what is stored of a scope is always complete up to a version.
//! 3. Deletions that came before the move are not known after it. So a subscriber that continues after an earlier
//!    version than the scope's last one is refused, as after the expiry of deletions.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use annals_engine::{
    Commit, Direction, Error as EngineError, Mutation, Page, PageLimit, Pages, Read, Snapshot,
};
use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    format::{
        keys::{self, state as state_keys},
        wire::Malformed,
    },
    model::{
        error::{Error, Result},
        head::Head,
    },
    shared::Shared,
    state::{
        entry,
        read::{self, StateUpdate},
    },
    values::{
        limits::{STATE_CHANGES_MAX, STATE_VALUE_BYTES_MAX},
        name::{ScopeName, StateKey},
    },
};

/// Approximate maximum bytes of what one step reads. All of it is in memory.
const STEP_BYTES: usize = 4 << 20;
/// Maximum time of a step, because a snapshot of a cluster is valid for a few seconds only.
const STEP_TIME: Duration = Duration::from_secs(2);
/// Maximum number of times that the scopes are read from the first one.
const PASSES_MAX: usize = 1_000;
/// Number of scopes whose versions are read at a time.
const SCOPES: usize = 1_000;
/// Number of entries whose versions are read at a time, because their values are read with them.
const ENTRIES: usize = 32;
/// Approximate size of a change without its key and its value.
const CHANGE_BYTES: usize = 32;

/// The changes of a scope after one version and up to another, the last one of each entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeChanges {
    /// The scope.
    pub scope: ScopeName,
    /// The version after which the changes come. 0: they replace everything that was sent of the scope.
    pub after: u64,
    /// The version up to which they are complete.
    pub version: u64,
    /// The changes, in the order of their versions.
    pub updates: Vec<StateUpdate>,
}

/// The state of a store, step by step.
#[derive(Debug, Default)]
pub(crate) struct StateReader {
    sent: BTreeMap<ScopeName, Sent>,
    /// The scope after which the next step begins; `None`: at the first one.
    after: Option<ScopeName>,
    passes: usize,
}

/// What was sent of a scope.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    version: u64,
    /// Version up to which deletions need not be sent, because nothing was sent before it.
    whole_to: u64,
}

/// What a step has read.
#[derive(Debug)]
pub(crate) struct Step {
    pub changes: Vec<ScopeChanges>,
    /// The head, if everything that was read so far is as of the same moment.
    pub head: Option<Head>,
}

impl StateReader {
    /// Reads what comes next.
    pub(crate) async fn step(&mut self, shared: &Shared) -> Result<Step> {
        let begun = Instant::now();
        let snapshot = shared.engine.snapshot().await?;
        let head = Head::from_value(snapshot.get(keys::head()).await?.as_deref())?;
        let is_whole = self.after.is_none();
        if is_whole {
            self.passes += 1;
            if self.passes > PASSES_MAX {
                return Err(Error::Overloaded("changes of state during an export"));
            }
        }
        let (mut changes, mut bytes) = (Vec::new(), 0);
        loop {
            let (scopes, more) = scopes(&*snapshot, self.after.as_ref()).await?;
            for (scope, last) in scopes {
                while self.sent.get(&scope).is_none_or(|sent| sent.version != last) {
                    if bytes >= STEP_BYTES || begun.elapsed() >= STEP_TIME {
                        return Ok(Step { changes, head: None });
                    }
                    let found = self.page(&*snapshot, &scope).await?;
                    bytes += found.bytes();
                    changes.push(found);
                }
                self.after = Some(scope);
            }
            if !more {
                self.after = None;
                let head = is_whole.then_some(head);
                return Ok(Step { changes, head });
            }
        }
    }

    /// Reads the next changes of a scope.
    async fn page(&mut self, snapshot: &dyn Snapshot, scope: &ScopeName) -> Result<ScopeChanges> {
        let bounds = read::bounds(snapshot, scope).await?;
        let begin = Sent {
            version: 0,
            whole_to: bounds.last,
        };
        let mut sent = self.sent.get(scope).copied().unwrap_or(begin);
        if read::check(scope, sent.version, sent.whole_to, bounds).is_err() {
            // A deletion that was not sent is no longer known.
            sent = begin;
        }
        let range = (sent.version, sent.whole_to);
        let found = read::changes_as_of(snapshot, scope, "", range, bounds).await?;
        let after = std::mem::replace(&mut sent.version, found.read_to);
        self.sent.insert(scope.clone(), sent);
        Ok(ScopeChanges {
            scope: scope.clone(),
            after,
            version: found.read_to,
            updates: found.updates,
        })
    }
}

impl ScopeChanges {
    fn bytes(&self) -> usize {
        let updates = self.updates.iter().map(|update| match update {
            StateUpdate::Put(entry) => CHANGE_BYTES + entry.key.as_str().len() + entry.value.len(),
            StateUpdate::Deletion { key, .. } => CHANGE_BYTES + key.as_str().len(),
        });
        CHANGE_BYTES + self.scope.as_str().len() + updates.sum::<usize>()
    }

    /// Checks that the changes can be those of a scope.
    fn check(&self) -> Result<()> {
        let Self { scope, updates, .. } = self;
        let invalid = |problem: String| Err(Error::MoveInvalid(format!("scope {scope:?} {problem}")));
        if self.version <= self.after || self.version > entry::VERSION_MAX {
            return invalid(format!(
                "can't have changes after version {} and up to {}",
                self.after, self.version
            ));
        }
        if updates.len() > STATE_CHANGES_MAX {
            return invalid(format!(
                "has {} changes in one part; at most {STATE_CHANGES_MAX} are accepted",
                updates.len()
            ));
        }
        let mut changed = HashSet::with_capacity(updates.len());
        let mut last = self.after;
        for update in updates {
            let (key, version) = (update.key(), update.version());
            if version <= last || version > self.version || !changed.insert(key) {
                return invalid(format!(
                    "can't have version {version}, of key {key:?}, between version {last} and {}",
                    self.version
                ));
            }
            if let StateUpdate::Put(entry) = update
                && entry.value.len() > STATE_VALUE_BYTES_MAX
            {
                return invalid(format!(
                    "has a value of {} bytes, of key {key:?}; at most {STATE_VALUE_BYTES_MAX} are accepted",
                    entry.value.len()
                ));
            }
            last = version;
        }
        Ok(())
    }
}

/// Returns scopes with their last versions, and whether more follow.
async fn scopes(snapshot: &dyn Snapshot, after: Option<&ScopeName>) -> Result<(Vec<(ScopeName, u64)>, bool)> {
    let limit = PageLimit::entries(SCOPES);
    let range = state_keys::scopes(after);
    let page = snapshot.range(range, Direction::Forwards, limit).await?;
    let parse = |entry: annals_engine::Entry| {
        let name = state_keys::parse_scope(&entry.key).ok_or(Malformed("state: key of a scope"))?;
        Ok((
            ScopeName::trusted(name),
            entry::parse_version(Some(&entry.value))?,
        ))
    };
    let scopes = page.entries.into_iter().map(parse);
    Ok((scopes.collect::<std::result::Result<_, Malformed>>()?, page.more))
}

/// Returns the sum of the last versions of all scopes, which every change of state makes greater.
pub(crate) async fn sum_of_versions(shared: &Shared) -> Result<u64> {
    let mut pages = Pages::new(
        state_keys::scopes(None),
        Direction::Forwards,
        PageLimit::entries(SCOPES),
    );
    let mut sum = 0_u64;
    while let Some(page) = pages.next(&*shared.engine.snapshot().await?).await? {
        for entry in page.entries {
            sum = sum.wrapping_add(entry::parse_version(Some(&entry.value))?);
        }
    }
    Ok(sum)
}

/// Makes changes as they were in another store, if a key has a value.
pub(crate) async fn restore(shared: &Shared, changes: ScopeChanges, check: (Bytes, Bytes)) -> Result<()> {
    changes.check()?;
    let scope = &changes.scope;
    let _turn = shared.state_turn.lock().await;
    let snapshot = shared.engine.snapshot().await?;
    let stored = snapshot.get(state_keys::scope(scope)).await?;
    // Not durable: the commit that ends the import is durable, and comes later.
    let mut commit = Commit::relaxed()
        .check(check.0, Some(check.1))
        .check(state_keys::scope(scope), stored.clone());
    if changes.after == 0 {
        for range in [
            state_keys::entries(scope, "", None),
            state_keys::changes_after(scope, 0),
            state_keys::all_deleted(scope),
        ] {
            commit.mutations.push(Mutation::ClearRange(range));
        }
    } else {
        let last = entry::parse_version(stored.as_ref())?;
        if last != changes.after {
            return Err(Error::MoveInvalid(format!(
                "the changes of scope {scope:?} after version {} do not follow version {last}",
                changes.after
            )));
        }
        let keys: Vec<&StateKey> = changes.updates.iter().map(StateUpdate::key).collect();
        for version in versions(&*snapshot, scope, &keys).await? {
            commit = commit.clear(state_keys::change(scope, version));
        }
    }
    drop(snapshot);
    for update in &changes.updates {
        let key = state_keys::entry(scope, update.key());
        commit = match update {
            StateUpdate::Put(found) => {
                let value = entry::to_value(found.version, found.changed_at, &found.value);
                let change = state_keys::change(scope, found.version);
                commit
                    .set(key, value)
                    .set(change, entry::change_value(&found.key, false))
            }
            StateUpdate::Deletion { .. } => commit.clear(key),
        };
    }
    let version = entry::version_value(changes.version);
    let commit = commit
        .set(state_keys::scope(scope), version.clone())
        .set(state_keys::forgotten(scope), version);
    match shared.engine.commit(commit).await {
        Err(EngineError::Conflict) => Err(Error::Unavailable(
            "another import continued this one, or another server changed state; start again".to_owned(),
        )),
        result => {
            shared.scopes.changed(std::iter::once(scope));
            Ok(result?)
        }
    }
}

/// Returns the versions of the entries that exist.
async fn versions(snapshot: &dyn Snapshot, scope: &ScopeName, keys: &[&StateKey]) -> Result<Vec<u64>> {
    let mut versions = Vec::new();
    for keys in keys.chunks(ENTRIES) {
        let reads = keys.iter().map(|key| Read::Get(state_keys::entry(scope, key)));
        let found = snapshot.read(reads.collect()).await?;
        for value in found.into_iter().filter_map(Page::into_value) {
            versions.push(entry::parse_head(&value)?.0);
        }
    }
    Ok(versions)
}
