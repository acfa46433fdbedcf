//! The leader's dealings with consumers: who joins and leaves, what they settle, what they get.

use tokio::{sync::oneshot, time::Instant};

use super::{
    CONSUMERS_MAX, Handle, Leader,
    session::{self, Consumer, Outlet},
    storing,
};
use crate::groups::{
    error::{Error, Result},
    work::{ConsumerId, Settlement, Told},
};
use std::sync::Arc;

impl Leader {
    pub(super) fn join(&mut self, name: &str, permits: u32) -> Result<Consumer> {
        if self.outlets.len() >= CONSUMERS_MAX {
            return Err(Error::Overloaded("consumers of one group"));
        }
        let commands = self
            .handle
            .upgrade()
            .ok_or_else(|| Error::Unavailable(self.group.name.clone()))?;
        let joined = self
            .work
            .join(name, permits, self.shared.nonce(), self.shared.clock.now());
        if let Some(replaced) = joined.replaced
            && let Some(outlet) = self.outlets.remove(&replaced)
        {
            outlet.end(Error::Replaced(name.to_owned()));
        }
        let handle = Handle {
            commands,
            left: self.left_handle.clone(),
            operations: Arc::clone(&self.operations),
        };
        let (outlet, consumer) =
            session::open(joined.id, handle, self.group.settings.clone(), joined.is_active);
        self.outlets.insert(joined.id, outlet);
        Ok(consumer)
    }

    pub(super) fn settle(&mut self, id: ConsumerId, settlement: Settlement, permits: Option<u32>) {
        let (now, at) = (Instant::now(), self.shared.clock.now());
        if let Some(permits) = permits {
            self.work.set_permits(id, permits);
        }
        if let Err(unknown) = self.work.settle(id, settlement, now, at) {
            self.work.leave(id, false, at);
            if let Some(outlet) = self.outlets.remove(&id) {
                outlet.end(Error::UnknownDelivery(unknown.0));
            }
        }
    }

    pub(super) fn leave(&mut self, id: ConsumerId) {
        self.work.leave(id, false, self.shared.clock.now());
        self.outlets.remove(&id);
    }

    pub(super) fn leave_gracefully(&mut self, id: ConsumerId, reply: oneshot::Sender<()>) {
        self.work.leave(id, true, self.shared.clock.now());
        self.outlets.remove(&id);
        self.storing.after_next(storing::Waiter::Left(reply));
    }

    /// Reports to consumers what has become of their deliveries.
    pub(super) fn tell(&mut self) {
        for (id, told) in self.work.take_told() {
            self.tell_one(id, told);
        }
        for outlet in self.outlets.values_mut() {
            outlet.flush();
        }
    }

    pub(super) fn tell_one(&mut self, id: ConsumerId, told: Told) {
        if let Some(outlet) = self.outlets.get_mut(&id) {
            outlet.tell(told);
        }
    }

    pub(super) fn deliver(&mut self, now: Instant, at: annals_store::Timestamp) {
        loop {
            let outlets = &self.outlets;
            let has_space = |id: ConsumerId| outlets.get(&id).is_some_and(Outlet::has_space);
            let given = self.work.dispatch(now, at, has_space);
            if given.is_empty() {
                return;
            }
            for (id, deliveries) in given {
                self.delivered += deliveries.len() as u64;
                if let Some(outlet) = self.outlets.get_mut(&id) {
                    outlet.deliver(deliveries);
                }
            }
        }
    }
}
