//! Requests and responses of every kind, as plain data.

use super::{Check, Expected, FailedCheck, Filter, Moment, Observed, Sent};

/// Identifies a call of one kind in its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId(pub usize);

/// An append and its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendCall {
    /// The stream of its first event.
    pub stream: String,
    /// The expected state of that stream.
    pub expected: Expected,
    /// The events.
    pub events: Vec<Sent>,
    /// The stream of each of them.
    pub streams: Vec<String>,
    /// Its conditions, if it was sent as an append to many streams: they include the expectation for its first
    /// stream.
    pub checks: Option<Vec<Check>>,
    /// Whether it also changes or checks state.
    pub has_state: bool,
    /// When it was sent.
    pub invoked: Moment,
    /// When the response came, and the response; `None` is the same as [`AppendAnswer::Unknown`].
    pub answered: Option<(Moment, AppendAnswer)>,
}

/// The response to an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendAnswer {
    /// It is stored.
    Acknowledged(Placed),
    /// It is not stored, because of the contents of the log.
    Rejected(Refusal),
    /// It is not stored, for a reason that has nothing to do with the log (overload, bad input).
    Refused,
    /// It may be stored or not: the connection broke, the server stopped, the engine did not respond.
    Unknown,
}

/// Where an append is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Revision of its first event in its first stream.
    pub first_revision: u64,
    /// Revision of its last event in its first stream.
    pub last_revision: u64,
    /// First and last revision in its other streams, in order of first occurrence.
    pub others: Vec<(u64, u64)>,
    /// Position of its first event.
    pub first_position: u64,
    /// Position of its last event.
    pub last_position: u64,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at: u64,
    /// Whether an earlier append with the same ids wrote it.
    pub already_appended: bool,
}

/// Why an append is not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The stream's revision differs from the expected one.
    Revision {
        /// Its last revision.
        actual: Option<u64>,
    },
    /// The first event's id belongs to another append.
    Id {
        /// The location of that id.
        stream: String,
        /// Its revision there; `None` if it was removed.
        revision: Option<u64>,
        /// Its position.
        position: u64,
    },
    /// These of its checks failed.
    Checks(Vec<FailedCheck>),
    /// A check begins after a position beyond the head.
    BeyondHead {
        /// The position.
        after: u64,
        /// The head.
        head: u64,
    },
}

/// The source of a read or a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The whole log; places are positions.
    Log,
    /// One stream; places are revisions.
    Stream(String),
}

/// The parameters of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    /// The source.
    pub target: Target,
    /// Newest first.
    pub backwards: bool,
    /// The first place.
    pub from: Option<u64>,
    /// The most events.
    pub limit: Option<u64>,
    /// Selects the events.
    pub filter: Filter,
}

/// A read and its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadCall {
    /// The parameters of the read.
    pub request: ReadRequest,
    /// When it was sent.
    pub invoked: Moment,
    /// When the response came, and the response.
    pub answered: Option<(Moment, ReadAnswer)>,
}

/// The response to a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadAnswer {
    /// Events.
    Events {
        /// The head that was reported.
        head: u64,
        /// The stream's last revision that was reported, for a read of a stream.
        last_revision: Option<u64>,
        /// The returned events.
        events: Vec<Observed>,
        /// False if it was cut short by an error.
        complete: bool,
    },
    /// The stream has no events.
    StreamNotFound,
    /// The place is beyond the end (head or last revision), which was reported as this.
    BeyondEnd(Option<u64>),
    /// No response that could be judged.
    Failed,
}

/// The start of a subscription; places are positions, or revisions for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first event.
    Beginning,
    /// After this place; used to resume a subscription.
    After(u64),
    /// After the last existing event.
    End,
}

/// The parameters of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeRequest {
    /// The source.
    pub target: Target,
    /// The start.
    pub start: Start,
    /// Selects the events.
    pub filter: Filter,
}

/// A subscription and its deliveries. A resumed subscription is another call, with its own start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeCall {
    /// The parameters of the subscription.
    pub request: SubscribeRequest,
    /// When it was sent.
    pub invoked: Moment,
    /// When the response came, and the response.
    pub answered: Option<(Moment, SubscribeAnswer)>,
    /// The notices that it delivered, and when.
    pub notices: Vec<(Moment, Notice)>,
}

