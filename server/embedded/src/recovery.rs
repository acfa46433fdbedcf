//! Recovers the log at open: finds its end, and replays the records that the tree does not have yet.
//!
//! 1. The log is read from where the tree ends. A record is replayed if it is intact, follows the one before it, and
//!    depends only on relaxed commits that the tree has.
//! 2. The first record that fails this ends the log. It was being written when the process stopped, and was never
//!    acknowledged; it is cut off, so that it never reappears.
//! 3. **Acknowledged commits are never cut off silently.** The log must reach its durable mark (`durable`), which
//!    after a clean stop and after kill -9 is the last acknowledged record. And a record is only written once the one
//!    before it is synced. So any sign that the log continued after its end (`later`: a later record that is intact,
//!    a segment that begins after one) is evidence of a loss. So is a missing segment that the tree refers to, and a
//!    log that ends before the tree.
//! 4. A loss is reported and changes nothing, unless the caller accepts it. If so, the mark is set to where the log
//!    is known to have been durable and stays there until the loss is settled, so that after a crash the next start
//!    finds the loss again.
//!
//! Limits: after a power failure the mark may be that of the last fold. If all records after it are lost, or the last
//! of them is damaged, that cannot be distinguished from a record that was being written.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::change::{Change, Tip};
use crate::directory::{self, Marked};
use crate::durable::{Durable, Mark};
use crate::fault::{self, OpenError};
use crate::fs::sync;
use crate::log::Log;
use crate::loss::{AcceptLoss, Loss};
use crate::record::Record;
use crate::segment::{self, Files, Header, Segment, Segments};
use crate::space::Space;
use crate::state::{self, Applied};
use crate::tree::Tree;
use crate::writer::Writer;

mod end;
mod later;
pub(crate) mod rebuild;

use end::{End, Reached};

/// The log, as far as the tree has it.
pub(crate) struct Known {
    pub(crate) applied: Applied,
    pub(crate) log: Log,
    pub(crate) segments: Segments,
    pub(crate) space: Space,
}

/// The result of comparing the log with the tree.
pub(crate) enum Found {
    Known(Box<Known>),
    /// The log ends before the end that the tree has recorded; the text describes the evidence.
    TooShort(String),
}

/// Finds the segments, and the position in them up to which the tree has the log.
pub(crate) fn known(path: &Path, folder: &Path, tree: &Tree, segment_bytes: u64) -> Result<Found, OpenError> {
    let unusable = |error: io::Error| OpenError::unusable(path, "the log cannot be read", &error);
    let of_tree = |error: &fjall::Error| OpenError::from_fjall(path, error);
    let applied = Applied::read(&tree.state).map_err(|error| of_tree(&error))?;
    let applied =
        applied.ok_or_else(|| corrupt(path, "the tree does not record how much of the log it has"))?;
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
            return Ok(Found::TooShort(format!("segment {number} of the log is missing")));
        }
    }
    let active = Arc::clone(&segments[&applied.segment]);
    let header = Header::read(&active).map_err(unusable)?;
    let header = header.filter(|header| header.number == active.number);
    let Some(header) = header else {
        return Ok(Found::TooShort(format!(
            "segment {} of the log has no header",
            active.number
        )));
    };
    if active.bytes() < applied.end {
        let message = format!(
            "segment {} of the log ends at {}, but the tree has records up to {}",
            active.number,
            active.bytes(),
            applied.end
        );
        return Ok(Found::TooShort(message));
    }
    let place = (applied.end, applied.tip);
    let log = Log::resume(folder, header.log, segment_bytes, active, files, place).map_err(unusable)?;
    let greatest = tree
        .greatest()
        .map_err(|error| corrupt(path, &error.to_string()))?;
    Ok(Found::Known(Box::new(Known {
        applied,
        log,
        segments: Arc::new(segments),
        space: Space::new(in_use, greatest),
    })))
}

