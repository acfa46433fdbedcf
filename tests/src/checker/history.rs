//! What was asked and what was answered, in the order in which it happened.
//!
//! Every question and every answer takes the next [`Moment`]. A test with several clients writes down a question before it
//! is sent and an answer after it came, under a lock of its own: then a question behind an answer in the history was really
//! asked after it.

use super::{
    AppendAnswer, AppendCall, CallId, Check, Expected, Look, LookCall, Notice, ReadAnswer, ReadCall,
    ReadRequest, Sent, StreamFacts, SubscribeAnswer, SubscribeCall, SubscribeRequest,
};

/// A place in the order of a history.
pub type Moment = u64;

/// Everything that was asked and answered. `A`: how an append is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<A = AppendCall> {
    now: Moment,
    /// Appends, in the order in which they were invoked.
    pub appends: Vec<A>,
    /// Reads, likewise.
    pub reads: Vec<ReadCall>,
    /// Subscriptions, likewise.
    pub subscriptions: Vec<SubscribeCall>,
    /// Looks at streams, likewise.
    pub looks: Vec<LookCall>,
}

impl<A> Default for History<A> {
    fn default() -> Self {
        Self {
            now: 0,
            appends: Vec::new(),
            reads: Vec::new(),
            subscriptions: Vec::new(),
            looks: Vec::new(),
        }
    }
}

impl History {
    /// Writes down that an append is about to be sent.
    pub fn append(&mut self, stream: &str, expected: Expected, events: Vec<Sent>) -> CallId {
        self.push(AppendCall {
            stream: stream.to_owned(),
            expected,
            streams: vec![stream.to_owned(); events.len()],
            events,
            checks: None,
            invoked: 0,
            answered: None,
        })
    }

    /// Writes down that an append to many streams is about to be sent: its events in their order, each with its stream, of
    /// which there is at least one.
    pub fn append_all(&mut self, events: Vec<(String, Sent)>, checks: Vec<Check>) -> CallId {
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
            invoked: 0,
            answered: None,
        })
    }

    fn push(&mut self, call: AppendCall) -> CallId {
        let invoked = self.next();
        self.appends.push(AppendCall { invoked, ..call });
        CallId(self.appends.len() - 1)
    }

    /// Writes down what an append was answered.
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

    /// Writes down that a read is about to begin.
    pub fn read(&mut self, request: ReadRequest) -> CallId {
        let invoked = self.next();
        self.reads.push(ReadCall {
            request,
            invoked,
            answered: None,
        });
        CallId(self.reads.len() - 1)
    }

    /// Writes down what a read was answered.
    pub fn read_answered(&mut self, call: CallId, answer: ReadAnswer) {
        let now = self.next();
        self.reads[call.0].answered = Some((now, answer));
    }

    /// Writes down that a subscription is about to begin.
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

    /// Writes down what became of it.
    pub fn subscribe_answered(&mut self, call: CallId, answer: SubscribeAnswer) {
        let now = self.next();
        self.subscriptions[call.0].answered = Some((now, answer));
    }

    /// Writes down that streams are about to be looked at.
    pub fn look(&mut self, look: Look) -> CallId {
        let invoked = self.next();
        self.looks.push(LookCall {
            look,
            invoked,
            answered: None,
        });
        CallId(self.looks.len() - 1)
    }

    /// Writes down what was told of them.
    pub fn look_answered(&mut self, call: CallId, streams: Vec<StreamFacts>) {
        let now = self.next();
        self.looks[call.0].answered = Some((now, streams));
    }

    /// Writes down what a subscription delivered.
    pub fn notice(&mut self, call: CallId, notice: Notice) {
        let now = self.next();
        self.subscriptions[call.0].notices.push((now, notice));
    }
}
