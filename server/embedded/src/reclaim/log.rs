//! Drops segments of the log that are mostly unused.
//!
//! 1. Their live values are rewritten at the end of the log, in ordinary records of about [`SLICE_BYTES`] each. Other
//!    commits run in between. Values that were replaced meanwhile are not rewritten.
//! 2. Once the rewritten records are in the tree, it refers to nothing in the segment any more, and a fold removes
//!    the segment from the tree's state. When that fold is synced, the file is deleted, as soon as no snapshot reads
//!    it.
//! 3. A crash in between leaves duplicate values, or a file that the next start deletes.

use std::collections::BTreeMap;
use std::sync::Arc;

use annals_engine::{Error, Result};
use bytes::Bytes;
use parking_lot::Mutex;

use crate::{
    layout::Place,
    location::Location,
    record::Record,
    segment::{HEADER_BYTES, Segment},
    store::Store,
    writer::Writer,
};

/// Bytes of values rewritten at a time.
const SLICE_BYTES: u64 = 1 << 20;
/// Limit on the values in a slice.
const SLICE_VALUES: usize = 1_024;

/// The segments to be dropped, in order. `quiet`: nothing was written lately, so the generation may as well be
/// folded, which brings the counts up to date.
pub(super) fn due(writer: &Mutex<Writer>, bytes_min: u64, quiet: bool) -> Result<Vec<u32>> {
    let mut writer = writer.lock();
    writer.store.check_health()?;
    if !writer.store.current().generation.is_empty() && quiet {
        writer.fold()?;
    }
    // Data that is not in the tree yet is not counted as live.
    let applied = writer.applied;
    if applied.segment == writer.log.active.number
        && applied.end >= bytes_min.max(HEADER_BYTES + 1)
        && writer.space.is_mostly_dead(applied.segment, applied.end)
    {
        writer.begin_segment()?;
    }
    let sealed = writer.segments.range(..writer.applied.segment);
    let due = sealed.filter(|(number, segment)| writer.space.is_mostly_dead(**number, segment.bytes()));
    let due: Vec<_> = due.map(|(number, segment)| (*number, segment.bytes())).collect();
    let bytes: u64 = due.iter().map(|(_, bytes)| bytes).sum();
    Ok(if bytes < bytes_min {
        Vec::new()
    } else {
        due.into_iter().map(|(number, _)| number).collect()
    })
}

/// Drops one segment.
pub(super) fn give_up(writer: &Mutex<Writer>, store: &Store, number: u32) -> Result<()> {
    let (segment, secret) = {
        let writer = writer.lock();
        let segment = writer.segments.get(&number).map(Arc::clone);
        let Some(segment) = segment else { return Ok(()) };
        (segment, writer.log.secret())
    };
    let mut slice: Vec<(Bytes, Location)> = Vec::new();
    let mut bytes = 0;
    let mut offset = HEADER_BYTES;
    let read = |offset| {
        Record::read(&segment, secret, offset).map_err(|error| crate::fault::of_log(segment.path(), &error))
    };
    while let Some(record) = read(offset)? {
        offset = record.end;
        for (key, location) in record.entries {
            let Some(location) = location.filter(|_| store.tree.layout.place(&key) == Place::Log) else {
                continue;
            };
            if store.current().location(&store.tree, &key)? != Some(location) {
                continue;
            }
            bytes += u64::from(location.bytes);
            slice.push((key, location));
            if bytes >= SLICE_BYTES || slice.len() >= SLICE_VALUES {
                write_again(writer, store, &mut slice)?;
                bytes = 0;
            }
        }
    }
    write_again(writer, store, &mut slice)?;
    forget(writer, &segment)
}

/// Rewrites values at the end of the log, except those that were replaced meanwhile.
fn write_again(writer: &Mutex<Writer>, store: &Store, slice: &mut Vec<(Bytes, Location)>) -> Result<()> {
    let now = store.current();
    let read = slice.drain(..).map(|(key, location)| {
        let value = now.value(location)?;
        Ok((key, location, value))
    });
    let values = read.collect::<Result<Vec<_>>>()?;
    drop(now);
    let mut writer = writer.lock();
    store.check_health()?;
    let now = store.current();
    let mut changes = BTreeMap::new();
    for (key, location, value) in values {
        if now.location(&store.tree, &key)? == Some(location) {
            changes.insert(key, Some(value));
        }
    }
    drop(now);
    if changes.is_empty() {
        return Ok(());
    }
    writer.write(changes.into())?;
    writer.fold_if_full()
}

/// Removes a segment from the tree, and then from the disk.
fn forget(writer: &Mutex<Writer>, segment: &Segment) -> Result<()> {
    let mut writer = writer.lock();
    writer.store.check_health()?;
    writer.fold()?;
    let left = writer.space.live(segment.number);
    if left.values > 0 {
        return Err(Error::Corrupt(format!(
            "{} values that the tree expects in {} were not found there; the file is kept",
            left.values,
            segment.path().display()
        )));
    }
    writer.fold_without(segment.number)?;
    let (syncing, batch) = (Arc::clone(&writer.syncing), writer.last_batch);
    drop(writer);
    syncing.wait(batch)?;
    segment.give_up();
    Ok(())
}
