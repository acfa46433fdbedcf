//! Reads of state.

use annals_engine::{Direction, KeyRange, Page, PageLimit, Read, Snapshot};

use crate::{
    format::{keys::state as keys, wire::Malformed},
    model::{
        error::{Error, Result},
        state::{EntryName, StateEntry},
    },
    shared::Shared,
    state::entry::{self, Change},
    values::name::{ScopeName, StateKey},
};

/// Maximum bytes of a page of entries. A message with them stays below 4 MiB, the default maximum of gRPC clients.
const PAGE_BYTES: usize = 2 << 20;
/// Maximum number of changes that are read at a time.
const CHANGES: usize = 1_000;
/// Maximum number of values that are read at a time: up to 2 MiB.
const VALUES: usize = 32;

/// Selects entries of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListState {
    /// The scope.
    pub scope: ScopeName,
    /// Prefix of the keys; empty: all.
    pub prefix: String,
    /// Only keys after this one.
    pub after: Option<StateKey>,
    /// Maximum number of entries, at least 1. A page whose values are large has fewer.
    pub limit: usize,
}

/// A page of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatePage {
    /// The entries, in the order of their keys.
    pub entries: Vec<StateEntry>,
    /// Whether more entries follow.
    pub has_more: bool,
    /// The scope's last version when the page was read.
    pub version: u64,
}

/// The first and the last version after which a scope can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub first: u64,
    pub last: u64,
}

/// The latest change of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateUpdate {
    /// The entry was created, or has a new value.
    Put(StateEntry),
    /// The entry was deleted.
    Deletion {
        /// The key that it had.
        key: StateKey,
        /// Number of the scope's change that deleted it.
        version: u64,
    },
}

impl StateUpdate {
    /// Key of the entry.
    #[must_use]
    pub const fn key(&self) -> &StateKey {
        match self {
            Self::Put(StateEntry { key, .. }) | Self::Deletion { key, .. } => key,
        }
    }

    /// Number of the scope's change.
    #[must_use]
    pub const fn version(&self) -> u64 {
        match self {
            Self::Put(StateEntry { version, .. }) | Self::Deletion { version, .. } => *version,
        }
    }
}

/// Some changes of a scope.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The latest changes of entries, in the order of their versions.
    pub updates: Vec<StateUpdate>,
    /// Version up to which all changes were examined.
    pub read_to: u64,
    /// Bounds of the scope when they were read.
    pub bounds: Bounds,
}

/// Returns an entry, if it exists, and the last version of its scope.
pub(crate) async fn get(shared: &Shared, name: &EntryName) -> Result<(Option<StateEntry>, u64)> {
    let snapshot = shared.engine.snapshot().await?;
    let reads = [keys::entry(&name.scope, &name.key), keys::scope(&name.scope)];
    let mut pages = snapshot.read(reads.map(Read::Get).into()).await?.into_iter();
    let mut next = || pages.next().and_then(Page::into_value);
    let found = next()
        .map(|value| entry::parse(name.key.clone(), value))
        .transpose()?;
    Ok((found, entry::parse_version(next().as_ref())?))
}

pub(crate) async fn list(shared: &Shared, list: &ListState) -> Result<StatePage> {
    let snapshot = shared.engine.snapshot().await?;
    let count_max = list.limit.max(1);
    // One more shows whether more entries follow: an engine only reports that there may be some.
    let limit = PageLimit {
        entries: count_max.saturating_add(1),
        bytes: PAGE_BYTES,
    };
    let read_after = |after: Option<&StateKey>, limit| {
        let range = keys::entries(&list.scope, &list.prefix, after);
        Read::range(range, Direction::Forwards, limit)
    };
    let reads = vec![
        Read::Get(keys::scope(&list.scope)),
        read_after(list.after.as_ref(), limit),
    ];
    let mut pages = snapshot.read(reads).await?.into_iter();
    let version = pages.next().and_then(Page::into_value);
    let page = pages.next().unwrap_or_default();
    let parse = |entry| entry::parse_stored(&list.scope, entry);
    let mut entries = page
        .entries
        .into_iter()
        .map(parse)
        .collect::<std::result::Result<Vec<StateEntry>, Malformed>>()?;
    let has_more = match entries.last() {
        _ if entries.len() > count_max => true,
        // The page ends early, because it is large.
        Some(last) if page.more => {
            let next = read_after(Some(&last.key), PageLimit::entries(1));
            let pages = snapshot.read(vec![next]).await?;
            pages.iter().any(|page| !page.entries.is_empty())
        }
        _ => false,
    };
    entries.truncate(count_max);
    Ok(StatePage {
        entries,
        has_more,
        version: entry::parse_version(version.as_ref())?,
    })
}

