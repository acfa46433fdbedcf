//! Judges what consumers of a group saw. Knows only what was sent and received, and which faults there were.
//!
//! 1. Every event of the group was acked, skipped, or is parked.
//! 2. In an ordered group, an event was delivered only when every earlier one of its stream was settled, or had been
//!    delivered to the same consumer. It was processed only when every earlier one was settled.
//! 3. No two consumers held events of one stream at the same time.
//! 4. Every repeated delivery has a reason: a nack, a withdrawal, a timeout, a consumer or a server that went away.
//!
//! Times are those of one process that runs all consumers. A consumer holds a delivery from when it received it until
//! it settled it, or learned that it no longer holds it, or its connection ended, or a server had a fault. A server
//! measures the ack timeout from when it sent the delivery, and the message about it takes its time; [`SLACK`] allows
//! for that.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What the difference between a server's view of time and a consumer's can be.
const SLACK: Duration = Duration::from_millis(700);

/// Not a session.
const NOBODY: Session = u64::MAX;

/// Identifies a consumer's connection.
pub type Session = u64;

/// An event of the group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupEvent {
    /// Its position.
    pub position: u64,
    /// Its stream.
    pub stream: String,
    /// Its revision.
    pub revision: u64,
}

/// How a consumer settles a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was processed.
    Acked,
    /// It is done without being processed.
    Skipped,
    /// It is to be parked.
    Parked,
    /// It is to be delivered again.
    Returned,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A consumer received a delivery.
    Delivered {
        /// The consumer.
        session: Session,
        /// The event.
        event: GroupEvent,
        /// The attempt.
        attempt: u32,
    },
    /// A consumer is about to settle the delivery of the event at a position.
    Settled {
        /// The consumer.
        session: Session,
        /// The event.
        position: u64,
        /// How.
        how: Settled,
    },
    /// A consumer learned that it no longer holds an event, or that it settled it too late.
    Withdrawn {
        /// The consumer.
        session: Session,
        /// The event.
        position: u64,
    },
    /// A consumer's connection is about to end, or has ended. `stored`: what it settled before is stored.
    Ended {
        /// The consumer.
        session: Session,
        /// Whether it ended gracefully.
        stored: bool,
    },
    /// A server is about to be killed, stopped or paused, or was started or resumed.
    Fault,
}

/// What happened, in order, with the time since the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupHistory {
    /// What happened.
    pub happened: Vec<(Duration, Happened)>,
}

/// What is known at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupEnd {
    /// Every event of the group, as the log has them.
    pub events: Vec<GroupEvent>,
    /// The positions of parked events.
    pub parked: BTreeSet<u64>,
    /// The ack timeout of the group.
    pub ack_timeout: Duration,
    /// Whether the group is ordered by stream.
    pub is_ordered: bool,
}

/// Something that must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupViolation {
    /// An event was neither acked, skipped nor parked.
    Lost(GroupEvent),
    /// An event was delivered that is not of the group.
    Unknown(GroupEvent),
    /// An event was delivered before an earlier one of its stream, of this revision, was settled.
    OutOfOrder(GroupEvent, u64),
    /// Two consumers held events of one stream at the same time: the second got this one.
    HeldByTwo(GroupEvent, Session, Session),
    /// An event was delivered again without a reason.
    Repeated(GroupEvent),
}

impl GroupViolation {
    /// The event that it is about.
    #[must_use]
    pub const fn event(&self) -> &GroupEvent {
        match self {
            Self::Lost(event)
            | Self::Unknown(event)
            | Self::OutOfOrder(event, _)
            | Self::HeldByTwo(event, ..)
            | Self::Repeated(event) => event,
        }
    }
}

impl GroupHistory {
    /// Returns what happened to an event, or to an earlier one that it passed, and to the consumers that got it.
    #[must_use]
    pub fn of(&self, violation: &GroupViolation, end: &GroupEnd) -> Vec<&(Duration, Happened)> {
        let event = violation.event();
        let mut story = self.of_event(event);
        if let GroupViolation::OutOfOrder(event, passed) = violation {
            let is_passed = |other: &&GroupEvent| other.stream == event.stream && other.revision == *passed;
            story.extend(
                end.events
                    .iter()
                    .find(is_passed)
                    .map(|passed| self.of_event(passed))
                    .unwrap_or_default(),
            );
        }
        story
    }

