//! Forwards appends to the server that currently writes the log.
//!
//! Several servers may write one log: each commit checks the head, and a server that was not first reads what the
//! other wrote and tries again. That is safe, but servers that race for every commit reach about half of the
//! throughput of one that writes alone. The head names its last writer; a server that keeps losing forwards its
//! appends to one that it loses to, which puts them into its own groups. The result is a leader without elections:
//! correctness does not depend on which server it is, or on whether there is one.
//!
//! 1. A server that receives forwarded appends writes them itself, or refuses them if it forwards its own; the sender
//!    then asks another server. So a forwarded append is never forwarded again.
//! 2. Of the servers that were recently seen to write, this one among them, the one whose name sorts first is
//!    preferred. So all servers soon prefer the same one, and no two forward to each other.
//! 3. Order is preserved: appends are forwarded together, in their order, and the next ones wait until all have a
//!    result.
//! 4. If there is no reply, the append may still be written, at any later time. This server then writes it itself,
//!    which is harmless because appends are idempotent. It never reports such an append as refused, only as unknown.
//! 5. A server that does not reply is not asked again for [`SHUN`]. Appends are forwarded only while races were lost
//!    within [`STINT`], so a server that is the only one writing soon stops forwarding.

use std::{collections::BTreeMap, time::Duration};

use annals_engine::BoxFuture;
use tokio::time::Instant;

use crate::model::{
    append::{Append, Appended},
    rejection::Rejection,
};

/// Time for which appends are forwarded before this server tries to write again.
const STINT: Duration = Duration::from_secs(10);
/// Number of lost races, each within [`LOSSES_WITHIN`] of the one before, after which appends are forwarded.
const LOSSES_MAX: u32 = 3;
const LOSSES_WITHIN: Duration = Duration::from_secs(1);
/// Time for which a server that did not reply is not asked again.
const SHUN: Duration = Duration::from_secs(2);
/// Maximum number of other servers that are remembered; a log has a few.
const RIVALS_MAX: usize = 64;

/// Forwards appends to other servers of the same log.
pub trait Forwarder: Send + Sync + 'static {
    /// Forwards appends to the server whose name in the head of the log is `writer`, to be written in their order.
    /// Returns the outcome of each append, in the same order. Must return within a few seconds.
    fn forward<'a>(&'a self, writer: &'a str, appends: &'a [&'a Append]) -> BoxFuture<'a, Vec<Forwarded>>;
}

/// The outcome of a forwarded append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// The other server wrote or rejected it.
    Answered(Result<Appended, Rejection>),
    /// It was not written and will not be.
    Refused,
    /// The outcome is unknown; it may still be written.
    Unknown,
}

/// Decides whether this server forwards its appends, and to which server.
#[derive(Debug, Default)]
pub(crate) struct Forwarding {
    losses: u32,
    last_loss: Option<Instant>,
    /// Time until which appends are forwarded.
    until: Option<Instant>,
    /// Other servers, and when each was last seen to write.
    rivals: BTreeMap<String, Instant>,
    /// Servers that did not reply, and until when they are not asked.
    shunned: BTreeMap<String, Instant>,
}

impl Forwarding {
    /// Notes that the head named another server.
    pub(crate) fn saw(&mut self, writer: String) {
        if self.rivals.len() >= RIVALS_MAX {
            self.rivals.clear();
        }
        self.rivals.insert(writer, Instant::now());
    }

    /// Notes that another server committed first.
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

    /// Notes that a server did not accept forwarded appends.
    pub(crate) fn shun(&mut self, writer: String) {
        self.rivals.remove(&writer);
        self.shunned.insert(writer, Instant::now() + SHUN);
    }

    /// Returns the server to forward to, if any. `own` is the name of this server, empty if others can't reach it.
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
