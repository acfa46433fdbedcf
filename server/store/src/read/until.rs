//! Reads of the past: a log or a stream as it was, which is its beginning up to some place.

use annals_engine::Direction;

use super::{log_reader::frames, time::position_at};
use crate::{
    error::{Error, Result},
    lookup::Lookup,
    name::StreamName,
    position::{Position, Revision, Timestamp},
    query::{Query, QueryItem},
    record::View,
    shared::Shared,
};

/// When the log was as it is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When this was its last position, which is at most the head; [`Position::START`]: when it was empty.
    Position(Position),
    /// At this time.
    Time(Timestamp),
}

impl Until {
    /// The log's last position then.
    pub(crate) async fn end(self, shared: &Shared, head: Position) -> Result<Position> {
        match self {
            Self::Position(position) if position > head => Err(Error::PositionBeyondHead { position, head }),
            Self::Position(position) => Ok(position),
            Self::Time(time) => position_at(shared, time, head).await,
        }
    }
}

/// When a stream was as it is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamUntil {
    /// When this was its last revision, which it must have reached.
    Revision(Revision),
    /// When the log was so.
    Log(Until),
}

impl StreamUntil {
    /// The stream's last revision then, or `None` if it had no events; it has events up to `last` now.
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
            Self::Revision(revision) => Ok(Some(revision)),
            Self::Log(until) => {
                let end = until.end(shared, head).await?;
                if end == head {
                    return Ok(Some(last));
                }
                last_up_to(shared, stream, end).await
            }
        }
    }
}

/// The revision of a stream's last event at a position or before.
async fn last_up_to(shared: &Shared, stream: &StreamName, end: Position) -> Result<Option<Revision>> {
    let query = Query {
        items: vec![QueryItem {
            streams: vec![stream.to_string()],
            ..QueryItem::default()
        }],
    };
    let lookup = Lookup::new(&query, Direction::Backwards);
    let mut lookup = lookup.ok_or_else(|| Error::Internal("a stream is not looked up".to_owned()))?;
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

/// The revision of the event at a position; `None` if it is gone.
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