/// Replays the records that the tree does not have, and cuts the log off after them. Returns the loss that was
/// accepted, if there is one.
pub(crate) fn replay(
    path: &Path,
    writer: &mut Writer,
    marked: Marked,
    accept: Option<&AcceptLoss>,
) -> Result<Option<Loss>, OpenError> {
    let unusable = |error: io::Error| OpenError::unusable(path, "the log cannot be read", &error);
    let file = directory::mark_file(&writer.store.folder);
    let opened = Durable::open(&file, writer.log.id());
    let opened = opened.map_err(|error| OpenError::unusable(path, "store/durable cannot be read", &error))?;
    let (durable, mark) = opened.unzip();
    let found: Segments = Arc::clone(&writer.segments);
    let reached = take(writer, &found, mark.as_ref()).map_err(unusable)?;
    let later = later::find(&writer.log, &found, writer.head_key.as_ref()).map_err(unusable)?;
    let end = End {
        mark: mark.as_ref(),
        marked,
        reached,
        later: later.as_ref(),
    };
    let loss = end.loss(writer);
    if let Some(loss) = &loss
        && !accept.is_some_and(|accept| accept(loss))
    {
        return Err(OpenError::Lost {
            path: path.to_owned(),
            loss: Box::new(loss.clone()),
        });
    }
    // Before anything is cut off: a crash from here on must find the loss again.
    let unmarked = |error: io::Error| OpenError::unusable(path, "store/durable cannot be written", &error);
    let durable = end
        .mark(writer, &file, durable, loss.is_some())
        .map_err(unmarked)?;
    // This is the only place that sets it.
    let _ = writer.store.durable.set(durable);
    let last = writer.log.active.number;
    let is_behind = |number: &u32| *number > last;
    Arc::make_mut(&mut writer.segments).retain(|number, _| !is_behind(number));
    let cut = cut(&mut writer.log, &found);
    cut.map_err(|error| OpenError::unusable(path, "the end of the log cannot be cut off", &error))?;
    if marked == Marked::NotYet {
        directory::set_marked(&writer.store.folder).map_err(unmarked)?;
    }
    Ok(loss)
}

/// Replays the records that count, one after the other.
fn take(writer: &mut Writer, found: &Segments, mark: Option<&Mark>) -> io::Result<Reached> {
    let engine = |error: annals_engine::Error| io::Error::other(error.to_string());
    let of_tree = |error: fjall::Error| io::Error::other(fault::words(&error));
    let keyspace = writer.store.tree.state.clone();
    let rebuilding = keyspace.contains_key(state::REBUILDING).map_err(of_tree)?;
    let mut reached = Reached::of(mark, writer.log.tip);
    loop {
        let active = Arc::clone(&writer.log.active);
        if let Some((changes, record)) = next(writer, &active, rebuilding)? {
            writer.log.end = record.end;
            writer.log.tip = record.tip;
            writer.relaxed = record.relaxed;
            reached.see(writer.log.tip);
            writer.remember(changes);
            writer.fold_if_full().map_err(engine)?;
            continue;
        }
        let Some(following) = found.get(&(active.number + 1)) else {
            break;
        };
        if Header::read(following)? != Some(writer.log.header(following.number)) {
            break;
        }
        writer.log.go_on_in(Arc::clone(following))?;
    }
    if rebuilding {
        writer.fold().map_err(engine)?;
        keyspace.remove(state::REBUILDING).map_err(of_tree)?;
    }
    writer.find_head().map_err(engine)?;
    Ok(reached)
}

/// Cuts off everything after the end of the log.
fn cut(log: &mut Log, found: &Segments) -> io::Result<()> {
    log.cut()?;
    for (_, segment) in found.range(log.active.number + 1..) {
        fs::remove_file(segment.path())?;
    }
    sync(log.folder())
}

/// A record that counts.
struct Taken {
    end: u64,
    tip: Tip,
    relaxed: u64,
}

/// Reads the record after the last replayed one, with its changes, if it counts. `rebuilding`: the number of relaxed
/// commits that it depends on does not matter.
fn next(writer: &Writer, active: &Segment, rebuilding: bool) -> io::Result<Option<(Vec<Change>, Taken)>> {
    let (log, relaxed) = (&writer.log, writer.relaxed);
    let Some(record) = Record::read(active, log.secret(), log.end)? else {
        return Ok(None);
    };
    let follows = record.previous == log.tip.checksum && record.tip.sequence == log.tip.sequence + 1;
    if !follows || record.relaxed != relaxed && !rebuilding {
        return Ok(None);
    }
    let taken = Taken {
        end: record.end,
        tip: record.tip,
        relaxed: record.relaxed,
    };
    Ok(record.changes(active)?.map(|changes| (changes, taken)))
}

fn corrupt(path: &Path, message: &str) -> OpenError {
    OpenError::Corrupt {
        path: path.to_owned(),
        message: message.to_owned(),
    }
}
