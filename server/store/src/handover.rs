//! Handing appends over to the server that writes the log at present.
//!
//! Several servers may write one log: each commit checks the head, and who is not first reads what the other wrote and
//! tries again. That is safe, but servers that race for every commit reach about half of what one of them writes alone. The
//! head names its last writer; a server that keeps losing gives its appends to that one, which puts them into its own
//! groups. It is a leader without elections: nothing rests on who it is or on whether there is one.
//!
//! 1. An append is handed over once: a server that was given one writes it itself.
//! 2. Order is kept: appends go over together, in their order, and the next ones wait until all are answered.
//! 3. Where no answer comes, the append may still be written, at any later time. This server then writes it itself, which
//!    is harmless because appends are idempotent; but it never says that such an append was refused, only that it is not
//!    known.
//! 4. It ends when an answer is missing, when another server takes this one for the writer, and after [`STINT`], so that a
//!    server that alone has something to write does not ask another one for ever.

use std::time::Duration;

use annals_engine::BoxFuture;
use tokio::time::Instant;

use crate::append::{Append, Appended, Rejection};

/// For how long appends are handed over before this server tries to write again.
const STINT: Duration = Duration::from_secs(10);
/// Commits in a row that another server was first to, before appends are handed over: this many, or up to
/// [`LOSSES_SPREAD`] more, so that two servers do not hand over to each other in step.
const LOSSES_MIN: u32 = 2;
const LOSSES_SPREAD: u64 = 3;

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

/// Whether this server hands its appends over.
#[derive(Debug)]
pub(crate) struct Handing {
    losses: u32,
    losses_max: u32,
    /// Until when they are handed over.
    until: Option<Instant>,
}

impl Handing {
    /// `seed`: any number that other servers do not have.
    pub(crate) fn new(seed: u64) -> Self {
        let more = u32::try_from(seed % LOSSES_SPREAD).unwrap_or(0);
        Self {
            losses: 0,
            losses_max: LOSSES_MIN + more,
            until: None,
        }
    }

    /// Another server was first.
    pub(crate) fn lost(&mut self) {
        self.losses += 1;
        if self.losses >= self.losses_max {
            self.losses = 0;
            self.until = Some(Instant::now() + STINT);
        }
    }

    /// This server wrote, was taken for the writer, or had no answer.
    pub(crate) fn stop(&mut self) {
        self.losses = 0;
        self.until = None;
    }

    pub(crate) fn is_on(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }
}
