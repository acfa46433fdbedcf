//! Handing appends over to the server that writes the log at present.
//!
//! Several servers may write one log: each commit checks the head, and who is not first reads what the other wrote and
//! tries again. That is safe, but servers that race for every commit reach about half of what one of them writes alone. The
//! head names its last writer; a server that keeps losing gives its appends to one that it loses to, which puts them into
//! its own groups. It is a leader without elections: nothing rests on who it is or on whether there is one.
//!
//! 1. A server that was given appends writes them itself, or, if it hands over its own, refuses them; then the one that
//!    gave them asks another. So an append never goes on from server to server.
//! 2. Of the servers that were lately seen to write, this one among them, the one whose name comes first is preferred. So
//!    all soon prefer the same one, and no two hand over to each other.
//! 3. Order is kept: appends go over together, in their order, and the next ones wait until all are answered.
//! 4. Where no answer comes, the append may still be written, at any later time. This server then writes it itself, which
//!    is harmless because appends are idempotent; but it never says that such an append was refused, only that it is not
//!    known.
//! 5. A server that does not answer is not asked again for [`SHUN`], and appends are handed over only while races were lost
//!    within [`STINT`]: who alone has something to write soon writes it alone.

use std::{collections::BTreeMap, time::Duration};

use annals_engine::BoxFuture;
use tokio::time::Instant;

use crate::model::{
    append::{Append, Appended},
    rejection::Rejection,
};

/// For how long appends are handed over before this server tries to write again.
const STINT: Duration = Duration::from_secs(10);
/// Races lost, each within [`LOSSES_WITHIN`] of the one before, before appends are handed over.
const LOSSES_MAX: u32 = 3;
const LOSSES_WITHIN: Duration = Duration::from_secs(1);
/// For how long a server that did not answer is not asked again.
const SHUN: Duration = Duration::from_secs(2);
/// Servers that are remembered; a log has a few.
const RIVALS_MAX: usize = 64;

/// A way to other servers of the same log.
pub trait Handover: Send + Sync + 'static {
    /// Gives appends to the server that is called `writer` in the head of the log, to be written in their order, and
    /// returns what became of each, in their order. It must return within some seconds.
    fn hand_over<'a>(&'a self, writer: &'a str, appends: &'a [&'a Append]) -> BoxFuture<'a, Vec<HandedOver>>;
}

/// What became of an append that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandedOver {
    /// It was judged.
    Answered(Result<Appended, Rejection>),
    /// It was not written and will not be.
    Refused,
    /// Nobody knows; it may still be written.
    Unknown,
}

/// Whether this server hands its appends over, and to which.
#[derive(Debug, Default)]
pub(crate) struct Handing {
    losses: u32,
    last_loss: Option<Instant>,
    /// Until when they are handed over.
    until: Option<Instant>,
    /// Other servers, and when each was last seen to write.
    rivals: BTreeMap<String, Instant>,
    /// Servers that did not answer, and until when they are not asked.
    shunned: BTreeMap<String, Instant>,
}

impl Handing {
    /// The head named another server.
    pub(crate) fn saw(&mut self, writer: String) {
        if self.rivals.len() >= RIVALS_MAX {
            self.rivals.clear();
        }
        self.rivals.insert(writer, Instant::now());
    }

    /// Another server was first.
    pub(crate) fn lost(&mut self) {
        let now = Instant::now();
        let in_row = self.last_loss.is_some_and(|last| now < last + LOSSES_WITHIN);
        self.losses = if in_row { self.losses + 1 } else { 1 };
        self.last_loss = Some(now);
        if self.losses >= LOSSES_MAX {
            self.losses = 0;
            self.until = Some(now + STINT);
        }
    }

    /// A server did not take what was handed over.
    pub(crate) fn shun(&mut self, writer: String) {
        self.rivals.remove(&writer);
        self.shunned.insert(writer, Instant::now() + SHUN);
    }

    /// Whom to hand over to; `own`: what this server is called, empty if others can't reach it.
    pub(crate) fn target(&mut self, own: &str) -> Option<String> {
        let now = Instant::now();
        if self.until.is_none_or(|until| now >= until) {
            return None;
        }
        self.shunned.retain(|_, until| now < *until);
        self.rivals.retain(|_, seen| now < *seen + STINT);
        let mut asked = self
            .rivals
            .keys()
            .filter(|name| !self.shunned.contains_key(*name));
        asked
            .next()
            .filter(|first| own.is_empty() || first.as_str() < own)
            .cloned()
    }
}

#[cfg(test)]
mod tests;
