//! Removes the beginning of a stream's events independently of its settings: for a log that is moved here, if the
//! source removed these events meanwhile.

use annals_engine::{Commit, Direction, KeyRange, Mutation, PageLimit};
use bytes::Bytes;

use super::{
    step::{self, Step},
    work::Work,
};
use crate::{
    format::keys,
    index::Postings,
    model::error::{Error, Result},
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision},
    },
};

/// Number of list entries whose events are removed together: at most about 80,000 events.
const ROUND_ENTRIES: usize = 10;

/// Removes the events of a stream before a revision at which an entry of its list begins, from frames and indexes.
/// The whole log must be indexed on disk. `check`: a key and the value it must have, otherwise nothing is removed.
pub(crate) async fn remove_beginning(
    shared: &Shared,
    stream: &StreamName,
    before: Revision,
    check: &(Bytes, Bytes),
) -> Result<()> {
    let all = keys::stream_entries(stream.as_str());
    let range = KeyRange::new(all.start, keys::stream(stream.as_str(), before));
    let limit = PageLimit::entries(ROUND_ENTRIES);
    loop {
        let snapshot = shared.engine.snapshot().await?;
        let page = snapshot.range(range.clone(), Direction::Forwards, limit).await?;
        drop(snapshot);
        if page.entries.is_empty() {
            return Ok(());
        }
        let mut work = Work {
            horizon: shared.tail.head_position(),
            ..Work::default()
        };
        work.floors.insert(stream.clone(), before);
        let mut cut = Vec::new();
        for entry in page.entries {
            let postings = Postings::parse_stream(&entry)?;
            work.dead.extend(postings.positions);
            cut.push(Mutation::Clear(entry.key));
        }
        let mut behind = Position::START;
        while let Some(Step {
            through, mutations, ..
        }) = step::next(shared, &work, behind).await?
        {
            behind = through;
            commit(shared, mutations, check).await?;
        }
        commit(shared, cut, check).await?;
    }
}

async fn commit(shared: &Shared, mutations: Vec<Mutation>, check: &(Bytes, Bytes)) -> Result<()> {
    if mutations.is_empty() {
        return Ok(());
    }
    let (key, value) = check.clone();
    let mut commit = Commit::relaxed().check(key, Some(value));
    commit.mutations = mutations;
    match shared.engine.commit(commit).await {
        Err(annals_engine::Error::Conflict) => Err(Error::Unavailable(
            "another import continued this one; start again".to_owned(),
        )),
        result => Ok(result?),
    }
}
