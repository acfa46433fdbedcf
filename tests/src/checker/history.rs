//! Requests and responses, in the order in which they happened.
//!
//! Every request and every response takes the next [`Moment`]. A test with several clients records a request before
//! it is sent and a response after it arrived, under its own lock. So if a request follows a response in the history,
//! it was really sent after it.

use super::{
    AppendAnswer, AppendCall, CallId, Check, Expected, Look, LookCall, Notice, ReadAnswer, ReadCall,
    ReadRequest, Sent, StreamFacts, SubscribeAnswer, SubscribeCall, SubscribeRequest, state::StateCalls,
};

/// A point in the order of a history.
pub type Moment = u64;

/// All requests and responses. `A`: the type that records an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<A = AppendCall> {
    now: Moment,
    /// Appends, in the order in which they were sent.
    pub appends: Vec<A>,
    /// Reads, likewise.
    pub reads: Vec<ReadCall>,
    /// Subscriptions, likewise.
    pub subscriptions: Vec<SubscribeCall>,
    /// Lookups of streams, likewise.
    pub looks: Vec<LookCall>,
    /// Writes, reads and subscriptions of state, likewise.
    pub state: StateCalls,
}

impl<A> Default for History<A> {
    fn default() -> Self {
        Self {
            now: 0,
            appends: Vec::new(),
            reads: Vec::new(),
            subscriptions: Vec::new(),
            looks: Vec::new(),
            state: StateCalls::default(),
        }
    }
}

impl History {
    /// Records an append before it is sent.
    pub fn append(&mut self, stream: &str, expected: Expected, events: Vec<Sent>) -> CallId {
        self.push(AppendCall {
            stream: stream.to_owned(),
            expected,
            streams: vec![stream.to_owned(); events.len()],
            events,
            checks: None,
            has_state: false,
            invoked: 0,
            answered: None,
        })
    }

    /// Records an append to many streams before it is sent: its events in order, each with its stream; at least one.
    pub fn append_to_many(&mut self, events: Vec<(String, Sent)>, checks: Vec<Check>) -> CallId {
        let (streams, events): (Vec<_>, Vec<_>) = events.into_iter().unzip();
        let stream = streams.first().cloned().unwrap_or_default();
        let of_first = checks.iter().find_map(|check| match check {
            Check::Stream { stream: of, expected } if *of == stream => Some(*expected),
            _ => None,
        });
        self.push(AppendCall {
            stream,
            expected: of_first.unwrap_or(Expected::Any),
            events,
            streams,
            checks: Some(checks),
            has_state: false,
            invoked: 0,
            answered: None,
        })
    }

    fn push(&mut self, call: AppendCall) -> CallId {
        let invoked = self.next();
        self.appends.push(AppendCall { invoked, ..call });
        CallId(self.appends.len() - 1)
    }

    /// Records the response to an append.
    pub fn append_answered(&mut self, call: CallId, answer: AppendAnswer) {
        let now = self.next();
        self.appends[call.0].answered = Some((now, answer));
    }
}

impl<A> History<A> {
    /// The last moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now
    }

    pub(super) fn next(&mut self) -> Moment {
        self.now += 1;
        self.now
    }

    /// Records a read before it starts.
    pub fn read(&mut self, request: ReadRequest) -> CallId {
        let invoked = self.next();
        self.reads.push(ReadCall {
            request,
            invoked,
            answered: None,
        });
        CallId(self.reads.len() - 1)
    }

    /// Records the response to a read.
    pub fn read_answered(&mut self, call: CallId, answer: ReadAnswer) {
        let now = self.next();
        self.reads[call.0].answered = Some((now, answer));
    }

    /// Records a subscription before it starts.
    pub fn subscribe(&mut self, request: SubscribeRequest) -> CallId {
        let invoked = self.next();
        self.subscriptions.push(SubscribeCall {
            request,
            invoked,
            answered: None,
            notices: Vec::new(),
        });
        CallId(self.subscriptions.len() - 1)
    }

    /// Records the response to a subscription request.
    pub fn subscribe_answered(&mut self, call: CallId, answer: SubscribeAnswer) {
        let now = self.next();
        self.subscriptions[call.0].answered = Some((now, answer));
    }

    /// Records a lookup of streams before it is sent.
    pub fn look(&mut self, look: Look) -> CallId {
        let invoked = self.next();
        self.looks.push(LookCall {
            look,
            invoked,
            answered: None,
        });
        CallId(self.looks.len() - 1)
    }

    /// Records the response to a lookup.
    pub fn look_answered(&mut self, call: CallId, streams: Vec<StreamFacts>) {
        let now = self.next();
        self.looks[call.0].answered = Some((now, streams));
    }

    /// Records a notice of a subscription.
    pub fn notice(&mut self, call: CallId, notice: Notice) {
        let now = self.next();
        self.subscriptions[call.0].notices.push((now, notice));
    }
}
