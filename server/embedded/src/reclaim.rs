//! Giving space back to the disk after keys were removed, in the background, by a thread of its own.
//!
//! What fjall 3.1 does by itself: a removed key is a tombstone in a newer table, and both stay until a compaction takes the
//! tombstone down to the last level, which happens as far as new data pushes it there. The last level, where nearly all of
//! a log is, is rewritten only where new data overlaps it. So a store that is only appended to never gives anything back.
//!
//! 1. When enough keys were removed, and no more are for a moment, what is in memory is flushed (which also frees the
//!    journals that hold it), and the keyspace is compacted wholly into its last level, where tombstones end.
//! 2. Commits and reads go on meanwhile: compaction writes new tables beside the old ones, and fjall flushes with a thread
//!    that does not compact. Old tables go when the last snapshot that needs them is closed.
//! 3. It is worth it: [`SHARE_MIN`] of the keys at least are removed, so that at most so many bytes are rewritten as are
//!    given back four times over. After a start, the tombstones in the tables tell how many there are.
//! 4. The journal that is being written is replaced too if it is a large part of what is taken (`journal`).
//!
//! Limits: while it runs it takes as much space as is left after it. fjall makes writers wait once 20 tables came from
//! memory during one compaction, 640 MiB of log with the default settings. Keys that were replaced and not removed do not count.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use annals_engine::{Error, Result};
use fjall::{AbstractTree, Keyspace};
use parking_lot::Mutex;

use crate::{fault, layout::Place, settings::OnReclaim, store::Store, writer::Writer};

mod journal;

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
    while let Err(RecvTimeoutError::Timeout) = open.recv_timeout(LOOK) {
        for watched in &mut places {
            // Not held while it waits: the directory is free when the engine is gone.
            let Some(writer) = writer.upgrade() else { return };
            let store = Arc::clone(&writer.lock().store);
            if Instant::now() < not_before || !watched.is_due(&store, bytes_min) {
                continue;
            }
            let removed = store.removed(watched.place).get();
            let result = reclaim(&writer, &store, watched.place, removed);
            if result.is_err() || store.removed(watched.place).get() > removed / 2 {
                not_before = Instant::now() + RETRY;
            }
            if let Some(told) = told {
                told(result);
            }
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
    fn is_due(&mut self, store: &Store, bytes_min: u64) -> bool {
        let removed = store.removed(self.place).get();
        if removed != self.removed {
            self.removed = removed;
            self.since = Instant::now();
        }
        if removed == 0 || self.since.elapsed() < SETTLED || store.check_health().is_err() {
            return false;
        }
        let keyspace = store.keyspace(self.place);
        let keys = (keyspace.approximate_len() as u64).max(removed);
        let bytes = u128::from(keyspace.disk_space()) * u128::from(removed) / u128::from(keys);
        removed.saturating_mul(SHARE_MIN) >= keys && bytes >= u128::from(bytes_min)
    }
}

fn reclaim(writer: &Mutex<Writer>, store: &Store, place: Place, removed: u64) -> Result<Reclaimed> {
    let started = Instant::now();
    let keyspace = store.keyspace(place);
    // Not as fjall counts: it takes a journal for as long as what is reserved for it.
    let bytes = || tables(store) + journal::taken(&store.folder);
    let bytes_before = bytes();
    flush(writer, store)?;
    keyspace.major_compact().map_err(|error| refused(&error))?;
    // The tables that were compacted go when nothing can read them any more: neither the snapshot that readers have, nor
    // the version of the keyspace that it belongs to, which fjall lets go of when a memtable is closed.
    flush(writer, store)?;
    journal::renew(store, || flush(writer, store))?;
    // What a snapshot still sees stays, with its tombstones.
    store.removed(place).add(keyspace.tree.tombstone_count());
    store.removed(place).0.fetch_sub(removed, Ordering::Relaxed);
    Ok(Reclaimed {
        bytes_before,
        bytes_after: bytes(),
        took: started.elapsed(),
    })
}

/// Bytes of tables.
fn tables(store: &Store) -> u64 {
    let places = [Place::Log, Place::Index].into_iter();
    places.map(|place| store.keyspace(place).disk_space()).sum()
}

/// Writes what is in memory to tables, of all keyspaces: a journal goes when all that it holds is in tables.
fn flush(writer: &Mutex<Writer>, store: &Store) -> Result<()> {
    writer.lock().step()?;
    let keyspaces = [
        store.keyspace(Place::Log),
        store.keyspace(Place::Index),
        &store.filler,
    ];
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

fn refused(error: &fjall::Error) -> Error {
    Error::Unavailable(format!("space could not be given back: {}", fault::words(error)))
}
