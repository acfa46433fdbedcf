//! Parked events that are to be delivered again.

use std::{collections::BTreeSet, sync::Arc};

use annals_store::{EncodedEvent, ListState};
use foldhash::HashMap;
use futures::future::BoxFuture;

use super::{Leader, reader};
use crate::groups::{
    directory,
    error::Result,
    shared::Shared,
    stored::{Group, REPLAY, position_of},
    work::{Origin, Work},
};

/// The most events that are loaded at a time.
const PAGE: usize = 256;

/// Which of the events to replay are in the work, and which are being loaded.
#[derive(Default)]
pub(super) struct Replays {
    /// Positions of events whose entry exists, and that are in the work or done.
    known: BTreeSet<u64>,
    has_more: bool,
    loading: Option<BoxFuture<'static, Result<Loaded>>>,
}

/// Events to replay.
pub(super) struct Loaded {
    /// Those at which there is no event any more are `None`.
    events: Vec<(u64, Option<EncodedEvent>)>,
    has_more: bool,
}

impl Replays {
    /// Notes that there may be more of them.
    pub(super) const fn look(&mut self) {
        self.has_more = true;
    }

    /// Forgets events whose entries are deleted.
    pub(super) fn done(&mut self, positions: impl Iterator<Item = u64>) {
        for position in positions {
            self.known.remove(&position);
        }
    }

    /// Begins to load some if there may be more, and room for them.
    pub(super) fn load(&mut self, shared: &Arc<Shared>, group: &Group, work: &Work) {
        if !self.has_more || self.loading.is_some() || !work.has_room_for_replay() {
            return;
        }
        self.has_more = false;
        let (shared, group, known) = (Arc::clone(shared), group.clone(), self.known.clone());
        self.loading = Some(Box::pin(load(shared, group, known)));
    }

    /// Waits for the events that are being loaded, if any. If the future is dropped, nothing is lost.
    pub(super) async fn loaded(&mut self) -> Result<Loaded> {
        let Some(loading) = &mut self.loading else {
            return std::future::pending().await;
        };
        let loaded = loading.await;
        self.loading = None;
        loaded
    }
}

impl Leader {
    /// Takes loaded events into the work.
    pub(super) fn replay(&mut self, loaded: Result<Loaded>) -> Result<()> {
        let Loaded { events, has_more } = loaded?;
        self.replays.has_more |= has_more;
        for (position, event) in events {
            self.replays.known.insert(position);
            match event {
                Some(event) => {
                    let placed = reader::placed(&self.group.settings, event)?;
                    self.work.admit(Origin::Replay, placed.event, placed.order, 0);
                }
                None => self.work.skip_replay(position),
            }
        }
        Ok(())
    }
}

async fn load(shared: Arc<Shared>, group: Group, known: BTreeSet<u64>) -> Result<Loaded> {
    let mut list = ListState {
        scope: group.scope(),
        prefix: REPLAY.to_owned(),
        after: None,
        limit: PAGE,
    };
    let (mut positions, mut has_more) = (Vec::new(), true);
    while has_more && positions.len() < PAGE {
        let page = shared.store.list_state(&list).await?;
        for entry in &page.entries {
            let position = position_of(&entry.key)?;
            if !known.contains(&position) {
                positions.push(position);
            }
        }
        has_more = page.has_more;
        list.after = page.entries.last().map(|entry| entry.key.clone());
    }
    let found: HashMap<_, _> = directory::events_at(&shared, &positions)
        .await?
        .into_iter()
        .collect();
    let events = positions
        .into_iter()
        .map(|position| (position, found.get(&position).cloned()));
    Ok(Loaded {
        events: events.collect(),
        has_more,
    })
}
