//! A consumer's side of the leader: what it is sent, and what it says.

use std::collections::HashMap;

use annals_store::EncodedEvent;
use tokio::{
    sync::{mpsc, oneshot},
    time::Duration,
};

use super::{Command, Handle};
use crate::groups::{
    error::{Error, Result},
    settings::GroupSettings,
    work::{self, Action, ConsumerId, Delivery, Settlement, Told, WithdrawalReason},
};

/// The most messages for a consumer that wait to be sent.
const MESSAGES_MAX: usize = 8;

/// A message to a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerMessage {
    /// It became the active consumer of an exclusive group, or stands by.
    Active(bool),
    /// The next deliveries.
    Deliveries(Vec<ConsumerDelivery>),
    /// Deliveries that it no longer holds.
    Withdrawn(WithdrawalReason, Vec<u64>),
}

/// An event that a consumer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerDelivery {
    /// Id of the delivery.
    pub id: u64,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// The event.
    pub event: EncodedEvent,
}

/// What happens to deliveries that were not processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NackAction {
    /// They are retried after this time, or after the group's delay.
    Retry(Option<Duration>),
    /// They are parked.
    Park,
    /// They are done.
    Skip,
    /// They are returned to the group; the attempt does not count.
    Release,
}

/// Deliveries that were not processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nack {
    /// Ids of the deliveries.
    pub deliveries: Vec<u64>,
    /// Why.
    pub reason: String,
    /// What happens to them.
    pub action: NackAction,
}

/// What a consumer says about its deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settle {
    /// Ids of deliveries that were processed.
    pub acks: Vec<u64>,
    /// Deliveries that were not.
    pub nacks: Vec<Nack>,
    /// Ids of deliveries whose ack timeout begins again.
    pub extensions: Vec<u64>,
    /// The most deliveries that it holds from now on.
    pub permits: Option<u32>,
}

/// A consumer that is connected to the leader. Dropping it returns its deliveries to the group.
pub struct Consumer {
    id: ConsumerId,
    handle: Handle,
    messages: mpsc::Receiver<Result<ConsumerMessage>>,
    settings: GroupSettings,
    is_active: bool,
    has_left: bool,
}

/// Sends to a consumer what its [`Consumer`] receives.
pub(super) struct Outlet {
    messages: mpsc::Sender<Result<ConsumerMessage>>,
    /// What is reported to it once there is space. Ids of what it held, so not more than was sent to it.
    waiting: HashMap<WithdrawalReason, Vec<u64>>,
    /// Whether it is to be told that it is active.
    active: Option<bool>,
}

pub(super) fn open(
    id: ConsumerId,
    handle: Handle,
    settings: GroupSettings,
    is_active: bool,
) -> (Outlet, Consumer) {
    let (messages, received) = mpsc::channel(MESSAGES_MAX);
    let outlet = Outlet {
        messages,
        waiting: HashMap::new(),
        active: None,
    };
    let consumer = Consumer {
        id,
        handle,
        messages: received,
        settings,
        is_active,
        has_left: false,
    };
    (outlet, consumer)
}

impl Outlet {
    /// Whether deliveries can be sent. The last place is kept for the error with which it ends.
    pub(super) fn has_space(&self) -> bool {
        self.waiting.is_empty() && self.active.is_none() && self.messages.capacity() > 1
    }

    pub(super) fn tell(&mut self, told: Told) {
        match told {
            Told::Withdrawn(reason, deliveries) => self.waiting.entry(reason).or_default().extend(deliveries),
            Told::Active => self.active = Some(true),
            Told::StandsBy => self.active = Some(false),
        }
        self.flush();
    }

    /// Sends what waits as far as there is space.
    pub(super) fn flush(&mut self) {
        while self.messages.capacity() > 1 {
            let message = if let Some(reason) = self.waiting.keys().next().copied() {
                let deliveries = self.waiting.remove(&reason).unwrap_or_default();
                ConsumerMessage::Withdrawn(reason, deliveries)
            } else if let Some(is_active) = self.active.take() {
                ConsumerMessage::Active(is_active)
            } else {
                return;
            };
            // If it has left, that is noticed elsewhere.
            let _ = self.messages.try_send(Ok(message));
        }
    }

    pub(super) fn deliver(&mut self, deliveries: Vec<Delivery>) {
        let given = |Delivery { id, attempt, event }| ConsumerDelivery { id, attempt, event };
        let message = ConsumerMessage::Deliveries(deliveries.into_iter().map(given).collect());
        let _ = self.messages.try_send(Ok(message));
    }

    /// Ends the consumer with an error.
    pub(super) fn end(self, error: Error) {
        let _ = self.messages.try_send(Err(error));
    }
}

impl Consumer {
    /// Returns the settings of the group when the consumer joined.
    #[must_use]
    pub const fn settings(&self) -> &GroupSettings {
        &self.settings
    }

    /// Whether it got events when it joined; false if it stood by.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.is_active
    }

    /// Returns the next message. If the future is dropped, nothing is lost.
    ///
    /// # Errors
    /// The error with which the consumer ends; [`Error::Unavailable`] if the leader has stopped.
    pub async fn next(&mut self) -> Result<ConsumerMessage> {
        match self.messages.recv().await {
            Some(message) => message,
            None => Err(Error::Unavailable(String::new())),
        }
    }

    /// Returns what settles its deliveries, so that both sides can be used at the same time.
    #[must_use]
    pub fn settler(&self) -> Settler {
        Settler {
            id: self.id,
            handle: self.handle.clone(),
        }
    }

    /// Leaves the group: returns what it still holds, and waits until what it has settled is stored.
    pub async fn leave(mut self) {
        self.has_left = true;
        let (reply, stored) = oneshot::channel();
        let leave = Command::Leave {
            consumer: self.id,
            reply,
        };
        if self.handle.commands.send(leave).await.is_ok() {
            let _ = stored.await;
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if !self.has_left {
            let _ = self.handle.left.send(self.id);
        }
    }
}

/// Settles the deliveries of a consumer.
#[derive(Clone)]
pub struct Settler {
    id: ConsumerId,
    handle: Handle,
}

impl Settler {
    /// Settles deliveries. Waits if the leader is busy.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the leader has stopped.
    pub async fn settle(&self, settle: Settle) -> Result<()> {
        let nack = |nack: Nack| work::Nack {
            deliveries: nack.deliveries,
            reason: nack.reason,
            action: match nack.action {
                NackAction::Retry(after) => Action::Retry(after),
                NackAction::Park => Action::Park,
                NackAction::Skip => Action::Skip,
                NackAction::Release => Action::Release,
            },
        };
        let command = Command::Settle {
            consumer: self.id,
            permits: settle.permits,
            settlement: Settlement {
                acks: settle.acks,
                nacks: settle.nacks.into_iter().map(nack).collect(),
                extensions: settle.extensions,
            },
        };
        let sent = self.handle.commands.send(command).await;
        sent.map_err(|_| Error::Unavailable(String::new()))
    }
}
