//! Encodes the bodies of an append's events, one after the other.

use bytes::BytesMut;

use super::{NewEvent, PreparedEvent};
use crate::format::record;

/// Events of an append with their encoded bodies.
pub(super) struct Prepared {
    pub(super) events: Vec<PreparedEvent>,
    pub(super) bodies: BytesMut,
}

impl Prepared {
    pub(super) fn for_events<'a>(events: impl Iterator<Item = &'a NewEvent> + Clone) -> Self {
        Self {
            events: Vec::with_capacity(events.clone().count()),
            bodies: BytesMut::with_capacity(events.map(record::body_len).sum()),
        }
    }

    /// Adds an event for one of the append's streams, for which the append has `nth` events before it.
    pub(super) fn push(&mut self, event: &NewEvent, stream: u32, nth: u32) {
        let start = self.bodies.len();
        let parts = record::put_body(&mut self.bodies, event);
        self.events.push(PreparedEvent {
            id: event.id,
            body: start..self.bodies.len(),
            parts,
            stream,
            nth,
        });
    }
}
