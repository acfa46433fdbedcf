//! Appends of events as clients encode them. An event is stored with the same fields, numbers and order in which it
//! is sent, so it can nearly always be stored as received, without being decoded and encoded again.

use std::ops::Range;

use bytes::Bytes;
use smallvec::smallvec;

use super::{Append, PreparedEvent, Searched, Target, event, number};
use crate::{
    format::record,
    values::{
        expected::Expected,
        limits::{self, Limits},
        name::StreamName,
    },
};

impl Append {
    /// Creates an append like [`Append::new`], from events each of which is an encoded `annals.v1.NewEvent`. `events`
    /// yields their ranges in `bodies`, one after the other with no more between them than the key and length of a
    /// field, or `None` if something else follows. `bodies` is kept for as long as the append waits.
    ///
    /// Returns `None` if the events can't be stored as received, because an event is encoded in another way than the
    /// store would, has no id, or is not within the limits. Decode them in that case: [`Append::new`] accepts them or
    /// reports what is wrong.
    #[must_use]
    pub fn of_encoded(
        stream: StreamName,
        expected: Expected,
        bodies: Bytes,
        events: impl Iterator<Item = Option<Range<usize>>>,
        limits: &Limits,
    ) -> Option<Self> {
        let mut prepared = Vec::new();
        let mut bytes = 0;
        for (nth, body) in events.enumerate() {
            let body = body?;
            if nth == limits::APPEND_EVENTS_MAX {
                return None;
            }
            let (id, parts) = record::plain(bodies.get(body.clone())?, limits)?;
            if nth == 0 {
                // The events of an append are mostly about as large as its first.
                let count = bodies.len() / body.len();
                prepared.reserve_exact(count.clamp(1, limits::APPEND_EVENTS_MAX));
            }
            bytes += record::entry_len_max(body.len(), &stream);
            prepared.push(PreparedEvent {
                id,
                body,
                parts,
                stream: 0,
                nth: number(nth),
            });
        }
        let count = prepared.len();
        let ids = prepared.iter().map(|event| event.id);
        if count == 0 || bytes > limits.append_bytes_max || event::repeated_id(ids, count).is_some() {
            return None;
        }
        let target = Target {
            stream,
            events: number(count),
        };
        Some(Self {
            targets: smallvec![target],
            expected,
            expects: true,
            events: prepared,
            bodies,
            bytes,
            checks: Vec::new(),
            searched: Searched::default(),
            recorded_at: None,
            state: None,
        })
    }
}
