//! Takes events that were read into the work of the group. If the group parks the later events of a parked event's
//! stream, the stream of each event is looked up first.

use std::collections::VecDeque;

use annals_store::{EncodedEvent, ListState};
use foldhash::{HashMap, HashSet};
use futures::future::{BoxFuture, try_join_all};
use uuid::Uuid;

use super::{
    Leader,
    reader::{self, Read, ReadEvent},
};
use crate::groups::{
    error::Result,
    shared::Shared,
    stored::{Group, order_prefix},
    work::{FOLLOWS, Origin, Parking},
};

/// Events that were read and are not yet in the work.
#[derive(Default)]
pub(super) struct Admission {
    looking: Option<BoxFuture<'static, Result<LookedUp>>>,
    held: VecDeque<ReadEvent>,
    /// How far the log is read once all of them are in the work.
    held_to: Option<u64>,
    /// Of these events: what is ordered after a parked one.
    parked: HashSet<Uuid>,
}

/// Events with what is known about parked events before them.
pub(super) struct LookedUp {
    read: Read,
    parked: HashSet<Uuid>,
}

impl Admission {
    /// Whether the next events can be read.
    pub(super) fn is_idle(&self) -> bool {
        self.looking.is_none() && self.held.is_empty()
    }

    /// Waits for the look-up that is being made, if any. If the future is dropped, nothing is lost.
    pub(super) async fn done(&mut self) -> Result<LookedUp> {
        let Some(looking) = &mut self.looking else {
            return std::future::pending().await;
        };
        let looked_up = looking.await;
        self.looking = None;
        looked_up
    }

    fn hold(&mut self, looked_up: LookedUp) {
        self.held_to = Some(looked_up.read.read_to.0);
        self.held = looked_up.read.events.into();
        self.parked = looked_up.parked;
    }
}

impl Leader {
    /// Begins to take events.
    pub(super) fn admit(&mut self, read: Read) {
        let may_follow = self.group.settings.park_following && (self.parked > 0 || self.work.is_parking());
        if !may_follow {
            self.admission.hold(LookedUp {
                read,
                parked: HashSet::default(),
            });
            return;
        }
        // What is parked from now on is noted, because the look-up may not find it.
        self.work.note_parked();
        let (shared, group) = (std::sync::Arc::clone(&self.shared), self.group.clone());
        self.admission.looking = Some(Box::pin(async move {
            let parked = parked_orders(&shared, &group, &read.events).await?;
            Ok(LookedUp { read, parked })
        }));
    }

    pub(super) fn admitted(&mut self, looked_up: Result<LookedUp>) -> Result<()> {
        self.admission.hold(looked_up?);
        Ok(())
    }

    /// Takes events into the work as far as there is room.
    pub(super) fn admit_held(&mut self) {
        while self.work.has_room() {
            let Some(ReadEvent { event, order }) = self.admission.held.pop_front() else {
                if let Some(read_to) = self.admission.held_to.take() {
                    self.read_to = self.read_to.max(read_to);
                    self.work.forget_noted();
                }
                return;
            };
            self.read_to = event.position;
            let follows = order.is_some_and(|order| self.admission.parked.contains(&order));
            if follows || self.work.is_noted(event.lane) {
                self.work.admit_parked(event, order, self.follows());
            } else {
                self.work.admit(Origin::Log, event, order, 0);
            }
        }
    }

    fn follows(&self) -> Parking {
        Parking {
            reason: FOLLOWS.to_owned(),
            consumer: String::new(),
            at: self.shared.clock.now(),
        }
    }

    /// Takes events that were not done when the group was led before.
    pub(super) async fn admit_pending(
        &mut self,
        events: Vec<(u64, EncodedEvent)>,
        attempts: &HashMap<u64, u32>,
    ) -> Result<()> {
        let settings = &self.group.settings;
        let placed = events
            .into_iter()
            .map(|(_, event)| reader::placed(settings, event));
        let placed: Vec<_> = placed.collect::<std::result::Result<_, _>>()?;
        let parked = if settings.park_following && self.parked > 0 {
            parked_orders(&self.shared, &self.group, &placed).await?
        } else {
            HashSet::default()
        };
        for ReadEvent { event, order } in placed {
            let before = attempts.get(&event.position).copied().unwrap_or_default();
            if order.is_some_and(|order| parked.contains(&order)) {
                self.work.admit_parked(event, order, self.follows());
            } else {
                self.work.admit(Origin::Log, event, order, before);
            }
        }
        Ok(())
    }
}

/// Returns which of what these events are ordered by has parked events.
async fn parked_orders(shared: &Shared, group: &Group, events: &[ReadEvent]) -> Result<HashSet<Uuid>> {
    let orders: HashSet<Uuid> = events.iter().filter_map(|read| read.order).collect();
    let scope = group.scope();
    let look_up = |order: Uuid| {
        let list = ListState {
            scope: scope.clone(),
            prefix: order_prefix(order),
            after: None,
            limit: 1,
        };
        async move {
            let page = shared.store.list_state(&list).await?;
            Ok::<_, annals_store::Error>((!page.entries.is_empty()).then_some(order))
        }
    };
    let found = try_join_all(orders.into_iter().map(look_up)).await?;
    Ok(found.into_iter().flatten().collect())
}
