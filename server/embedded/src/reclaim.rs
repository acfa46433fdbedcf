//! Giving space back to the disk after keys were removed, in the background, by a thread of its own.
//!
//! Segments of the log (`log`): one of which less than half is in use is written again as far as it is, and deleted. If the
//! one that is being written to has nothing but such, it is ended first.
//!
//! The tree: what fjall 3.1 does by itself is not enough. A removed key is a tombstone in a newer table, and both stay until
//! a compaction takes the tombstone down to the last level, which happens as far as new data pushes it there. The last
//! level, where most keys are, is rewritten only where new data overlaps it.
//!
//! 1. When enough keys were removed, and no more are for a moment, what is in memory is flushed (which also frees the
//!    journals that hold it), and the keyspace is compacted wholly into its last level, where tombstones end.
//! 2. Commits and reads go on meanwhile: compaction writes new tables beside the old ones, and fjall flushes with a thread
//!    that does not compact. Old tables and segments go when the last snapshot that needs them is closed.
//! 3. It is worth it: a fifth of the keys of a keyspace at least are removed, and half of a segment. After a start, the
//!    tombstones in the tables tell how many there are.
//!
//! Limits: while it compacts it takes as much space as is left of the tree after it, and one segment of the log. Keys of the
//! index that were replaced and not removed do not count. fjall's journal may keep 64 MB of what is in tables long since.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use annals_engine::Result;
use fjall::{AbstractTree, Keyspace};
use parking_lot::Mutex;

use crate::{layout::Place, settings::OnReclaim, store::Store, tree::refused, writer::Writer};

mod disk;
mod log;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(500);
/// How long nothing is removed before it begins: a scavenge pauses for less between its steps.
const SETTLED: Duration = Duration::from_secs(2);
/// How long it waits after a compaction that failed, or gave little back because a snapshot still saw what was removed.
const RETRY: Duration = Duration::from_secs(60);
/// One key in so many must be removed.
const SHARE_MIN: u64 = 5;

/// What was given back to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reclaimed {
    /// Bytes of files before.
    pub bytes_before: u64,
    /// Bytes of files after.
    pub bytes_after: u64,
    /// How long it took.
    pub took: Duration,
}

/// Keys that were removed from a keyspace, and are still on disk.
#[derive(Debug, Default)]
pub(crate) struct Removed(AtomicU64);

impl Removed {
    /// As many as a keyspace has tombstones.
    pub(crate) fn of(keyspace: &Keyspace) -> Self {
        Self(AtomicU64::new(keyspace.tree.tombstone_count()))
    }

    pub(crate) fn add(&self, keys: u64) {
        self.0.fetch_add(keys, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Looks after a store for as long as `open` has a sender.
pub(crate) fn run(
    writer: &Weak<Mutex<Writer>>,
    open: &Receiver<()>,
    bytes_min: u64,
    told: Option<&OnReclaim>,
) {
    let mut places = [Place::Log, Place::Index].map(|place| Watched {
        place,
        removed: 0,
        since: Instant::now(),
    });
    let mut not_before = Instant::now();
    let mut last_sequence = 0;
    while let Err(RecvTimeoutError::Timeout) = open.recv_timeout(LOOK) {
        // Not held while it waits: the directory is free when the engine is gone.
        let Some(writer) = writer.upgrade() else { return };
        let store = Arc::clone(&writer.lock().store);
        let settled: Vec<_> = places
            .iter_mut()
            .filter_map(|watched| watched.settled(&store))
            .collect();
        if Instant::now() < not_before {
            continue;
        }
        let sequence = store.current().sequence;
        let quiet = std::mem::replace(&mut last_sequence, sequence) == sequence;
        let result = reclaim(&writer, &store, &settled, bytes_min, quiet);
        if matches!(result, Ok((_, false)) | Err(_)) {
            not_before = Instant::now() + RETRY;
        }
        let Some(told) = told else { continue };
        match result {
            Ok((None, _)) => {}
            Ok((Some(reclaimed), _)) => told(Ok(reclaimed)),
            Err(error) => told(Err(error)),
        }
    }
}

/// A keyspace, and how many keys were removed from it when that changed last.
struct Watched {
    place: Place,
    removed: u64,
    since: Instant,
}

impl Watched {
    /// The place, if nothing was removed from it for a moment.
    fn settled(&mut self, store: &Store) -> Option<Place> {
        let removed = store.removed(self.place).get();
        if removed != self.removed {
            self.removed = removed;
            self.since = Instant::now();
        }
        (self.since.elapsed() >= SETTLED && store.check_health().is_ok()).then_some(self.place)
    }
}

/// Whether so much of a keyspace was removed that it is worth compacting.
fn is_due(store: &Store, place: Place, bytes_min: u64) -> bool {
    let removed = store.removed(place).get();
    if removed == 0 {
        return false;
    }
    let keyspace = store.tree.keyspace(place);
    let keys = (keyspace.approximate_len() as u64).max(removed);
    let bytes = u128::from(keyspace.disk_space()) * u128::from(removed) / u128::from(keys);
    removed.saturating_mul(SHARE_MIN) >= keys && bytes >= u128::from(bytes_min)
}

/// Does what is due of the places that have settled. Says what came of it, if anything was, and whether to go on soon.
fn reclaim(
    writer: &Mutex<Writer>,
    store: &Store,
    settled: &[Place],
    bytes_min: u64,
    quiet: bool,
) -> Result<(Option<Reclaimed>, bool)> {
    let segments = if settled.contains(&Place::Log) {
        log::due(writer, bytes_min, quiet)?
    } else {
        Vec::new()
    };
    let places = settled.iter().filter(|place| is_due(store, **place, bytes_min));
    let places: Vec<_> = places.copied().collect();
    if segments.is_empty() && places.is_empty() {
        return Ok((None, true));
    }
    let started = Instant::now();
    let bytes_before = disk::taken(&store.folder);
    for number in segments {
        log::give_up(writer, store, number)?;
    }
    let mut soon = true;
    for place in places {
        soon &= compact(writer, store, place)?;
    }
    let reclaimed = Reclaimed {
        bytes_before,
        bytes_after: disk::taken(&store.folder),
        took: started.elapsed(),
    };
    Ok((Some(reclaimed), soon))
}

/// Compacts a keyspace. Says whether that took away most of what was removed: snapshots may still see it.
fn compact(writer: &Mutex<Writer>, store: &Store, place: Place) -> Result<bool> {
    let removed = store.removed(place).get();
    let keyspace = store.tree.keyspace(place);
    flush(writer, store)?;
    keyspace.major_compact().map_err(|error| refused(&error))?;
    // The tables that were compacted go when nothing can read them any more: neither the snapshot that readers have, nor
    // the version of the keyspace that it belongs to, which fjall lets go of when a memtable is closed.
    flush(writer, store)?;
    // What a snapshot still sees stays, with its tombstones.
    store.removed(place).add(keyspace.tree.tombstone_count());
    store.removed(place).0.fetch_sub(removed, Ordering::Relaxed);
    Ok(store.removed(place).get() <= removed / 2)
}

/// Writes what is in memory to tables, of all keyspaces: a journal goes when all that it holds is in tables.
fn flush(writer: &Mutex<Writer>, store: &Store) -> Result<()> {
    writer.lock().fold()?;
    let keyspaces = store.tree.keyspaces();
    for keyspace in keyspaces {
        keyspace.rotate_memtable().map_err(|error| refused(&error))?;
    }
    while keyspaces
        .iter()
        .any(|keyspace| keyspace.sealed_memtable_count() > 0)
    {
        store.ask_health()?;
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
