//! A step: the events at some dead positions are removed from their frames and from the lists.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::Bound,
    sync::Arc,
};

use annals_engine::{Direction, Mutation};

use super::{lists::Listed, receipts, rewrite::rewrite, work::Work};
use crate::{
    format::{frame::Frame, keys, record::View},
    model::{
        error::{Error, Result},
        log,
    },
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision},
    },
};

/// Maximum bytes of frames that are read for a step, apart from the last page. A commit has at most about as many.
/// Appends wait for a commit, so it is small.
pub(super) const STEP_BYTES_MAX: usize = 1 << 20;
/// Bytes of frames that are read at a time: few where dead events are far from each other, more where they are not.
const PAGE_BYTES_MIN: usize = 8 << 10;
const PAGE_BYTES_MAX: usize = 256 << 10;

/// The changes of a step.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub mutations: Vec<Mutation>,
    /// Number of events that are removed.
    pub events: u64,
    /// Bytes of frames that are removed.
    pub bytes: u64,
    /// Number of removed events that begin an append so recent that it is still recognised by its id.
    pub ids_kept: u64,
    /// Position up to which the dead events of the round are done.
    pub through: Position,
}

/// Returns the next step of a round, after a position; `None` at its end.
pub(super) async fn next(shared: &Shared, work: &Work, behind: Position) -> Result<Option<Step>> {
    let Some(through) = work
        .dead
        .range((Bound::Excluded(behind), Bound::Unbounded))
        .take(shared.settings.scavenge_step_events.max(1))
        .last()
    else {
        return Ok(None);
    };
    let (frames, through) = frames(shared, work, behind, *through).await?;
    let mut step = Step {
        through,
        ..Step::default()
    };
    let dead: BTreeSet<Position> = work
        .dead
        .range((Bound::Excluded(behind), Bound::Included(through)))
        .copied()
        .collect();
    let mut listed = Listed::default();
    for run in frames.chunk_by(|a, b| a.last.next() == b.first) {
        for frame in run {
            list(frame, &dead, &work.floors, &mut listed)?;
        }
        let rewritten = rewrite(run, &dead)?;
        // Receipts come before the mutations of the lists, which remove the entries of completely removed appends.
        step.mutations
            .extend(receipts::of(shared, &rewritten.deleted).await?);
        step.events += rewritten.events;
        step.bytes += rewritten.bytes();
        for frame in &rewritten.deleted {
            let chunks = 0..frame.chunks();
            step.mutations
                .extend(chunks.map(|chunk| Mutation::Clear(keys::frame(frame.last, chunk))));
        }
        let values = rewritten.written.iter().flat_map(Frame::to_values);
        step.mutations
            .extend(values.map(|(key, value)| Mutation::Set(key, value)));
        tokio::task::yield_now().await;
    }
    let unlisted = listed.mutations(shared, &work.dead).await?;
    step.mutations.extend(unlisted.mutations);
    step.ids_kept = unlisted.ids_kept;
    Ok(Some(step))
}

/// Returns the frames that contain the dead positions after one position up to another, in order and without
/// duplicates, with neighbours; and the position up to which they contain all of them.
async fn frames(
    shared: &Shared,
    work: &Work,
    behind: Position,
    through: Position,
) -> Result<(Vec<Arc<Frame>>, Position)> {
    let mut frames: Vec<Arc<Frame>> = Vec::new();
    let (mut reached, mut bytes, mut page_bytes) = (behind, 0, PAGE_BYTES_MIN);
    let left = |reached: Position| {
        let mut left = work
            .dead
            .range((Bound::Excluded(reached), Bound::Included(through)));
        left.next().copied()
    };
    while bytes < STEP_BYTES_MAX
        && let Some(next) = left(reached)
    {
        let is_near = frames.last().is_some_and(|frame| frame.last.next() >= next);
        page_bytes = if is_near {
            (page_bytes * 2).min(PAGE_BYTES_MAX)
        } else {
            PAGE_BYTES_MIN
        };
        // Reads from the neighbour on, which may be a dead range that this one continues.
        let seen = frames.last().map_or(Position::START, |frame| frame.last);
        let from = Position(next.0 - 1).max(seen.next());
        let snapshot = shared.engine.snapshot().await?;
        let page = log::page_in(&*snapshot, from, Direction::Forwards, page_bytes).await?;
        let last = frames.len();
        frames.extend(
            log::share(page)
                .into_iter()
                .filter(|frame| frame.last <= work.horizon),
        );
        // The neighbour alone may fill the page; then the next page begins after it.
        let Some(end) = frames[last..].last().map(|frame| frame.last) else {
            return Err(Error::Corrupt(format!("no event is stored at position {next}")));
        };
        bytes += frames[last..]
            .iter()
            .map(|frame| frame.stored_bytes())
            .sum::<usize>();
        reached = end.min(through);
    }
    Ok((frames, reached))
}

/// Adds a frame's dead events to the lists that contain them, after verifying that they are dead.
fn list(
    frame: &Frame,
    dead: &BTreeSet<Position>,
    floors: &HashMap<StreamName, Revision>,
    listed: &mut Listed,
) -> Result<()> {
    if dead.range(frame.first..=frame.last).next().is_none() {
        return Ok(());
    }
    let mut begin: Option<HashSet<Position>> = None;
    if !frame.is_scavenged() {
        let parts = receipts::parts(frame)?.into_iter();
        let begun = parts.filter(|part| !part.continued);
        begin = Some(begun.map(|part| part.from).collect());
    }
    let mut entries = frame.entries();
    while let Some(record) = entries.next_record()? {
        let event = View::parse(record)?;
        if !dead.contains(&event.position) {
            continue;
        }
        if floors
            .get(&StreamName::trusted(event.stream))
            .is_none_or(|floor| event.revision >= *floor)
        {
            return Err(Error::Corrupt(format!(
                "the index states that the event at position {} is removed, but it is revision {} of stream {:?}",
                event.position, event.revision, event.stream
            )));
        }
        // A rewritten frame does not show with which events appends begin.
        let may_begin = begin.as_ref().is_none_or(|begin| begin.contains(&event.position));
        listed.add(&event, may_begin)?;
    }
    Ok(())
}
