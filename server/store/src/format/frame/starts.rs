//! Offsets of the entries of a frame, computed once: a stream that is read repeatedly takes one event out of each of
//! many frames that stay in memory.

use std::sync::OnceLock;

use crate::format::{record::Entries, wire::Parsed};

/// Offsets of entries. They are derived from the frame, so any two of these values compare as equal.
#[derive(Clone, Debug, Default)]
pub(super) struct Starts(OnceLock<Box<[u32]>>);

impl PartialEq for Starts {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Starts {}

impl Starts {
    /// Returns the offset of the entry with this number; `None` if there are fewer.
    pub(super) fn of(&self, mut entries: Entries<'_>, number: u64) -> Parsed<Option<usize>> {
        let starts = match self.0.get() {
            Some(starts) => starts,
            None => {
                let mut starts = Vec::new();
                loop {
                    let start = entries.offset();
                    if entries.next_record()?.is_none() {
                        break;
                    }
                    // A frame's body is far below 4 GiB.
                    starts.push(u32::try_from(start).unwrap_or(u32::MAX));
                }
                self.0.get_or_init(|| starts.into())
            }
        };
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        Ok(starts.get(number).map(|start| *start as usize))
    }
}
