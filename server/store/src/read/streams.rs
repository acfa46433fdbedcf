//! Information about streams.

use std::collections::BTreeMap;

use annals_engine::{Direction, PageLimit};

use super::ends::stored_end;
use crate::{
    format::{keys, wire::Malformed},
    index::{self, NewStream},
    lifecycle::Retention,
    model::error::{Error, Result},
    read::{follow::fresh_head, gone},
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision, Timestamp},
    },
};

/// First character of the names of internal streams, which are listed only if the requested prefix begins with it.
const OWN: char = '$';
/// The first name after those of internal streams.
const BEHIND_OWN: &str = "%";

/// Information about a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// Name of the stream.
    pub name: StreamName,
    /// Revision of its first event that is not removed; one after the last if all are removed.
    pub first_revision: Revision,
    /// Revision of its last event.
    pub last_revision: Revision,
    /// Position of its last event.
    pub last_position: Position,
    /// Position of its first event (since it was last deleted).
    pub first_position: Position,
    /// Time when that event was recorded.
    pub created_at: Timestamp,
    /// Retention that is set for the stream itself.
    pub retention: Retention,
    /// The prefix whose retention applies because the stream has no count and no age of its own.
    pub retention_prefix: Option<String>,
}

/// Returns information about one stream.
pub(crate) async fn stream(shared: &Shared, name: &StreamName) -> Result<StreamInfo> {
    fresh_head(shared).await?;
    if shared.tail.lifecycles().of(name.as_str()).tombstoned {
        return Err(Error::StreamTombstoned(name.clone()));
    }
    let began = match shared.tail.began(name.as_str()) {
        Some(began) => Some(began),
        None => {
            let snapshot = shared.engine.snapshot().await?;
            index::names(&*snapshot, &[name.as_str()]).await?.pop().flatten()
        }
    };
    let not_found = || Error::StreamNotFound(name.clone());
    let began = began.ok_or_else(not_found)?;
    info(shared, name.clone(), &began).await?.ok_or_else(not_found)
}

/// Lists the first `limit` streams whose names begin with `prefix` and come after `after`, ordered by name.
pub(crate) async fn streams(
    shared: &Shared,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<StreamInfo>> {
    let head = fresh_head(shared).await?;
    let mut infos = Vec::with_capacity(limit);
    let mut after = after.map(str::to_owned);
    loop {
        let wanted = limit - infos.len();
        let names = Names {
            prefix,
            after: after.as_deref(),
            limit: wanted,
        };
        let found = names.find(shared, head).await?;
        let more = found.len() >= wanted;
        for (name, began) in found.into_iter().take(wanted) {
            after = Some(name.to_string());
            infos.extend(info(shared, name, &began).await?);
        }
        if !more || infos.len() >= limit {
            return Ok(infos);
        }
        // There may be many deleted streams.
        tokio::task::yield_now().await;
    }
}

/// Names to find.
struct Names<'a> {
    prefix: &'a str,
    after: Option<&'a str>,
    limit: usize,
}

impl Names<'_> {
    /// Finds streams that ever began, except those known in memory to be deleted: the first ones in order, at least
    /// `limit` if there are as many.
    async fn find(&self, shared: &Shared, head: Position) -> Result<BTreeMap<StreamName, NewStream>> {
        // The tail is read first: entries that it drops meanwhile are already on disk.
        let mut found = shared
            .tail
            .new_streams(self.prefix, self.after, self.limit, |name| {
                self.shows(shared, name)
            });
        let page_limit = PageLimit::entries(self.limit);
        let snapshot = shared.engine.snapshot().await?;
        let mut range = keys::names(self.prefix, self.after);
        let mut stored = 0;
        loop {
            let page = snapshot
                .range(range.clone(), Direction::Forwards, page_limit)
                .await?;
            for entry in &page.entries {
                let name = keys::parse_name(&entry.key).ok_or(Malformed("index: key of a name"))?;
                let began = index::parse_name(&entry.value)?;
                // The names of a window that another server is just indexing may be stored already. Streams that
                // began after the head are not visible yet, and must not take the places of others.
                if began.first_position <= head && self.shows(shared, name) {
                    stored += 1;
                    let known = found
                        .entry(StreamName::trusted(name))
                        .or_insert_with(|| began.clone());
                    // The latest start of the stream counts.
                    if known.first_position < began.first_position {
                        *known = began;
                    }
                }
            }
            let Some(last) = page.entries.last().filter(|_| page.more && stored < self.limit) else {
                return Ok(found);
            };
            range = range.after(&last.key);
            if self.hides_own() && keys::parse_name(&last.key).is_some_and(|name| name.starts_with(OWN)) {
                // There may be very many internal streams.
                range.start = range.start.max(keys::name(BEHIND_OWN));
            }
        }
    }

    fn hides_own(&self) -> bool {
        !self.prefix.starts_with(OWN)
    }

    /// Whether a stream is to be listed, as far as is known in memory.
    fn shows(&self, shared: &Shared, name: &str) -> bool {
        if self.hides_own() && name.starts_with(OWN) {
            return false;
        }
        shared.tail.lifecycles().get(name).is_none_or(|marked| {
            !marked.lifecycle.tombstoned
                && marked
                    .last
                    .is_none_or(|last| marked.lifecycle.present(Some(last)).is_some())
        })
    }
}

/// Returns `None` if the stream has no events because it was deleted.
async fn info(shared: &Shared, name: StreamName, began: &NewStream) -> Result<Option<StreamInfo>> {
    let lifecycles = shared.tail.lifecycles();
    let since = lifecycles.beginning();
    let (last_revision, last_position) = match shared.tail.last_placed(name.as_str()) {
        Some(last) => last,
        // Revision and position are from the same read: another server's index may be ahead of this server's tail by
        // now, and then the tail does not know the position of that revision.
        None => stored_end(shared, &name)
            .await?
            .ok_or_else(|| Error::StreamNotFound(name.clone()))?,
    };
    let lifecycle = lifecycles.of(name.as_str());
    if lifecycle.present(Some(last_revision)).is_none() {
        lifecycles.learn(since, name.as_str(), Some(last_revision));
        return Ok(None);
    }
    Ok(Some(StreamInfo {
        first_revision: gone::first_not_removed(shared, &name, Some(last_revision)).await?,
        retention_prefix: lifecycles.governing(name.as_str()).map(|(prefix, _)| prefix),
        name,
        last_revision,
        last_position,
        first_position: began.first_position,
        created_at: began.created_at,
        retention: lifecycle.retention,
    }))
}
