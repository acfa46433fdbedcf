//! Moves snapshots from one store to another.

use annals_engine::{Commit, Direction, Error as EngineError, KeyRange, PageLimit};

use super::{
    Snapshot,
    entry::{Header, Kept},
};
use crate::{
    format::{keys, wire::Malformed},
    model::error::{Error, Result},
    read::{last_revision, places},
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision},
    },
};

/// Maximum number of attempts to write a snapshot while other clients change the stream's snapshots.
const TRIES: usize = 64;

/// Reads the next key in a range of snapshots. Returns the snapshot, if it may be loaded and includes only events up
/// to a position, and the rest of the range. `None` at the end of the range.
pub(crate) async fn next(
    shared: &Shared,
    mut range: KeyRange,
    up_to: Position,
) -> Result<Option<(Option<Snapshot>, KeyRange)>> {
    let snapshot = shared.engine.snapshot().await?;
    let one = PageLimit::entries(1);
    let page = snapshot.range(range.clone(), Direction::Forwards, one).await?;
    let Some(entry) = page.entries.first() else {
        return Ok(None);
    };
    range = range.after(&entry.key);
    let (stream, is_snapshot) = keys::parse_snapshot_stream(&entry.key).ok_or(Malformed("snapshot: key"))?;
    if !is_snapshot {
        return Ok(Some((None, range)));
    }
    let stream = StreamName::trusted(stream);
    let header = Header::parse(&entry.key, &entry.value)?;
    if !is_moved(shared, &stream, header.revision, up_to).await? {
        return Ok(Some((None, range)));
    }
    let data = header.data(&stream, &*snapshot).await?;
    let found = Snapshot {
        stream,
        revision: header.revision,
        schema_version: header.schema_version,
        data,
        saved_at: header.saved_at,
    };
    Ok(Some((Some(found), range)))
}

async fn is_moved(shared: &Shared, stream: &StreamName, revision: Revision, up_to: Position) -> Result<bool> {
    let lifecycle = shared.tail.lifecycles().of(stream.as_str());
    if lifecycle.tombstoned || revision < lifecycle.deleted_before {
        return Ok(false);
    }
    let last = last_revision(shared, stream).await?;
    if last.is_none_or(|last| last < revision) {
        return Ok(false);
    }
    let places = places(shared, stream, revision, revision).await?;
    Ok(places.first().is_none_or(|(_, position)| *position <= up_to))
}

/// Writes a snapshot as it was in another store.
pub(crate) async fn restore(shared: &Shared, snapshot: Snapshot) -> Result<()> {
    let header = Header {
        revision: snapshot.revision,
        schema_version: snapshot.schema_version,
        saved_at: snapshot.saved_at,
        bytes: u32::try_from(snapshot.data.len())
            .map_err(|_| Error::MoveInvalid("a snapshot is larger than 4 GB".to_owned()))?,
    };
    for _ in 0..TRIES {
        let now = shared.engine.snapshot().await?;
        let kept = Kept::read(&snapshot.stream, &*now).await?;
        drop(now);
        let mut commit = kept.change(&snapshot.stream, Commit::durable())?;
        header.write(&snapshot.stream, &snapshot.data, &mut commit);
        match shared.engine.commit(commit).await {
            Ok(()) => return Ok(()),
            Err(EngineError::Conflict | EngineError::TooOld | EngineError::MaybeCommitted(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Overloaded("concurrent saves of snapshots of one stream"))
}
