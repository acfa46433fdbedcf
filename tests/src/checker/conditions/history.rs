//! Appends with checks, and reads, in the order in which they happened.

use uuid::Uuid;

use super::{Answer, Append, AppendCall, Found};
use crate::checker::{self, CallId, Moment, ReadAnswer, timeline::Timeline};

/// All requests and responses.
pub type History = checker::History<AppendCall>;

impl History {
    /// Records an append before it is sent, on its own or in a pipeline.
    pub fn append(&mut self, append: Append, pipeline: Option<u64>) -> CallId {
        let invoked = self.next();
        self.appends.push(AppendCall {
            append,
            pipeline,
            invoked,
            answered: None,
        });
        CallId(self.appends.len() - 1)
    }

    /// Records the response to an append.
    pub fn append_answered(&mut self, call: CallId, answer: Answer) {
        let now = self.next();
        self.appends[call.0].answered = Some((now, answer));
    }

    /// The positions that the log was known to reach, according to its responses, and when.
    pub(super) fn known(&self, timeline: &Timeline<'_>) -> Vec<(Moment, u64)> {
        let mut known = Vec::new();
        for (at, answer) in self.appends.iter().filter_map(|call| call.answered.as_ref()) {
            match answer {
                Answer::Written(written) => known.push((*at, written.last_position)),
                Answer::IdConflict { position, .. } => known.push((*at, *position)),
                Answer::BeyondHead { head, .. } => known.push((*at, *head)),
                Answer::ChecksFailed(failed) => {
                    known.extend(failed.failed.iter().filter_map(|check| match &check.found {
                        Found::Match { position, .. } => Some((*at, *position)),
                        Found::Stream { stream, actual } => {
                            Some((*at, timeline.position(stream, (*actual)?)?))
                        }
                    }));
                }
                Answer::Refused | Answer::Unknown => {}
            }
        }
        for (at, answer) in self.reads.iter().filter_map(|call| call.answered.as_ref()) {
            if let ReadAnswer::Events { head, .. } = answer {
                known.push((*at, *head));
            }
        }
        known
    }

    /// The events that were sent to each stream, and when.
    pub(super) fn sent(&self) -> impl Iterator<Item = (&str, Uuid, Moment)> {
        self.appends.iter().flat_map(|call| {
            let events = call.append.events();
            events.map(|(stream, event)| (stream, event.id, call.invoked))
        })
    }
}
