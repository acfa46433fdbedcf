//! Saves a snapshot.

use annals_engine::{Commit, Error as EngineError};
use tracing::warn;

use super::{
    SaveSnapshot,
    entry::{Header, Kept},
    remove_dead,
};
use crate::{
    model::error::{Error, Result},
    read::ends,
    shared::Shared,
    values::position::Timestamp,
};

/// Maximum number of attempts while other clients save snapshots of the same stream. In each round of concurrent
/// attempts, one succeeds.
const TRIES: usize = 64;

pub(crate) async fn save(shared: &Shared, save: SaveSnapshot) -> Result<Timestamp> {
    let header = Header {
        revision: save.revision,
        schema_version: save.schema_version,
        saved_at: shared.environment.clock.now(),
        bytes: u32::try_from(save.data.len())
            .map_err(|_| Error::Internal("a snapshot is larger than 4 GB".to_owned()))?,
    };
    let mut doubt = None;
    for _ in 0..TRIES {
        check(shared, &save).await?;
        match commit(shared, &save, header).await? {
            Ok(()) => return confirm(shared, &save).await.map(|()| header.saved_at),
            // The outcome is unknown; writing the same snapshot again is harmless.
            Err(error @ EngineError::MaybeCommitted(_)) => doubt = Some(error),
            Err(EngineError::Conflict | EngineError::TooOld) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(doubt.map_or(
        Error::Overloaded("concurrent saves of snapshots of one stream"),
        Error::from,
    ))
}

/// Checks that the stream has the events that the snapshot includes.
async fn check(shared: &Shared, save: &SaveSnapshot) -> Result<()> {
    let (_, last) = ends(shared, &save.stream).await?;
    let lifecycle = shared.tail.lifecycles().of(save.stream.as_str());
    if lifecycle.tombstoned {
        return Err(Error::StreamTombstoned(save.stream.clone()));
    }
    match lifecycle.present(last) {
        None => Err(Error::StreamNotFound(save.stream.clone())),
        Some(last) if save.revision > last => Err(Error::RevisionBeyondEnd {
            stream: save.stream.clone(),
            revision: save.revision,
            last: Some(last),
        }),
        Some(_) if save.revision < lifecycle.deleted_before => Err(Error::SnapshotOfDeleted {
            stream: save.stream.clone(),
            revision: save.revision,
            first: lifecycle.deleted_before,
        }),
        Some(_) => Ok(()),
    }
}

/// Writes the snapshot, and removes those that are no longer to be kept.
async fn commit(
    shared: &Shared,
    save: &SaveSnapshot,
    header: Header,
) -> Result<std::result::Result<(), EngineError>> {
    let snapshot = shared.engine.snapshot().await?;
    let mut kept = Kept::read(&save.stream, &*snapshot).await?;
    drop(snapshot);
    let mut commit = kept.change(&save.stream, Commit::durable())?;
    let same =
        |other: &Header| other.revision == header.revision && other.schema_version == header.schema_version;
    kept.headers.retain(|other| !same(other));
    kept.headers.push(header);
    kept.headers
        .sort_unstable_by_key(|header| std::cmp::Reverse((header.revision, header.schema_version)));
    let removed = kept.headers.split_off(save.keep.max(1).min(kept.headers.len()));
    for other in removed {
        other.clear(&save.stream, &mut commit);
    }
    if kept.headers.iter().any(same) {
        header.write(&save.stream, &save.data, &mut commit);
    }
    Ok(shared.engine.commit(commit).await)
}

/// Removes the snapshot again if the stream was deleted, or got its tombstone, before it was written.
async fn confirm(shared: &Shared, save: &SaveSnapshot) -> Result<()> {
    let refused = match check(shared, save).await {
        Err(
            error @ (Error::StreamTombstoned(_) | Error::StreamNotFound(_) | Error::SnapshotOfDeleted { .. }),
        ) => error,
        // It is saved, even if the check failed for another reason.
        _ => return Ok(()),
    };
    if let Err(error) = remove_dead(shared, &save.stream).await {
        warn!(
            %error,
            stream = %save.stream,
            "cannot remove a snapshot of deleted events; it stays until the next scavenge"
        );
    }
    Err(refused)
}
