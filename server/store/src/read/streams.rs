//! What is known of streams.

use std::collections::BTreeMap;

use annals_engine::{Direction, PageLimit};

use super::ends::stored_end;
use crate::{
    error::{Error, Result},
    index, keys,
    name::StreamName,
    position::{Position, Revision, Timestamp},
    shared::Shared,
    tail::NewStream,
    wire::Malformed,
};

/// What is known of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its name.
    pub name: StreamName,
    /// Revision of its last event.
    pub last_revision: Revision,
    /// Position of its last event.
    pub last_position: Position,
    /// Position of its first event.
    pub first_position: Position,
    /// When its first event was recorded.
    pub created_at: Timestamp,
}

/// One stream.
pub(crate) async fn stream(shared: &Shared, name: &StreamName) -> Result<StreamInfo> {
    shared.fresh_head().await?;
    let began = match shared.tail.began(name.as_str()) {
        Some(began) => Some(began),
        None => {
            let snapshot = shared.engine.snapshot().await?;
            index::names(&*snapshot, &[name.as_str()]).await?.pop().flatten()
        }
    };
    let began = began.ok_or_else(|| Error::StreamNotFound(name.clone()))?;
    info(shared, name.clone(), &began).await
}

/// The first `limit` streams whose names begin with `prefix` and come behind `after`, in the order of their names.
pub(crate) async fn streams(
    shared: &Shared,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<StreamInfo>> {
    let head = shared.fresh_head().await?;
    // The tail first: what it lets go of meanwhile is on disk before it does.
    let mut found: BTreeMap<StreamName, NewStream> = shared.tail.new_streams(prefix, after, limit);
    let page_limit = PageLimit {
        entries: limit,
        bytes: usize::MAX,
    };
    let snapshot = shared.engine.snapshot().await?;
    let mut range = keys::names(prefix, after);
    let mut stored = 0;
    loop {
        let page = snapshot
            .range(range.clone(), Direction::Forwards, page_limit)
            .await?;
        let last_key = page.entries.last().map(|entry| entry.key.clone());
        for entry in page.entries {
            let name = keys::parse_name(&entry.key).ok_or(Malformed("index: key of a name"))?;
            let began = index::parse_name(&entry.value)?;
            // A window that another server is just writing may hold names of it already. They are not there yet, and must
            // not take the places of others.
            if began.first_position <= head {
                stored += 1;
                found.insert(StreamName::trusted(name), began);
            }
        }
        match last_key {
            Some(last) if page.more && stored < limit => range.start = [&last[..], &[0]].concat().into(),
            _ => break,
        }
    }
    let mut infos = Vec::with_capacity(limit.min(found.len()));
    for (name, began) in found.into_iter().take(limit) {
        infos.push(info(shared, name, &began).await?);
    }
    Ok(infos)
}

async fn info(shared: &Shared, name: StreamName, began: &NewStream) -> Result<StreamInfo> {
    let (last_revision, last_position) = match shared.tail.last_placed(name.as_str()) {
        Some(last) => last,
        // Revision and position from one look: another server's index may be ahead of this one's tail by now, and then the
        // tail does not know where that revision stands.
        None => stored_end(shared, &name)
            .await?
            .ok_or_else(|| Error::StreamNotFound(name.clone()))?,
    };
    Ok(StreamInfo {
        name,
        last_revision,
        last_position,
        first_position: began.first_position,
        created_at: began.created_at,
    })
}
