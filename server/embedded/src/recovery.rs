//! Opening the log: where it ends, and what the tree does not have of it yet.
//!
//! 1. The log is gone through from where the tree ends. Each record that is whole, follows the one before it, and stands on
//!    relaxed commits that the tree has, is taken as it was when it was committed.
//! 2. The first that is not ends the log. It is the one that was being written, and was never answered; it is cut off, so
//!    that it never comes back.
//! 3. **What was answered is never cut off in silence.** A record is only written when the one before it is synced. So
//!    whatever shows that the log went on behind its end (a later record that is whole, a segment that begins behind one)
//!    tells of damage, and so do a segment that the tree knows and that is not there, and a log that ends before the tree.
//!
//! Limits: if it is the very last record that is damaged, that can't be told from one that was being written.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::directory::sync;
use crate::log::Log;
use crate::record::{MAGIC, Record};
use crate::segment::{self, Files, HEADER_BYTES, Header, Segment, Segments};
use crate::space::Space;
use crate::state::{self, Applied};
use crate::tree::Tree;
use crate::writer::Writer;
use crate::{OpenError, fault};

/// The log as the tree knows it.
pub(crate) struct Known {
    pub(crate) applied: Applied,
    pub(crate) log: Log,
    pub(crate) segments: Segments,
    pub(crate) space: Space,
}

/// Finds the segments, and the end of what the tree has of them.
pub(crate) fn known(path: &Path, folder: &Path, tree: &Tree, segment_bytes: u64) -> Result<Known, OpenError> {
    let unusable = |error: io::Error| OpenError::unusable(path, "the log cannot be read", &error);
    let of_tree = |error: &fjall::Error| OpenError::from_fjall(path, error);
    let applied = Applied::read(&tree.state).map_err(|error| of_tree(&error))?;
    let applied = applied.ok_or_else(|| corrupt(path, "the tree does not say what it has of the log"))?;
    let in_use = state::segments(&tree.state).map_err(|error| corrupt(path, &error.to_string()))?;
    let files = Arc::new(Files::default());
    let mut segments = BTreeMap::new();
    for number in segment::numbers(folder).map_err(unusable)? {
        let segment = Segment::open(folder, number, &files).map_err(unusable)?;
        let is_known = in_use.binary_search_by_key(&number, |(known, _)| *known).is_ok();
        if number < applied.segment && !is_known {
            // Given up before the last stop.
            segment.give_up();
        } else {
            segments.insert(number, Arc::new(segment));
        }
    }
    let needed = in_use.iter().map(|(number, _)| *number).chain([applied.segment]);
    for number in needed {
        if !segments.contains_key(&number) {
            return Err(corrupt(path, &format!("segment {number} of the log is missing")));
        }
    }
    let active = Arc::clone(&segments[&applied.segment]);
    let header = Header::read(&active).map_err(unusable)?;
    let header = header.filter(|header| header.number == active.number);
    let header = header.ok_or_else(|| {
        corrupt(
            path,
            &format!("segment {} of the log has no header", active.number),
        )
    })?;
    if active.bytes() < applied.end {
        let message = format!(
            "segment {} of the log ends at {}, and the tree has it up to {}",
            active.number,
            active.bytes(),
            applied.end
        );
        return Err(corrupt(path, &message));
    }
    let place = (applied.end, applied.tip);
    let log = Log::resume(folder, header.log, segment_bytes, active, files, place).map_err(unusable)?;
    let greatest = tree
        .greatest()
        .map_err(|error| corrupt(path, &error.to_string()))?;
    Ok(Known {
        applied,
        log,
        segments: Arc::new(segments),
        space: Space::new(in_use, greatest),
    })
}

/// Takes what the tree does not have, and ends the log behind it.
pub(crate) fn replay(path: &Path, writer: &mut Writer) -> Result<(), OpenError> {
    let unusable = |error: io::Error| OpenError::unusable(path, "the log cannot be read", &error);
    let found: Segments = Arc::clone(&writer.segments);
    loop {
        let active = Arc::clone(&writer.log.active);
        if let Some((changes, record)) = next(writer, &active).map_err(unusable)? {
            writer.log.end = record.0;
            writer.log.tip = record.1;
            writer.remember(changes);
            let folded = writer.fold_if_full();
            folded.map_err(|error| unusable(io::Error::other(error.to_string())))?;
            continue;
        }
        let Some(following) = found.get(&(active.number + 1)) else {
            break;
        };
        let header = Header::read(following).map_err(unusable)?;
        if header != Some(writer.log.header(following.number)) {
            break;
        }
        writer.log.go_on_in(Arc::clone(following)).map_err(unusable)?;
    }
    if let Some(damage) = behind(writer, &found).map_err(unusable)? {
        return Err(corrupt(path, &damage));
    }
    let last = writer.log.active.number;
    let is_behind = |number: &u32| *number > last;
    Arc::make_mut(&mut writer.segments).retain(|number, _| !is_behind(number));
    let cut = cut(&mut writer.log, &found);
    cut.map_err(|error| OpenError::unusable(path, "the end of the log cannot be cut off", &error))
}

