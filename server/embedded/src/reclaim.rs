//! Reclaims disk space after keys were removed, on a background thread.
//!
//! Segments of the log (`log`): if less than half of a segment is in use, its live values are rewritten at the end of
//! the log and the segment is deleted. If the active segment is mostly unused, it is ended first.
//!
//! The tree: fjall 3.1's own compaction is not enough. A removed key is a tombstone in a newer table, and both stay
//! until a compaction takes the tombstone down to the last level, which happens only as new data pushes it there. The
//! last level, which has most keys, is rewritten only where new data overlaps it.
//!
//! 1. When enough keys were removed, and none in the last moments, the memtables are flushed (which also frees the
//!    journals that hold them), and the keyspace is compacted entirely into its last level, where tombstones are
//!    dropped.
//! 2. Commits and reads continue meanwhile: compaction writes new tables beside the old ones, and fjall flushes with
//!    a thread that does not compact. Old tables and segments are deleted when the last snapshot that needs them is
//!    closed.
//! 3. The effort is bounded: at least a fifth of a keyspace's keys, or half of a segment, must be removed. After a
//!    start, the number of removed keys is taken from the tombstones in the tables.
//!
//! Limits: while it compacts it needs as much extra space as the compacted tree will take, plus one segment of the
//! log. Keys of the index that were replaced rather than removed do not count. fjall's journal may keep 64 MB of data
//! that has long been in tables.

use std::{
    sync::{
        Arc, Weak,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use annals_engine::Result;
use parking_lot::Mutex;

use crate::{
    layout::Place,
    settings::{OnReclaim, Reclaimed},
    store::Store,
    tree::refused,
    writer::Writer,
};

mod disk;
mod log;

/// How often the counters are checked.
const LOOK: Duration = Duration::from_millis(500);
/// How long nothing must be removed before it starts; longer than the pauses between the steps of a scavenge.
const SETTLED: Duration = Duration::from_secs(2);
/// How long it waits after a compaction that failed, or that freed little because a snapshot still saw the removed
/// keys.
const RETRY: Duration = Duration::from_secs(60);
/// At least one key in this many must be removed.
const SHARE_MIN: u64 = 5;

/// Reclaims space of a store for as long as `open` has a sender.
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
        // Not held while waiting, so that the directory is released when the engine is dropped.
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

/// A keyspace, with its number of removed keys and when that last changed.
struct Watched {
    place: Place,
    removed: u64,
    since: Instant,
}

impl Watched {
    /// The place, if no key was removed from it lately.
    fn settled(&mut self, store: &Store) -> Option<Place> {
        let removed = store.tree.removed(self.place).get();
        if removed != self.removed {
            self.removed = removed;
            self.since = Instant::now();
        }
        (self.since.elapsed() >= SETTLED && store.check_health().is_ok()).then_some(self.place)
    }
}

/// True if enough keys of a keyspace were removed for a compaction to pay.
fn is_due(store: &Store, place: Place, bytes_min: u64) -> bool {
    let removed = store.tree.removed(place).get();
    if removed == 0 {
        return false;
    }
    let keyspace = store.tree.keyspace(place);
    let keys = (keyspace.approximate_len() as u64).max(removed);
    let bytes = u128::from(keyspace.disk_space()) * u128::from(removed) / u128::from(keys);
    removed.saturating_mul(SHARE_MIN) >= keys && bytes >= u128::from(bytes_min)
}

/// Reclaims what is due in the places that have settled. Returns the result, if anything was done, and whether to try
/// again soon.
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

/// Compacts a keyspace. Returns whether that dropped most of the removed keys: snapshots may still see them.
fn compact(writer: &Mutex<Writer>, store: &Store, place: Place) -> Result<bool> {
    let removed = store.tree.removed(place);
    let before = removed.get();
    let keyspace = store.tree.keyspace(place);
    flush(writer, store)?;
    keyspace.major_compact().map_err(|error| refused(&error))?;
    // The compacted tables are deleted when nothing can read them any more: neither the snapshot that readers have,
    // nor the version of the keyspace that it belongs to, which fjall releases when a memtable is sealed.
    flush(writer, store)?;
    // Keys that a snapshot still sees are kept, with their tombstones.
    removed.compacted(before, keyspace);
    Ok(removed.get() <= before / 2)
}

/// Writes the memtables of all keyspaces to tables: a journal is deleted when everything in it is in tables.
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