    fn of_event(&self, wanted: &GroupEvent) -> Vec<&(Duration, Happened)> {
        let got = |happened: &Happened| match happened {
            Happened::Delivered { session, event, .. } if event == wanted => Some(*session),
            _ => None,
        };
        let sessions: BTreeSet<_> = self
            .happened
            .iter()
            .filter_map(|(_, happened)| got(happened))
            .collect();
        let is_about = |happened: &Happened| match happened {
            Happened::Delivered { event, .. } => event == wanted,
            Happened::Settled { position, .. } | Happened::Withdrawn { position, .. } => {
                *position == wanted.position
            }
            Happened::Ended { session, .. } => sessions.contains(session),
            Happened::Fault => true,
        };
        self.happened
            .iter()
            .filter(|(_, happened)| is_about(happened))
            .collect()
    }
}

/// How far a stream is, as its consumers know.
#[derive(Default)]
struct Stream {
    /// Revisions that are settled for good.
    settled: BTreeSet<u64>,
    /// Revisions that consumers hold, with their session and when it holds them no longer at the latest.
    held: BTreeMap<u64, (Session, Duration)>,
    /// The revisions of the stream's events, in order.
    revisions: Vec<u64>,
    /// Number of revisions from the first on that are settled.
    settled_first: usize,
}

impl Stream {
    /// Returns the first earlier revision that is neither settled nor held by this session.
    fn passed(&mut self, revision: u64, session: Session) -> Option<u64> {
        while let Some(next) = self.revisions.get(self.settled_first)
            && self.settled.contains(next)
        {
            self.settled_first += 1;
        }
        let earlier = self.revisions[self.settled_first..]
            .iter()
            .take_while(|earlier| **earlier < revision);
        earlier.copied().find(|earlier| {
            let is_held = self
                .held
                .get(earlier)
                .is_some_and(|(holder, _)| *holder == session);
            !self.settled.contains(earlier) && !is_held
        })
    }

    /// Notes that an event is open again.
    fn reopen(&mut self, revision: u64) {
        if self.settled.remove(&revision) {
            let index = self.revisions.partition_point(|other| *other < revision);
            self.settled_first = self.settled_first.min(index);
        }
    }
}

/// The last delivery of an event.
struct Last {
    session: Session,
    /// Whether there is a reason to deliver it again.
    may_repeat: bool,
}

/// Returns everything that must not have happened.
#[must_use]
pub fn judge(history: &GroupHistory, end: &GroupEnd) -> Vec<GroupViolation> {
    let mut judge = Judge::new(end);
    for (at, happened) in &history.happened {
        judge.take(*at, happened);
    }
    judge.finish()
}

struct Judge<'a> {
    end: &'a GroupEnd,
    events: BTreeMap<u64, &'a GroupEvent>,
    positions: BTreeMap<(&'a str, u64), u64>,
    streams: BTreeMap<&'a str, Stream>,
    last: BTreeMap<u64, Last>,
    /// Events that were acked or skipped, and by whom.
    done: BTreeMap<u64, Session>,
    /// Positions that a session has settled; if it ends abruptly, the server may not know.
    settled_by: BTreeMap<Session, Vec<u64>>,
    violations: Vec<GroupViolation>,
}

impl<'a> Judge<'a> {
    fn new(end: &'a GroupEnd) -> Self {
        let mut streams: BTreeMap<&str, Stream> = BTreeMap::new();
        for event in &end.events {
            streams
                .entry(&event.stream)
                .or_default()
                .revisions
                .push(event.revision);
        }
        Self {
            end,
            positions: end
                .events
                .iter()
                .map(|event| ((event.stream.as_str(), event.revision), event.position))
                .collect(),
            events: end.events.iter().map(|event| (event.position, event)).collect(),
            streams,
            last: BTreeMap::new(),
            done: BTreeMap::new(),
            settled_by: BTreeMap::new(),
            violations: Vec::new(),
        }
    }

    fn take(&mut self, at: Duration, happened: &Happened) {
        match happened {
            Happened::Delivered { session, event, .. } => self.delivered(at, *session, event),
            Happened::Settled {
                session,
                position,
                how,
            } => self.settled(*session, *position, *how),
            Happened::Withdrawn { session, position } => self.withdrawn(*session, *position),
            Happened::Ended { session, stored } => self.ended(*session, *stored),
            Happened::Fault => self.fault(),
        }
    }

