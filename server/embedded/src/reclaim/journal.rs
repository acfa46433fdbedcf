//! Getting rid of the journal that is being written.
//!
//! fjall 3.1 begins a new journal only when a memtable is flushed and the present one has more than [`SEALED_BYTES`]
//! (`worker_tick`), and there is no call for it. Everything in it may be in tables long since, and it takes its place
//! still. So it is written full, with one value again and again in a keyspace that nobody reads; then the next flush seals
//! it, and it goes. That is done only where the journal is a large part of the store, and writes 64 MB at the most.

use std::{fs, path::Path};

use annals_engine::Result;

use super::{Store, refused, tables};

/// A journal with more than so many bytes is sealed at the next flush.
const SEALED_BYTES: u64 = 64_000_000;
/// A journal that takes less is left as it is.
const TAKEN_BYTES_MIN: u64 = 8 << 20;
/// Bytes that it is filled with at a time. Others write between any two.
const FILL_BYTES: usize = 1 << 20;

/// Replaces the journal, if that is worth it. `flush`: writes what is in memory to tables.
pub(super) fn renew(store: &Store, flush: impl Fn() -> Result<()>) -> Result<()> {
    // All but the last are gone by now, unless something else was flushed just then.
    let taken = taken(&store.folder);
    if taken < TAKEN_BYTES_MIN || taken < tables(store) / 8 {
        return Ok(());
    }
    let missing = SEALED_BYTES.saturating_sub(taken) + (2 << 20);
    let fill = vec![0; FILL_BYTES];
    for _ in 0..missing.div_ceil(FILL_BYTES as u64) {
        let filled = store.filler.insert("fill", &fill[..]);
        filled.map_err(|error| refused(&error))?;
    }
    // The first seals it, the second is behind it.
    flush()?;
    flush()
}

/// Bytes that the journals take on the disk, of those that are reserved for them.
pub(super) fn taken(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(std::result::Result::ok);
    entries
        .filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "jnl")
        })
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| disk_bytes(&metadata))
        .sum()
}

#[cfg(unix)]
fn disk_bytes(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    metadata.blocks() * 512
}

/// Elsewhere it is not known how much of what is reserved is in use, so the journal is left alone.
#[cfg(not(unix))]
fn disk_bytes(_: &fs::Metadata) -> u64 {
    0
}
