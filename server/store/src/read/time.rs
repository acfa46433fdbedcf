//! Finds the position of the log at a time.
//!
//! 1. Recorded times never decrease along the log, so the events up to a time are a prefix of the log.
//! 2. The position of the minute bounds the search. It comes from the index on disk, or from the tail's windows for
//!    minutes that begin there. Within the minute, a binary search reads one frame per step; nothing is read if the
//!    minute has no event.
//! 3. Removed events are skipped: the result is between the last remaining event that was recorded by then and the
//!    first one that was recorded later.
//!
//! Limits: two small reads and about log₂(frames of the minute) frames, most of which are in memory near the head.

use std::sync::Arc;

use annals_engine::Direction;

use super::log_reader::frames;
use crate::{
    format::{frame::Frame, record::View},
    index,
    model::error::{Error, Result},
    shared::Shared,
    tail::Minutes,
    values::position::{Position, Timestamp},
};

/// Returns the position of the last event that was recorded at or before a time, among those up to `head`, which the
/// tail must have reached. [`Position::START`] if there is none.
pub(crate) async fn position_at(shared: &Shared, time: Timestamp, head: Position) -> Result<Position> {
    if head == Position::START {
        return Ok(head);
    }
    let minute = time.minute();
    // The tail is read first: entries that it drops meanwhile are already on disk.
    let Minutes {
        mut not_later,
        mut later,
    } = shared.tail.minutes(minute);
    if not_later.is_none() {
        let snapshot = shared.engine.snapshot().await?;
        let stored = index::minutes(&*snapshot, minute).await?;
        not_later = stored.0;
        later = [later, stored.1].into_iter().flatten().min();
    }
    let end = later.map_or(head.next(), |later| later.min(head.next()));
    match not_later {
        // No event was recorded in the minute itself.
        Some((before, _)) if before < minute => Ok(Position(end.0 - 1)),
        Some((_, first)) => search(shared, time, first.min(end), end).await,
        None => search(shared, time, Position(1), end).await,
    }
}

/// Returns the time at which the first event after a position was recorded, of those up to `head`, which the tail must
/// have reached. `None` if none is stored there. Removed events count until their space is reclaimed, so that one frame
/// is read, whatever was removed.
pub(crate) async fn recorded_after(
    shared: &Shared,
    position: Position,
    head: Position,
) -> Result<Option<Timestamp>> {
    let (low, end) = (position.next(), head.next());
    let (_, seen) = see(shared, low, low, end).await?;
    Ok(seen.map(|seen| seen.first_at))
}

/// Searches from `low` to before `end`. Events before `low` were recorded by then; events from `end` on are not
/// considered.
async fn search(shared: &Shared, time: Timestamp, mut low: Position, mut end: Position) -> Result<Position> {
    while low < end {
        let middle = Position(low.0 + (end.0 - low.0) / 2);
        let (begins, seen) = see(shared, middle, low, end).await?;
        match seen {
            Some(seen) if seen.last_at <= time => low = seen.ends.next(),
            Some(seen) if seen.first_at <= time => return seen.last_by(time),
            // The first remaining event from `begins` on was recorded later, or there is none.
            _ => end = begins.max(low),
        }
    }
    Ok(Position(low.0 - 1))
}

/// A frame with events in the searched range.
struct Seen {
    frame: Arc<Frame>,
    low: Position,
    /// Last position of the frame, or of the range if that ends earlier.
    ends: Position,
    first_at: Timestamp,
    last_at: Timestamp,
}

/// Returns the first position of the frame that contains `middle`, and the first frame, from that one on, which has
/// an event from `low` to before `end`.
async fn see(
    shared: &Shared,
    middle: Position,
    low: Position,
    end: Position,
) -> Result<(Position, Option<Seen>)> {
    let (mut begins, mut next) = (None, middle);
    while next < end {
        let page = frames(shared, next, Direction::Forwards, 1).await?;
        let frame = page
            .into_iter()
            .next()
            .ok_or_else(|| Error::Corrupt(format!("no event is stored at position {next}")))?;
        begins.get_or_insert(frame.first);
        let mut times = None;
        each(&frame, low, end, |event| {
            let (first_at, _) = times.unwrap_or((event.recorded_at, event.recorded_at));
            times = Some((first_at, event.recorded_at));
        })?;
        next = frame.last.next();
        if let Some((first_at, last_at)) = times {
            let seen = Seen {
                ends: Position(next.min(end).0 - 1),
                frame,
                low,
                first_at,
                last_at,
            };
            return Ok((begins.unwrap_or(middle), Some(seen)));
        }
    }
    Ok((begins.unwrap_or(middle), None))
}

impl Seen {
    /// Returns the position of the last event that was recorded by a time. There must be one.
    fn last_by(&self, time: Timestamp) -> Result<Position> {
        let mut last = self.low;
        each(&self.frame, self.low, self.ends.next(), |event| {
            if event.recorded_at <= time {
                last = event.position;
            }
        })?;
        Ok(last)
    }
}

/// Calls `look` for the events of a frame from `low` to before `end`.
fn each(frame: &Frame, low: Position, end: Position, mut look: impl FnMut(&View<'_>)) -> Result<()> {
    let mut entries = frame.entries();
    while let Some(record) = entries.next_record()? {
        let event = View::parse(record)?;
        if event.position >= low && event.position < end {
            look(&event);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