/// Returns the versions between which a scope can be followed.
pub(crate) async fn bounds(snapshot: &dyn Snapshot, scope: &ScopeName) -> Result<Bounds> {
    let reads = [keys::scope(scope), keys::forgotten(scope)];
    let mut pages = snapshot.read(reads.map(Read::Get).into()).await?.into_iter();
    let mut next = || entry::parse_version(pages.next().and_then(Page::into_value).as_ref());
    let (last, first) = (next()?, next()?);
    Ok(Bounds { first, last })
}

/// Reads changes after a version: those of keys with the prefix, without deletions up to `whole_to`, at least one if
/// there is one, or else to the end of a page.
pub(crate) async fn changes(
    shared: &Shared,
    scope: &ScopeName,
    prefix: &str,
    after: u64,
    whole_to: u64,
) -> Result<Changes> {
    let snapshot = shared.engine.snapshot().await?;
    let bounds = bounds(&*snapshot, scope).await?;
    check(scope, after, whole_to, bounds)?;
    changes_as_of(&*snapshot, scope, prefix, (after, whole_to), bounds).await
}

/// Like [`changes`], as of a snapshot with these bounds of the scope.
pub(crate) async fn changes_as_of(
    snapshot: &dyn Snapshot,
    scope: &ScopeName,
    prefix: &str,
    (after, whole_to): (u64, u64),
    bounds: Bounds,
) -> Result<Changes> {
    let range: KeyRange = keys::changes_after(scope, after);
    let limit = PageLimit::entries(CHANGES);
    let page = snapshot.range(range, Direction::Forwards, limit).await?;
    let mut read_to = if page.more { after } else { bounds.last };
    let mut wanted: Vec<Change> = Vec::new();
    for stored in &page.entries {
        let change = entry::parse_change(stored)?;
        let is_wanted =
            change.key.as_str().starts_with(prefix) && !(change.is_deletion && change.version <= whole_to);
        if is_wanted && wanted.len() == VALUES {
            read_to = change.version - 1;
            break;
        }
        if page.more {
            read_to = change.version;
        }
        if is_wanted {
            wanted.push(change);
        }
    }
    let updates = with_values(snapshot, scope, wanted).await?;
    Ok(Changes {
        updates,
        read_to,
        bounds,
    })
}

async fn with_values(
    snapshot: &dyn Snapshot,
    scope: &ScopeName,
    changes: Vec<Change>,
) -> Result<Vec<StateUpdate>> {
    let puts = changes.iter().filter(|change| !change.is_deletion);
    let reads = puts
        .map(|change| Read::Get(keys::entry(scope, &change.key)))
        .collect();
    let mut values = snapshot.read(reads).await?.into_iter();
    let mut updates = Vec::with_capacity(changes.len());
    for Change {
        version,
        key,
        is_deletion,
    } in changes
    {
        updates.push(if is_deletion {
            StateUpdate::Deletion { key, version }
        } else {
            let missing = Malformed("state: a change without its entry");
            let value = values.next().and_then(Page::into_value).ok_or(missing)?;
            StateUpdate::Put(entry::parse(key, value)?)
        });
    }
    Ok(updates)
}

/// Checks that a scope can be followed after a version. Deletions up to `whole_to` need not be known.
pub(crate) fn check(scope: &ScopeName, version: u64, whole_to: u64, bounds: Bounds) -> Result<()> {
    let Bounds { first, last } = bounds;
    let scope = || scope.clone();
    if version > last {
        return Err(Error::StateVersionBeyondEnd {
            scope: scope(),
            version,
            first,
            last,
        });
    }
    if version < first && whole_to < first {
        return Err(Error::StateVersionExpired {
            scope: scope(),
            version,
            first,
            last,
        });
    }
    Ok(())
}
