//! What a group makes gone. Facts are as of the head before the group; what they say of such events would be wrong for the
//! appends behind in the group, which wait for the next one.

use std::collections::HashSet;

use crate::{
    lifecycle::{Lifecycles, Marked},
    model::{append::Append, check::Check},
    values::name::{self, StreamName},
};

/// What the group makes gone so far.
#[derive(Debug, Default)]
pub(super) struct Changes<'a> {
    /// Streams for which something is set.
    streams: HashSet<&'a str>,
    /// Whether it appends to a stream of which the last events are counted.
    counted: bool,
}

impl<'a> Changes<'a> {
    /// Takes an append that the group writes.
    pub(super) fn add(&mut self, append: &'a Append, lifecycles: &Lifecycles) {
        for stream in append.streams().map(StreamName::as_str) {
            self.streams.extend(name::subject(stream));
            let counted = |marked: Marked| marked.lifecycle.retention.max_count.is_some();
            self.counted |= lifecycles.holding(stream).is_some_and(counted);
        }
    }

    /// Whether an append can't be judged by what is known before the group.
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
