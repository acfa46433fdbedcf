//! Streams that an append writes to.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::values::name::StreamName;

/// A stream that an append writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub stream: StreamName,
    /// Number of the append's events for this stream.
    pub events: u32,
}

/// Collects the distinct streams of an append.
#[derive(Default)]
pub(super) struct Targets {
    pub found: SmallVec<[Target; 1]>,
    indexes: HashMap<StreamName, u32>,
}

impl Targets {
    /// Returns the index of a stream, which is added if it is new.
    pub(super) fn index_of(&mut self, stream: &StreamName) -> u32 {
        if let Some(index) = self.indexes.get(stream) {
            return *index;
        }
        let index = number(self.found.len());
        self.found.push(Target {
            stream: stream.clone(),
            events: 0,
        });
        self.indexes.insert(stream.clone(), index);
        index
    }

    /// Counts one more event for a stream; returns the number before it.
    pub(super) fn count(&mut self, index: u32) -> u32 {
        let target = &mut self.found[index as usize];
        target.events += 1;
        target.events - 1
    }
}

/// Converts a number of events of an append, which has at most 10,000.
pub(super) fn number(events: usize) -> u32 {
    u32::try_from(events).expect("an append has at most 10,000 events")
}
