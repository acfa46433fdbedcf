//! Appends of events as clients encode them. An event is stored with the same fields, numbers and order in which it is sent,
//! so nearly always what was sent is stored as it is, and need not be decoded to be encoded again.

use bytes::BytesMut;

use super::{Append, PreparedEvent, Target, event, number};
use crate::{
    append::Expected,
    limits::{self, Limits},
    name::StreamName,
    one_or_more::OneOrMore,
    record,
};

impl Append {
    /// The same as [`Append::new`], of events each of which is an `annals.v1.NewEvent` in its encoding.
    ///
    /// `None`: they can't be taken as they are, because an event is encoded in another way than the store would, has no id,
    /// or is not within the limits. Decode them, and [`Append::new`] takes them or tells what is wrong.
    #[must_use]
    pub fn of_encoded<'a>(
        stream: StreamName,
        expected: Expected,
        events: impl Iterator<Item = &'a [u8]> + Clone,
        limits: &Limits,
    ) -> Option<Self> {
        let (count, len) = events
            .clone()
            .fold((0, 0), |(count, len), event| (count + 1, len + event.len()));
        if count == 0 || count > limits::APPEND_EVENTS_MAX || len > limits.append_bytes_max {
            return None;
        }
        let mut prepared = Vec::with_capacity(count);
        let mut bodies = BytesMut::with_capacity(len);
        let mut bytes = 0;
        for (nth, body) in events.enumerate() {
            let id = record::plain_id(body, limits)?;
            bytes += record::entry_len_max(body.len(), &stream);
            let start = bodies.len();
            bodies.extend_from_slice(body);
            prepared.push(PreparedEvent {
                id,
                body: start..bodies.len(),
                stream: 0,
                nth: number(nth),
            });
        }
        let ids = prepared.iter().map(|event| event.id);
        if bytes > limits.append_bytes_max || event::repeated_id(ids, count).is_some() {
            return None;
        }
        let target = Target {
            stream,
            events: number(count),
        };
        Some(Self {
            targets: OneOrMore::one(target),
            expected,
            expects: true,
            events: prepared,
            bodies: bodies.freeze(),
            bytes,
            checks: Vec::new(),
            recorded_at: None,
        })
    }
}
