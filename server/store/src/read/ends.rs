//! The end of the log and of a stream, both as of the same moment.
//!
//! The two are looked up one after the other when the stream's end is on disk, and the log may grow in between. So a
//! result from disk is used only if the tail can still rule out that the stream has received events since.

use annals_engine::{Direction, Page, PageLimit, Read};

use crate::{
    format::keys,
    index::Postings,
    model::error::Result,
    read::follow::fresh_head,
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision},
    },
};

/// Returns the head that a read which begins now must see, or a later one, and a stream's last revision as of that
/// head.
pub(crate) async fn ends(shared: &Shared, stream: &StreamName) -> Result<(Position, Option<Revision>)> {
    loop {
        let head = fresh_head(shared).await?;
        if let Some(ends) = shared.tail.ends(stream) {
            return Ok(ends);
        }
        let stored = stored_end(shared, stream).await?;
        if let Some(ends) = shared.tail.ends_with(stream, head, stored) {
            return Ok(ends);
        }
    }
}

/// Returns the read that finds the last entry of a stream in the indexes on disk.
pub(crate) fn read_end(stream: &StreamName) -> Read {
    Read::last(keys::stream_entries(stream.as_str()))
}

/// Returns the last revision in the result of [`read_end`].
pub(crate) fn last_in(page: &Page) -> Result<Option<Revision>> {
    let last = page.entries.first().map(Postings::parse_stream).transpose()?;
    Ok(last.map(|list| list.last()))
}

/// Returns revision and position of a stream's last event in the indexes on disk.
pub(crate) async fn stored_end(shared: &Shared, stream: &StreamName) -> Result<Option<(Revision, Position)>> {
    let range = keys::stream_entries(stream.as_str());
    let limit = PageLimit::entries(1);
    let snapshot = shared.engine.snapshot().await?;
    let page = snapshot.range(range, Direction::Backwards, limit).await?;
    let Some(entry) = page.entries.first() else {
        return Ok(None);
    };
    Ok(Postings::parse_stream(entry)?.events().last())
}
