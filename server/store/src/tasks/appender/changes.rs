//! Tracks which streams' visibility a group changes. Facts are as of the head before the group and would be wrong
//! about events that the group removes, so later appends that depend on such streams wait for the next group.

use std::collections::HashSet;

use crate::{
    lifecycle::{Lifecycles, Marked},
    model::{append::Append, check::Check},
    values::name::{self, StreamName},
};

/// Visibility changes of the group so far.
#[derive(Debug, Default)]
pub(super) struct Changes<'a> {
    /// Streams whose settings the group changes.
    streams: HashSet<&'a str>,
    /// Whether it appends to a stream whose retention has a count.
    counted: bool,
}

impl<'a> Changes<'a> {
    /// Adds an append that the group writes.
    pub(super) fn add(&mut self, append: &'a Append, lifecycles: &Lifecycles) {
        for stream in append.streams().map(StreamName::as_str) {
            self.streams.extend(name::subject(stream));
            let counted = |marked: Marked| marked.lifecycle.retention.max_count.is_some();
            self.counted |= lifecycles.holding(stream).is_some_and(counted);
        }
    }

    /// Whether an append can't be evaluated with facts from before the group.
    pub(super) fn concern(&self, append: &Append) -> bool {
        if self.streams.is_empty() && !self.counted {
            return false;
        }
        let concerned = |stream: &StreamName| self.streams.contains(stream.as_str());
        append.streams().any(concerned)
            || append.checks().iter().any(|check| match check {
                Check::Stream { stream, .. } => concerned(stream),
                Check::NoMatch { .. } => true,
            })
    }
}