    fn delivered(&mut self, at: Duration, session: Session, event: &GroupEvent) {
        if self.events.get(&event.position) != Some(&event) {
            self.violations.push(GroupViolation::Unknown(event.clone()));
            return;
        }
        if let Some(last) = self.last.get(&event.position) {
            // A delivery that has timed out may be repeated although the consumer does not know that yet.
            let stream = self.streams.get(event.stream.as_str());
            let held = stream.and_then(|stream| stream.held.get(&event.revision));
            let has_timed_out = held.is_some_and(|(_, until)| *until <= at);
            if !last.may_repeat && !has_timed_out {
                self.violations.push(GroupViolation::Repeated(event.clone()));
            }
        }
        let until = at + self.end.ack_timeout.saturating_sub(SLACK);
        let last = Last {
            session,
            may_repeat: false,
        };
        self.last.insert(event.position, last);
        let Some(stream) = self.streams.get_mut(event.stream.as_str()) else {
            return;
        };
        if self.end.is_ordered {
            let other = stream
                .held
                .values()
                .find(|(other, until)| *other != session && *until > at);
            if let Some((other, _)) = other {
                let violation = GroupViolation::HeldByTwo(event.clone(), *other, session);
                self.violations.push(violation);
            }
            let passed = stream.passed(event.revision, session);
            // If the consumer got the earlier one before, it processes it first, or has returned it, which the server
            // may not have known yet. In which order it processes them is judged when it settles them.
            let position = passed.and_then(|passed| self.positions.get(&(event.stream.as_str(), passed)));
            let last = position.and_then(|position| self.last.get(position));
            let had_it = last.is_some_and(|last| last.session == session);
            if let Some(passed) = passed.filter(|_| !had_it) {
                let violation = GroupViolation::OutOfOrder(event.clone(), passed);
                self.violations.push(violation);
            }
        }
        // It is open again, if it was delivered again because a server lost what it knew.
        stream.reopen(event.revision);
        stream.held.insert(event.revision, (session, until));
    }

    fn settled(&mut self, session: Session, position: u64, how: Settled) {
        let is_last = self
            .last
            .get(&position)
            .is_some_and(|last| last.session == session);
        if matches!(how, Settled::Acked | Settled::Skipped) {
            self.done.insert(position, session);
        }
        if !is_last {
            return;
        }
        self.settled_by.entry(session).or_default().push(position);
        let Some(event) = self.events.get(&position).copied() else {
            return;
        };
        if how == Settled::Returned {
            // From now on it may not process the later ones of the stream either.
            let stream = self.streams.get(event.stream.as_str());
            let held = stream
                .into_iter()
                .flat_map(|stream| stream.held.range(event.revision..));
            let returned: Vec<_> = held
                .filter(|(_, (holder, _))| *holder == session)
                .map(|(revision, _)| *revision)
                .collect();
            for revision in returned {
                let position = self.positions.get(&(event.stream.as_str(), revision)).copied();
                self.let_go(session, position.unwrap_or_default());
            }
            self.let_go(session, position);
            return;
        }
        if let Some(stream) = self.streams.get_mut(event.stream.as_str()) {
            stream.held.remove(&event.revision);
            if self.end.is_ordered
                && let Some(passed) = stream.passed(event.revision, NOBODY)
            {
                let violation = GroupViolation::OutOfOrder(event.clone(), passed);
                self.violations.push(violation);
            }
            stream.settled.insert(event.revision);
        }
    }

    fn withdrawn(&mut self, session: Session, position: u64) {
        // What it said about the event came too late.
        if self.done.get(&position) == Some(&session) {
            self.done.remove(&position);
        }
        let is_last = self
            .last
            .get(&position)
            .is_some_and(|last| last.session == session);
        if is_last
            && let Some(event) = self.events.get(&position)
            && let Some(stream) = self.streams.get_mut(event.stream.as_str())
        {
            stream.reopen(event.revision);
        }
        self.let_go(session, position);
    }

    fn let_go(&mut self, session: Session, position: u64) {
        let Some(last) = self
            .last
            .get_mut(&position)
            .filter(|last| last.session == session)
        else {
            return;
        };
        last.may_repeat = true;
        if let Some(event) = self.events.get(&position)
            && let Some(stream) = self.streams.get_mut(event.stream.as_str())
        {
            stream.held.remove(&event.revision);
        }
    }

    fn ended(&mut self, session: Session, stored: bool) {
        let held = self.last.iter().filter(|(_, last)| last.session == session);
        let held: Vec<_> = held.map(|(position, _)| *position).collect();
        let settled = self.settled_by.remove(&session).unwrap_or_default();
        for position in held {
            if !stored || !settled.contains(&position) {
                self.let_go(session, position);
            }
        }
    }

    fn fault(&mut self) {
        for last in self.last.values_mut() {
            last.may_repeat = true;
        }
        for stream in self.streams.values_mut() {
            stream.held.clear();
        }
    }

    fn finish(mut self) -> Vec<GroupViolation> {
        let is_lost = |event: &&GroupEvent| {
            !self.done.contains_key(&event.position) && !self.end.parked.contains(&event.position)
        };
        let lost = self.end.events.iter().filter(is_lost);
        self.violations.extend(lost.cloned().map(GroupViolation::Lost));
        self.violations
    }
}