/// The response to a subscription request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscribeAnswer {
    /// It started. A client without an explicit confirmation may record this with the first notice.
    Began,
    /// The place is beyond the end (head or last revision), which was reported as this.
    BeyondEnd(Option<u64>),
    /// No response that could be judged.
    Failed,
}

/// An item delivered by a subscription. Positions are positions of the log, even for a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The next events.
    Events(Vec<Observed>),
    /// Every existing event was delivered, up to this position.
    CaughtUp(u64),
    /// It is served from storage again: every event up to the first position was delivered, and the second is the
    /// head.
    FellBehind(u64, u64),
    /// Every event up to this position was delivered.
    Checkpoint(u64),
    /// The notice before reported this revision of the stream: it is safe to resume after it.
    ReachedRevision(u64),
}

/// The parameters of a lookup of streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// One stream.
    Stream(String),
    /// Streams in the order of their names.
    List {
        /// Prefix of their names.
        prefix: String,
        /// Their names sort after this one.
        after: Option<String>,
        /// Maximum number of streams.
        limit: usize,
    },
}

/// A lookup of streams and its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookCall {
    /// The parameters of the lookup.
    pub look: Look,
    /// When it was sent.
    pub invoked: Moment,
    /// When the response came, and the response; `None`: none that could be judged. If a stream is not found, it is
    /// empty.
    pub answered: Option<(Moment, Vec<StreamFacts>)>,
}

/// The reported state of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFacts {
    /// Its name.
    pub name: String,
    /// Revision of its last event.
    pub last_revision: u64,
    /// Position of its last event.
    pub last_position: u64,
    /// Position of its first event.
    pub first_position: u64,
    /// When its first event was recorded, in microseconds since 1970.
    pub created_at: u64,
}

impl AppendCall {
    /// True if it may have written events.
    pub(super) fn may_stand(&self) -> bool {
        !matches!(
            self.answered,
            Some((_, AppendAnswer::Rejected(_) | AppendAnswer::Refused))
        )
    }

    /// Its events, each with its stream.
    pub(super) fn each(&self) -> impl Iterator<Item = (&str, &Sent)> {
        self.streams.iter().map(String::as_str).zip(&self.events)
    }

    /// Its last event in a stream.
    pub(super) fn last_in(&self, stream: &str) -> Option<&Sent> {
        let of_stream = self.each().filter(|(of, _)| *of == stream);
        of_stream.last().map(|(_, sent)| sent)
    }

    /// Its streams, in order of first occurrence, each with its number of events.
    pub(super) fn targets(&self) -> Vec<(&str, u64)> {
        let mut targets: Vec<(&str, u64)> = Vec::new();
        for (stream, _) in self.each() {
            match targets.iter_mut().find(|(of, _)| *of == stream) {
                Some((_, events)) => *events += 1,
                None => targets.push((stream, 1)),
            }
        }
        targets
    }

    /// The position up to which its sender knew the log, according to its checks.
    pub(super) fn known_to(&self) -> u64 {
        let after = self.checks.iter().flatten().map(Check::after);
        after.max().unwrap_or_default()
    }

    /// True if retries of the two are retries of each other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let ids = |call: &Self| call.events.iter().map(|event| event.id).collect::<Vec<_>>();
        self.is_keyed() == other.is_keyed() && self.streams == other.streams && ids(self) == ids(other)
    }

    /// True if it was acknowledged before a moment.
    pub(super) fn was_acknowledged(&self, before: Moment) -> bool {
        matches!(self.answered, Some((at, AppendAnswer::Acknowledged(_))) if at < before)
    }

    /// The position at which it was reported to be stored.
    pub(super) fn first_position(&self) -> Option<u64> {
        match &self.answered {
            Some((_, AppendAnswer::Acknowledged(placed))) => Some(placed.first_position),
            _ => None,
        }
    }

    /// True if the store detects retries of it by its first event's id.
    pub(super) fn is_keyed(&self) -> bool {
        matches!(self.expected, Expected::Any | Expected::StreamExists)
    }
}

impl Notice {
    /// The position up to which every event had been delivered.
    pub(super) fn place(&self) -> Option<u64> {
        match self {
            Self::Events(events) => events.last().map(|event| event.position),
            Self::CaughtUp(place) | Self::FellBehind(place, _) | Self::Checkpoint(place) => Some(*place),
            Self::ReachedRevision(_) => None,
        }
    }
}
