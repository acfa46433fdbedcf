//! Records requests and responses about state.

use uuid::Uuid;

use super::{
    StateAnswer, StateChange, StateCheck, StateNotice, StatePage, StateRead, StateReadCall,
    StateSubscribeAnswer, StateSubscribeCall, StateSubscribeRequest, StateWriteCall,
};
use crate::checker::{CallId, History};

impl History {
    /// Records a write before it is sent.
    pub fn state_write(&mut self, id: Uuid, changes: Vec<StateChange>, checks: Vec<StateCheck>) -> CallId {
        self.state.writes.push(StateWriteCall {
            id,
            is_append: false,
            changes,
            checks,
            invoked: 0,
            answered: None,
        });
        self.state_sent()
    }

    /// Records, before it is sent, the changes and checks of state of an append to many streams.
    pub fn state_of_append(
        &mut self,
        append: CallId,
        changes: Vec<StateChange>,
        checks: Vec<StateCheck>,
    ) -> CallId {
        let append = &mut self.appends[append.0];
        append.has_state = true;
        self.state.writes.push(StateWriteCall {
            id: append.events[0].id,
            is_append: true,
            changes,
            checks,
            invoked: 0,
            answered: None,
        });
        self.state_sent()
    }

    fn state_sent(&mut self) -> CallId {
        let call = self.state.writes.len() - 1;
        self.state.writes[call].invoked = self.next();
        CallId(call)
    }

    /// Records the response to a write, or to an append with changes or checks of state.
    pub fn state_write_answered(&mut self, call: CallId, answer: StateAnswer) {
        let now = self.next();
        self.state.writes[call.0].answered = Some((now, answer));
    }

    /// Records a read of state before it is sent.
    pub fn state_read(&mut self, read: StateRead) -> CallId {
        let invoked = self.next();
        self.state.reads.push(StateReadCall {
            read,
            invoked,
            answered: None,
        });
        CallId(self.state.reads.len() - 1)
    }

    /// Records the response to a read of state.
    pub fn state_read_answered(&mut self, call: CallId, page: StatePage) {
        let now = self.next();
        self.state.reads[call.0].answered = Some((now, page));
    }

    /// Records a subscription to state before it starts.
    pub fn state_subscribe(&mut self, request: StateSubscribeRequest) -> CallId {
        let invoked = self.next();
        self.state.subscriptions.push(StateSubscribeCall {
            request,
            invoked,
            answered: None,
            notices: Vec::new(),
        });
        CallId(self.state.subscriptions.len() - 1)
    }

    /// Records the response to a request to subscribe to state.
    pub fn state_subscribe_answered(&mut self, call: CallId, answer: StateSubscribeAnswer) {
        let now = self.next();
        self.state.subscriptions[call.0].answered = Some((now, answer));
    }

    /// Records a notice of a subscription to state.
    pub fn state_notice(&mut self, call: CallId, notice: StateNotice) {
        let now = self.next();
        self.state.subscriptions[call.0].notices.push((now, notice));
    }
}
