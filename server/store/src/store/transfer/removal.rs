//! Writes the source's knowledge of a stream to the indexes.
//!
//! The list of a stream holds consecutive revisions, from some revision on. Events that were removed in the source
//! are in no list here, but the stream's last position always is, whether its event is there or not. If the list has
//! a hole, or ends before the stream does, the events before that were moved earlier and have been removed since.

use annals_engine::{Commit, Direction, Error as EngineError, Mutation, PageLimit, Pages};
use bytes::{Bytes, BytesMut};

use super::StreamState;
use crate::{
    format::keys,
    index::{self, NewStream, Postings, postings},
    model::error::{Error, Result},
    read::stored_end,
    shared::Shared,
    tasks::scavenge::remove_beginning,
    values::{name::StreamName, position::Revision},
};

/// Number of list entries that are read at a time.
const PAGE_ENTRIES: usize = 100;

/// Writes the states of streams. Everything in the log must be indexed on disk. `may_have_holes`: whether the log was
/// moved in several parts, or events were removed from its source meanwhile. `check`: as for [`remove_beginning`].
pub(super) async fn take_streams(
    shared: &Shared,
    states: Vec<StreamState>,
    may_have_holes: bool,
    check: &(Bytes, Bytes),
) -> Result<()> {
    let mut mutations = Vec::new();
    for state in states {
        let stream = state.stream.as_str();
        let end = stored_end(shared, &state.stream).await?.map(|(last, _)| last);
        if end > Some(state.last_revision) {
            return Err(Error::MoveInvalid(format!(
                "stream {stream:?} has events up to revision {} here, but its last revision in the export is {}; the \
                 export is of another log; import it into an empty store",
                end.unwrap_or_default(),
                state.last_revision
            )));
        }
        let before = if end < Some(state.last_revision) {
            Some(state.last_revision.next())
        } else if may_have_holes {
            behind_holes(shared, &state.stream).await?
        } else {
            None
        };
        if let Some(before) = before.filter(|_| end.is_some()) {
            remove_beginning(shared, &state.stream, before, check).await?;
        }
        if end < Some(state.last_revision) {
            let key = keys::stream(stream, state.last_revision);
            mutations.push(Mutation::Set(key, postings::encode_end(state.last_position)));
        }
        if let Some((first_position, created_at)) = state.began {
            let mut value = BytesMut::new();
            let began = NewStream {
                first_position,
                created_at,
            };
            index::put_name(&mut value, &began);
            mutations.push(Mutation::Set(keys::name(stream), value.freeze()));
        }
    }
    write(shared, mutations, check).await
}

/// Returns the revision with which the list of a stream continues after its last hole; `None` if it has no hole.
async fn behind_holes(shared: &Shared, stream: &StreamName) -> Result<Option<Revision>> {
    let range = keys::stream_entries(stream.as_str());
    let mut pages = Pages::new(range, Direction::Forwards, PageLimit::entries(PAGE_ENTRIES));
    let (mut next, mut behind) = (None, None);
    while let Some(page) = pages.next(&*shared.engine.snapshot().await?).await? {
        for entry in &page.entries {
            let postings = Postings::parse_stream(entry)?;
            if next.is_some_and(|next| postings.first > next) {
                behind = Some(postings.first);
            }
            next = next.max(Some(postings.last().next()));
        }
    }
    Ok(behind)
}

/// Writes to the indexes, if no other import has continued this one.
pub(super) async fn write(shared: &Shared, mutations: Vec<Mutation>, check: &(Bytes, Bytes)) -> Result<()> {
    if mutations.is_empty() {
        return Ok(());
    }
    let (key, value) = check.clone();
    // Not durable: the commit that ends the import is durable, and comes later.
    let mut commit = Commit::relaxed().check(key, Some(value));
    commit.mutations = mutations;
    match shared.engine.commit(commit).await {
        Err(EngineError::Conflict) => Err(Error::Unavailable(
            "another import continued this one; start again".to_owned(),
        )),
        result => Ok(result?),
    }
}