/// Takes away what is behind the end of the log.
fn cut(log: &mut Log, found: &Segments) -> io::Result<()> {
    log.cut()?;
    for (_, segment) in found.range(log.active.number + 1..) {
        fs::remove_file(segment.path())?;
    }
    sync(log.folder())
}

/// The record at the end of what was taken, if it counts: its changes, its end and the log's tip with it.
#[expect(clippy::type_complexity, reason = "taken apart where it is called")]
fn next(
    writer: &Writer,
    active: &Segment,
) -> io::Result<Option<(Vec<crate::record::Change>, (u64, crate::record::Tip))>> {
    let (log, relaxed) = (&writer.log, writer.relaxed);
    let Some(record) = Record::read(active, log.secret(), log.end)? else {
        return Ok(None);
    };
    let follows = record.previous == log.tip.checksum && record.tip.sequence == log.tip.sequence + 1;
    if !follows || record.relaxed != relaxed {
        return Ok(None);
    }
    let place = (record.end, record.tip);
    Ok(record.changes(active)?.map(|changes| (changes, place)))
}

/// What shows that the log went on behind its end.
fn behind(writer: &Writer, found: &Segments) -> io::Result<Option<String>> {
    let log = &writer.log;
    let (last, end) = (log.active.number, log.end);
    let told = |segment: u32, what: String| {
        format!("the log breaks off at {end} of segment {last}, but segment {segment} {what}")
    };
    for (number, segment) in found.range(last..) {
        if *number > last {
            let header = Header::read(segment)?.filter(|header| header.log == log.id());
            if let Some(header) = header.filter(|header| header.tip.sequence > log.tip.sequence) {
                return Ok(Some(told(
                    *number,
                    format!("begins behind record {}", header.tip.sequence),
                )));
            }
        }
        let from = if *number == last { end } else { HEADER_BYTES };
        // One may be there: the one that was being written.
        if let Some((at, sequence)) = later_record(segment, log.secret(), from, log.tip.sequence + 1)? {
            return Ok(Some(told(*number, format!("has record {sequence} at {at}"))));
        }
    }
    Ok(None)
}

/// A whole record behind `from` whose number is over `sequence`: where it is, and its number.
fn later_record(segment: &Segment, secret: u32, from: u64, sequence: u64) -> io::Result<Option<(u64, u64)>> {
    const CHUNK: u64 = 4 << 20;
    let mut start = from;
    while start + MAGIC.len() as u64 <= segment.bytes() {
        let bytes = segment.read(start, (segment.bytes() - start).min(CHUNK))?;
        for at in (0..=bytes.len().saturating_sub(MAGIC.len())).filter(|at| bytes[*at..].starts_with(&MAGIC))
        {
            let at = start + at as u64;
            let record = Record::read(segment, secret, at)?;
            if let Some(record) = record.filter(|record| record.tip.sequence > sequence) {
                return Ok(Some((at, record.tip.sequence)));
            }
        }
        if (bytes.len() as u64) < CHUNK {
            break;
        }
        // The magic may lie across the border.
        start += CHUNK - MAGIC.len() as u64;
    }
    Ok(None)
}

fn corrupt(path: &Path, message: &str) -> OpenError {
    OpenError::Corrupt {
        path: path.to_owned(),
        message: message.to_owned(),
    }
}

/// The first segment of a new store, and the tree's word that it is empty.
pub(crate) fn begin(folder: &Path, tree: &Tree) -> io::Result<()> {
    use std::hash::{BuildHasher, Hasher, RandomState};
    fs::create_dir(folder)?;
    // Drawn by the standard library from the system's randomness.
    let id = RandomState::new().build_hasher().finish();
    let header = Header {
        log: id,
        number: 1,
        tip: crate::record::Tip::default(),
    };
    crate::log::create(folder, header)?.sync_all()?;
    let applied = Applied {
        segment: 1,
        end: HEADER_BYTES,
        tip: header.tip,
        relaxed: 0,
    };
    let written = tree.state.insert(state::APPLIED, applied.encode());
    written.map_err(|error| io::Error::other(fault::words(&error)))
}
