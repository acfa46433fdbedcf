//! Reads of the past: a log or a stream as it was, which is a prefix of it.

use annals_engine::Direction;

use super::{log_reader::frames, time::position_at};
use crate::{
    format::record::View,
    index,
    model::{
        error::{Error, Result},
        query::{Query, QueryItem},
    },
    read::{gone::first_kept, lookup::Lookup},
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// The point in the past at which the log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When this was its last position, which must not be after the head. [`Position::START`]: when it was empty.
    Position(Position),
    /// At this time.
    Time(Timestamp),
}

impl Until {
    /// Returns the log's last position at that point.
    pub(crate) async fn end(self, shared: &Shared, head: Position) -> Result<Position> {
        match self {
            Self::Position(position) if position > head => Err(Error::PositionBeyondHead { position, head }),
            Self::Position(position) => Ok(position),
            Self::Time(time) => position_at(shared, time, head).await,
        }
    }
}

/// The point in the past at which a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamUntil {
    /// When this was its last revision, which it must have reached.
    Revision(Revision),
    /// When the log was at this point.
    Log(Until),
}

impl StreamUntil {
    /// Returns the stream's last revision at that point, or `None` if it had no events then. `last` is its current
    /// last revision.
    pub(crate) async fn last(
        self,
        shared: &Shared,
        stream: &StreamName,
        head: Position,
        last: Revision,
    ) -> Result<Option<Revision>> {
        match self {
            Self::Revision(revision) if revision > last => Err(Error::RevisionBeyondEnd {
                stream: stream.clone(),
                revision,
                last: Some(last),
            }),
            Self::Revision(revision) => Ok(present(shared, stream, Some(revision))),
            Self::Log(until) => {
                let end = until.end(shared, head).await?;
                if end == head {
                    return Ok(Some(last));
                }
                let then = match last_up_to(shared, stream, end).await? {
                    Some(then) => Some(then),
                    None => gone_up_to(shared, stream, end, last).await?,
                };
                Ok(present(shared, stream, then))
            }
        }
    }
}

/// Returns `None` for a revision before the stream's last deletion: earlier events are as if they had never existed.
fn present(shared: &Shared, stream: &StreamName, last: Option<Revision>) -> Option<Revision> {
    shared.tail.lifecycles().of(stream.as_str()).present(last)
}

/// Returns the last removed revision if the stream had begun by `end`: all events that it had then are removed.
async fn gone_up_to(
    shared: &Shared,
    stream: &StreamName,
    end: Position,
    last: Revision,
) -> Result<Option<Revision>> {
    let kept = first_kept(shared, stream, Some(last)).await?;
    let Some(gone) = kept.0.checked_sub(1) else {
        return Ok(None);
    };
    let began = match shared.tail.began(stream.as_str()) {
        Some(began) => Some(began),
        None => {
            let snapshot = shared.engine.snapshot().await?;
            index::names(&*snapshot, &[stream.as_str()])
                .await?
                .pop()
                .flatten()
        }
    };
    Ok(began
        .filter(|began| began.first_position <= end)
        .map(|_| Revision(gone)))
}

/// Returns the revision of a stream's last event at or before a position.
async fn last_up_to(shared: &Shared, stream: &StreamName, end: Position) -> Result<Option<Revision>> {
    let query = Query {
        items: vec![QueryItem {
            streams: vec![stream.to_string()],
            ..QueryItem::default()
        }],
    };
    let lookup = Lookup::new(&query, Direction::Backwards);
    let mut lookup = lookup.ok_or_else(|| Error::Internal("a stream has no index list".to_owned()))?;
    let mut from = end;
    while from > Position::START {
        let found = lookup.page(shared, from, Position(1), 1).await?;
        if let Some(position) = found.positions.first() {
            return revision_at(shared, stream, *position).await;
        }
        from = Position(found.reached.0 - 1);
    }
    Ok(None)
}

/// Returns the revision of the event at a position; `None` if it is removed.
async fn revision_at(shared: &Shared, stream: &StreamName, position: Position) -> Result<Option<Revision>> {
    for frame in frames(shared, position, Direction::Forwards, 1).await? {
        let mut entries = frame.entries();
        while let Some(record) = entries.next_record()? {
            let event = View::parse(record)?;
            if event.position == position && event.stream == stream.as_str() {
                return Ok(Some(event.revision));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
