//! Loads the latest snapshot.

use super::{
    LoadSnapshot, Snapshot,
    entry::{Header, Kept},
};
use crate::{
    model::error::{Error, Result},
    read::follow::fresh_head,
    shared::Shared,
};

pub(crate) async fn load(shared: &Shared, load: LoadSnapshot) -> Result<Snapshot> {
    fresh_head(shared).await?;
    let lifecycle = shared.tail.lifecycles().of(load.stream.as_str());
    if lifecycle.tombstoned {
        return Err(Error::StreamTombstoned(load.stream));
    }
    let wanted = |header: &Header| {
        header.revision >= lifecycle.deleted_before
            && load.at_or_before.is_none_or(|last| header.revision <= last)
            && load
                .schema_version
                .is_none_or(|version| header.schema_version == version)
    };
    let snapshot = shared.engine.snapshot().await?;
    let kept = Kept::read(&load.stream, &*snapshot).await?;
    let Some(header) = kept.headers.into_iter().find(wanted) else {
        return Err(Error::SnapshotNotFound(load.stream));
    };
    Ok(Snapshot {
        revision: header.revision,
        schema_version: header.schema_version,
        data: header.data(&load.stream, &*snapshot).await?,
        stream: load.stream,
        saved_at: header.saved_at,
    })
}
