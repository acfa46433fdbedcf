//! Assembles frames from the keys and values of a range read.

use annals_engine::Entry as KeyValue;
use bytes::Bytes;

use super::{Frame, chunk_count};
use crate::{
    format::{
        keys,
        wire::{Malformed, Parsed},
    },
    values::position::Position,
};

/// Assembles frames from keys and values in the order of a range read, forwards or backwards.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    last: Position,
    values: Vec<(u16, Bytes)>,
}

impl Assembler {
    /// Takes the next key and value; returns a frame when it completes one.
    pub(crate) fn push(&mut self, entry: KeyValue) -> Parsed<Option<Frame>> {
        let (last, chunk) = keys::parse_frame(&entry.key).ok_or(Malformed("frame: key"))?;
        if last != self.last {
            if !self.values.is_empty() {
                return Err(Malformed("frame: chunks are missing"));
            }
            self.last = last;
        }
        self.values.push((chunk, entry.value));
        // Chunk 0 holds the number of chunks; in a backwards read it comes last.
        let Some((_, first_value)) = self.values.iter().find(|(chunk, _)| *chunk == 0) else {
            return Ok(None);
        };
        if self.values.len() < chunk_count(first_value)? {
            return Ok(None);
        }
        let mut values = std::mem::take(&mut self.values);
        values.sort_unstable_by_key(|(chunk, _)| *chunk);
        if values
            .iter()
            .enumerate()
            .any(|(n, (chunk, _))| n != usize::from(*chunk))
        {
            return Err(Malformed("frame: chunks are missing"));
        }
        let values: Vec<Bytes> = values.into_iter().map(|(_, value)| value).collect();
        self.last = Position::START;
        Frame::from_values(last, &values).map(Some)
    }
}
