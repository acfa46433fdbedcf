//! Operations on a group through its leader.

use std::sync::Arc;

use annals_store::{ListState, StateChange, StateKey};
use prost::Message;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::session::Consumer;
use super::{Command, Handle, Status};
use crate::groups::{
    directory::{Start, put},
    error::{Error, Result},
    settings::GroupSettings,
    shared::Shared,
    stored::{
        Group, PARKED, StoredParked, order_key_of, parked_key, parse, position_of, replay_key, scope_of,
        scoped,
    },
};

/// The most events of a page, each of which is up to three changes.
const PAGE: usize = 300;

/// Selects parked events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Those at these positions, in ascending order without repetitions.
    Positions(Vec<u64>),
    /// Those of this stream.
    Stream(String),
    /// All.
    All,
}

/// What is done with parked events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::groups) enum Operation {
    Discard,
    /// They are delivered by the group with this id.
    Replay(Uuid),
}

/// Some parked events with which something is done, to be stored in one write.
pub(super) struct Page {
    events: Vec<(u64, StoredParked)>,
    operation: Operation,
    reply: oneshot::Sender<()>,
}

impl Page {
    pub(super) fn len(&self) -> u64 {
        self.events.len() as u64
    }

    pub(super) fn changes(&self, group: &Group, changes: &mut Vec<StateChange>) {
        let delete = |key: String| StateChange {
            entry: group.entry(&key),
            value: None,
        };
        for (position, parked) in &self.events {
            changes.push(delete(parked_key(*position)));
            if let Ok(order) = Uuid::from_slice(&parked.order) {
                changes.push(delete(order_key_of(order, *position)));
            }
            if let Operation::Replay(to) = self.operation {
                let entry = scoped(&scope_of(to), &replay_key(*position));
                changes.push(put(entry, parked.encode_to_vec()));
            }
        }
    }

    pub(super) fn stored(self) {
        let _ = self.reply.send(());
    }
}

impl Handle {
    async fn call<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T> {
        let (reply, result) = oneshot::channel();
        let stopped = || Error::Unavailable(String::new());
        self.commands.send(command(reply)).await.map_err(|_| stopped())?;
        result.await.map_err(|_| stopped())
    }

    pub(in crate::groups) async fn join(&self, name: String, permits: u32) -> Result<Consumer> {
        self.call(|reply| Command::Join { name, permits, reply }).await?
    }

    pub(in crate::groups) async fn status(&self) -> Result<Status> {
        self.call(Command::Describe).await
    }

    pub(in crate::groups) async fn update(
        &self,
        settings: GroupSettings,
        expected: Option<u64>,
    ) -> Result<Group> {
        let command = |reply| Command::Update {
            settings,
            expected,
            reply,
        };
        self.call(command).await?
    }

    pub(in crate::groups) async fn delete(&self) -> Result<bool> {
        self.call(Command::Delete).await?
    }

    pub(in crate::groups) async fn reset(&self, start: Start) -> Result<u64> {
        self.call(|reply| Command::Reset { start, reply }).await?
    }

    /// Looks for events to replay that another group has given to this one.
    pub(in crate::groups) async fn look_for_replays(&self) {
        let _ = self.commands.send(Command::Replay).await;
    }

    /// Does something with parked events, page by page, and returns with how many.
    pub(in crate::groups) async fn with_parked(
        &self,
        shared: &Arc<Shared>,
        group: &Group,
        selection: &Selection,
        operation: &Operation,
    ) -> Result<u64> {
        // One after the other, so that no two have the same event in their pages.
        let _turn = self.operations.lock().await;
        let (mut count, mut after, mut has_more) = (0, None, true);
        while has_more {
            let events;
            (events, has_more) = page(shared, group, selection, &mut after).await?;
            if events.is_empty() {
                continue;
            }
            count += events.len() as u64;
            let operation = operation.clone();
            let command = |reply| {
                Command::Page(Page {
                    events,
                    operation,
                    reply,
                })
            };
            self.call(command).await?;
        }
        Ok(count)
    }
}

/// Returns the next selected events, and whether more may follow.
async fn page(
    shared: &Shared,
    group: &Group,
    selection: &Selection,
    after: &mut Option<StateKey>,
) -> Result<(Vec<(u64, StoredParked)>, bool)> {
    if let Selection::Positions(positions) = selection {
        let last = after.take();
        let is_later = |position: &&u64| {
            last.as_ref()
                .is_none_or(|last| parked_key(**position).as_str() > last.as_str())
        };
        let mut rest = positions.iter().filter(is_later).peekable();
        let mut events = Vec::new();
        for position in rest.by_ref().take(PAGE) {
            let entry = group.entry(&parked_key(*position));
            if let Some(found) = shared.store.state(&entry).await?.0 {
                events.push((*position, parse(&found.value)?));
            }
            *after = Some(entry.key);
        }
        return Ok((events, rest.peek().is_some()));
    }
    let list = ListState {
        scope: group.scope(),
        prefix: PARKED.to_owned(),
        after: after.take(),
        limit: PAGE,
    };
    let page = shared.store.list_state(&list).await?;
    *after = page.entries.last().map(|entry| entry.key.clone());
    let mut events = Vec::with_capacity(page.entries.len());
    for entry in &page.entries {
        let parked: StoredParked = parse(&entry.value)?;
        if matches!(selection, Selection::Stream(stream) if *stream != parked.stream) {
            continue;
        }
        events.push((position_of(&entry.key)?, parked));
    }
    Ok((events, page.has_more))
}
