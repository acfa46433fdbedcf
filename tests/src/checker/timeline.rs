//! Bounds the log prefixes that a response may reflect.
//!
//! - `floor(m)`: known at the moment `m`. Every event that was acknowledged, read or delivered to any client by then
//!   was in the log, and so was everything before it.
//! - `ceiling(m)`: possible at `m`. An event is stored only after it was sent, and after all events before it; so the
//!   log reached at most the first event that had not been sent.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    AppendAnswer, AppendCall, Check, FailedCheck, Found, History, Moment, Observed, ReadAnswer, Refusal,
};

pub(super) struct Timeline<'a> {
    pub log: &'a [Observed],
    /// Positions of each stream's events, by revision.
    streams: HashMap<&'a str, Vec<u64>>,
    /// Positions of each id.
    ids: HashMap<Uuid, Vec<u64>>,
    /// Moments in ascending order, each with the position that the log was known to reach from then on.
    known: Vec<(Moment, u64)>,
    /// For each position, the moment at which the last of the events up to it was first sent.
    sent: Vec<Moment>,
}

impl<'a> Timeline<'a> {
    /// Builds the timeline of a whole history. The log must be dense.
    pub(super) fn new(history: &History, log: &'a [Observed]) -> Self {
        let mut timeline = Self::of(log);
        let known = timeline.known_moments(history);
        let sent = history.appends.iter().flat_map(|call| {
            let events = call.each();
            events.map(|(stream, event)| (stream, event.id, call.invoked))
        });
        timeline.set(known, sent);
        timeline
    }

    /// A timeline in which nothing is known yet, and nothing sent.
    pub(super) fn of(log: &'a [Observed]) -> Self {
        let mut streams: HashMap<&str, Vec<u64>> = HashMap::new();
        let mut ids: HashMap<Uuid, Vec<u64>> = HashMap::new();
        for event in log {
            streams.entry(&event.stream).or_default().push(event.position);
            ids.entry(event.id).or_default().push(event.position);
        }
        Self {
            log,
            streams,
            ids,
            known: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Sets when the log was known to reach which position, and which events were sent to which stream, earliest
    /// first.
    pub(super) fn set<'s>(
        &mut self,
        mut known: Vec<(Moment, u64)>,
        sent: impl Iterator<Item = (&'s str, Uuid, Moment)>,
    ) {
        known.sort_unstable();
        let mut highest = 0;
        for (_, position) in &mut known {
            // Reports of positions that do not exist are found elsewhere.
            highest = highest.max((*position).min(self.log.len() as u64));
            *position = highest;
        }
        self.known = known;
        let mut first_sent: HashMap<(&str, Uuid), Moment> = HashMap::new();
        for (stream, id, at) in sent {
            // Calls are in the order of their invocation, so the first one is the earliest.
            first_sent.entry((stream, id)).or_insert(at);
        }
        let mut latest = 0;
        let moments = self.log.iter().map(|event| {
            latest = latest.max(*first_sent.get(&(event.stream.as_str(), event.id)).unwrap_or(&0));
            latest
        });
        self.sent = moments.collect();
    }

    fn known_moments(&self, history: &History) -> Vec<(Moment, u64)> {
        let mut known = Vec::new();
        for call in &history.appends {
            match &call.answered {
                Some((at, AppendAnswer::Acknowledged(placed))) => known.push((*at, placed.last_position)),
                Some((at, AppendAnswer::Rejected(Refusal::Revision { actual: Some(actual) }))) => {
                    known.extend(
                        self.position(&call.stream, *actual)
                            .map(|position| (*at, position)),
                    );
                }
                Some((at, AppendAnswer::Rejected(Refusal::Id { position, .. }))) => {
                    known.push((*at, *position))
                }
                Some((at, AppendAnswer::Rejected(Refusal::BeyondHead { head, .. }))) => {
                    known.push((*at, *head));
                }
                Some((at, AppendAnswer::Rejected(Refusal::Checks(failed)))) => {
                    let found = failed.iter().filter_map(|failed| self.found(call, failed));
                    known.extend(found.map(|position| (*at, position)));
                }
                _ => {}
            }
        }
        for call in &history.reads {
            if let Some((at, ReadAnswer::Events { head, .. })) = &call.answered {
                known.push((*at, *head));
            }
        }
        for (at, notice) in history.subscriptions.iter().flat_map(|call| &call.notices) {
            known.extend(notice.place().map(|place| (*at, place)));
        }
        for call in &history.looks {
            if let Some((at, streams)) = &call.answered {
                known.extend(streams.iter().map(|stream| (*at, stream.last_position)));
            }
        }
        known
    }

    /// The position of the event that a failed check reported.
    fn found(&self, call: &AppendCall, failed: &FailedCheck) -> Option<u64> {
        match (failed.found, call.checks.as_ref()?.get(failed.index)?) {
            (Found::Match(position), _) => Some(position),
            (Found::Last(last), Check::Stream { stream, .. }) => self.position(stream, last?),
            (Found::Last(_), Check::NoMatch { .. }) => None,
        }
    }

    /// The position that the log was known to reach.
    pub(super) fn floor(&self, at: Moment) -> u64 {
        let before = self.known.partition_point(|(moment, _)| *moment < at);
        before.checked_sub(1).map_or(0, |index| self.known[index].1)
    }

    /// The greatest position that the log can have reached.
    pub(super) fn ceiling(&self, at: Moment) -> u64 {
        self.sent.partition_point(|sent| *sent < at) as u64
    }

    /// The event at a position.
    pub(super) fn at(&self, position: u64) -> Option<&'a Observed> {
        self.log.get(usize::try_from(position.checked_sub(1)?).ok()?)
    }

    /// The positions of an id.
    pub(super) fn positions(&self, id: Uuid) -> &[u64] {
        self.ids.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Positions of a stream's events, by revision.
    pub(super) fn stream(&self, stream: &str) -> &[u64] {
        self.streams.get(stream).map_or(&[], Vec::as_slice)
    }

    /// The names of all streams, in no order.
    pub(super) fn stream_names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.streams.keys().copied()
    }

    /// The position of a revision of a stream.
    pub(super) fn position(&self, stream: &str, revision: u64) -> Option<u64> {
        self.stream(stream).get(usize::try_from(revision).ok()?).copied()
    }

    /// A stream's last revision when the log ended at a position.
    pub(super) fn last_revision(&self, stream: &str, position: u64) -> Option<u64> {
        let events = self.stream(stream).partition_point(|place| *place <= position);
        (events as u64).checked_sub(1)
    }
}
