//! Questions and answers of every kind, as plain data.

use super::{Check, Expected, FailedCheck, Filter, Moment, Observed, Sent};

/// Names a call of one kind in its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId(pub usize);

/// An append and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendCall {
    /// The stream of its first event.
    pub stream: String,
    /// What was expected of it.
    pub expected: Expected,
    /// The events.
    pub events: Vec<Sent>,
    /// The stream of each of them.
    pub streams: Vec<String>,
    /// What had to hold, if it was asked for as one to many streams: what is expected of its first stream is among them.
    pub checks: Option<Vec<Check>>,
    /// When it was asked for.
    pub invoked: Moment,
    /// When and what was answered; `None` is the same as [`AppendAnswer::Unknown`].
    pub answered: Option<(Moment, AppendAnswer)>,
}

/// What an append was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendAnswer {
    /// It stands.
    Acknowledged(Placed),
    /// It does not stand, because of what the log holds.
    Rejected(Refusal),
    /// It does not stand, for a reason that has nothing to do with the log (overload, bad input).
    Refused,
    /// It may stand or not: the connection broke, the server stopped, the engine did not answer.
    Unknown,
}

/// Where an append stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Revision of its first event in its first stream.
    pub first_revision: u64,
    /// Revision of its last event in its first stream.
    pub last_revision: u64,
    /// The same for its other streams, in the order in which they first occur.
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

/// Why an append does not stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The stream was not as expected.
    Revision {
        /// Its last revision.
        actual: Option<u64>,
    },
    /// The first event's id belongs to another append.
    Id {
        /// Where that id stands.
        stream: String,
        /// Its revision there.
        revision: u64,
        /// Its position.
        position: u64,
    },
    /// These of its checks did not hold.
    Checks(Vec<FailedCheck>),
    /// A check begins after a position that is beyond the head.
    BeyondHead {
        /// The position.
        after: u64,
        /// The head.
        head: u64,
    },
}

/// What is read or subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The whole log; places are positions.
    Log,
    /// One stream; places are revisions.
    Stream(String),
}

/// What was to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    /// From what.
    pub target: Target,
    /// Newest first.
    pub backwards: bool,
    /// The first place.
    pub from: Option<u64>,
    /// The most events.
    pub limit: Option<u64>,
    /// Which events.
    pub filter: Filter,
}

/// A read and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadCall {
    /// What was to be read.
    pub request: ReadRequest,
    /// When it was asked for.
    pub invoked: Moment,
    /// When and what was answered.
    pub answered: Option<(Moment, ReadAnswer)>,
}

/// What a read was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadAnswer {
    /// Events.
    Events {
        /// The head that the read told.
        head: u64,
        /// The stream's last revision that it told, if it was about a stream.
        last_revision: Option<u64>,
        /// What it returned.
        events: Vec<Observed>,
        /// False if it broke off with an error.
        complete: bool,
    },
    /// The stream has no events.
    StreamNotFound,
    /// The place is behind the end (head or last revision), which is this.
    BeyondEnd(Option<u64>),
    /// Nothing that could be judged.
    Failed,
}

/// Where a subscription begins; places are positions, or revisions for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first event.
    Beginning,
    /// After this place; so one that broke off is resumed.
    After(u64),
    /// After what there is.
    End,
}

/// What was to be subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeRequest {
    /// To what.
    pub target: Target,
    /// From where.
    pub start: Start,
    /// Which events.
    pub filter: Filter,
}

/// A subscription and what it delivered. One that is resumed is another call, with a start of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeCall {
    /// What was to be subscribed to.
    pub request: SubscribeRequest,
    /// When it was asked for.
    pub invoked: Moment,
    /// When and what was answered.
    pub answered: Option<(Moment, SubscribeAnswer)>,
    /// What it delivered, and when.
    pub notices: Vec<(Moment, Notice)>,
}

/// What became of a question for a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscribeAnswer {
    /// It began. A client that is not told may answer this with the first notice.
    Began,
    /// The place is behind the end (head or last revision), which is this.
    BeyondEnd(Option<u64>),
    /// Nothing that could be judged.
    Failed,
}

/// What a subscription delivered. Positions are positions of the log, for a stream too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The next events.
    Events(Vec<Observed>),
    /// Everything there is was delivered, up to this position.
    CaughtUp(u64),
    /// It is served from storage again; everything up to this position was delivered, and the head is that.
    FellBehind(u64, u64),
    /// Everything up to this position was delivered.
    Checkpoint(u64),
}

/// What was to be told of streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// One stream.
    Stream(String),
    /// Streams in the order of their names.
    List {
        /// Their names begin with this.
        prefix: String,
        /// They come behind this one.
        after: Option<String>,
        /// The most of them.
        limit: usize,
    },
}

/// A look at streams and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookCall {
    /// What was to be told.
    pub look: Look,
    /// When it was asked for.
    pub invoked: Moment,
    /// When and what was answered; `None`: nothing that could be judged. A stream that is not found is an empty answer.
    pub answered: Option<(Moment, Vec<StreamFacts>)>,
}

/// What was told of a stream.
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
    /// Whether it may have written something.
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

    /// Its streams, in the order in which they first occur, and how many events it has for each.
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

    /// The position up to which the log was known when it was asked for, as its checks say.
    pub(super) fn known_to(&self) -> u64 {
        let after = self.checks.iter().flatten().map(Check::after);
        after.max().unwrap_or_default()
    }

    /// Whether a retry of the one is a retry of the other.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let ids = |call: &Self| call.events.iter().map(|event| event.id).collect::<Vec<_>>();
        self.is_keyed() == other.is_keyed() && self.streams == other.streams && ids(self) == ids(other)
    }

    /// Whether it was acknowledged before a moment.
    pub(super) fn was_acknowledged(&self, before: Moment) -> bool {
        matches!(self.answered, Some((at, AppendAnswer::Acknowledged(_))) if at < before)
    }

    /// Where it was told to stand.
    pub(super) fn first_position(&self) -> Option<u64> {
        match &self.answered {
            Some((_, AppendAnswer::Acknowledged(placed))) => Some(placed.first_position),
            _ => None,
        }
    }

    /// Whether the store remembers it by its first event's id.
    pub(super) fn is_keyed(&self) -> bool {
        matches!(self.expected, Expected::Any | Expected::StreamExists)
    }
}

impl Notice {
    /// The position up to which everything was delivered by then.
    pub(super) fn place(&self) -> Option<u64> {
        match self {
            Self::Events(events) => events.last().map(|event| event.position),
            Self::CaughtUp(place) | Self::FellBehind(place, _) | Self::Checkpoint(place) => Some(*place),
        }
    }
}
