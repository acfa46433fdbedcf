//! Searches the log for evidence that durable records are damaged or missing: any sign that the log continued after
//! its end.

use std::io;

use bytes::Bytes;

use crate::change::Tip;
use crate::log::Log;
use crate::record::{MAGIC, Record};
use crate::segment::{HEADER_BYTES, Header, Segment, Segments};

/// Evidence that the log continued after its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Later {
    /// The first sign found, for people.
    pub(super) found: String,
    /// The last record of which there is a sign.
    pub(super) tip: Tip,
    /// The value of the head key in the last intact record that sets it.
    pub(super) head: Option<Bytes>,
}

/// Searches after the end of `log`. One record may be there without being evidence: the one that was being written.
pub(super) fn find(log: &Log, found: &Segments, head_key: Option<&Bytes>) -> io::Result<Option<Later>> {
    let mut search = Search {
        log,
        head_key,
        later: None,
    };
    let last = log.active.number;
    for (number, segment) in found.range(last..) {
        if *number > last {
            search.header(segment)?;
        }
        let from = if *number == last { log.end } else { HEADER_BYTES };
        search.records(segment, from)?;
    }
    Ok(search.later)
}

struct Search<'a> {
    log: &'a Log,
    head_key: Option<&'a Bytes>,
    later: Option<Later>,
}

impl Search<'_> {
    /// Checks whether a segment begins after a record that is after the end.
    fn header(&mut self, segment: &Segment) -> io::Result<()> {
        let header = Header::read(segment)?.filter(|header| header.log == self.log.id());
        if let Some(header) = header.filter(|header| header.tip.sequence > self.log.tip.sequence) {
            let what = format!("begins after record {}", header.tip.sequence);
            self.note(segment, header.tip, &what);
        }
        Ok(())
    }

    /// Checks for intact records of a segment, starting at an offset.
    fn records(&mut self, segment: &Segment, from: u64) -> io::Result<()> {
        let mut at = from;
        let mut magics = Magics::of(segment);
        while let Some(magic) = magics.next(at)? {
            at = magic + 1;
            let Some(record) = Record::read(segment, self.log.secret(), magic)? else {
                continue;
            };
            if record.tip.sequence <= self.log.tip.sequence + 1 {
                continue;
            }
            at = record.end;
            let what = format!("has record {} at {magic}", record.tip.sequence);
            self.note(segment, record.tip, &what);
            self.head_of(segment, record)?;
        }
        Ok(())
    }

    fn note(&mut self, segment: &Segment, tip: Tip, what: &str) {
        match &mut self.later {
            Some(later) if later.tip.sequence < tip.sequence => later.tip = tip,
            Some(_) => {}
            None => {
                let (end, last) = (self.log.end, self.log.active.number);
                let number = segment.number;
                self.later = Some(Later {
                    found: format!(
                        "the log breaks off at {end} of segment {last}, but segment {number} {what}"
                    ),
                    tip,
                    head: None,
                });
            }
        }
    }

    fn head_of(&mut self, segment: &Segment, record: Record) -> io::Result<()> {
        let (Some(key), Some(later)) = (self.head_key, &mut self.later) else {
            return Ok(());
        };
        for (changed, value) in record.changes(segment)?.into_iter().flatten() {
            if changed == *key {
                later.head = value.map(|(value, _)| value);
            }
        }
        Ok(())
    }
}

/// Finds where records may begin. Keeps the last chunk it read, because records follow each other closely.
struct Magics<'a> {
    segment: &'a Segment,
    start: u64,
    bytes: Bytes,
}

impl<'a> Magics<'a> {
    const CHUNK: u64 = 1 << 20;

    fn of(segment: &'a Segment) -> Self {
        Self {
            segment,
            start: 0,
            bytes: Bytes::new(),
        }
    }

    /// The first candidate at or after an offset.
    fn next(&mut self, mut from: u64) -> io::Result<Option<u64>> {
        let length = MAGIC.len() as u64;
        while from + length <= self.segment.bytes() {
            let end = self.start + self.bytes.len() as u64;
            if from < self.start || from + length > end {
                let left = self.segment.bytes() - from;
                self.bytes = self.segment.read(from, left.min(Self::CHUNK))?;
                self.start = from;
            }
            let rest = &self.bytes[(from - self.start) as usize..];
            if let Some(at) = rest.windows(MAGIC.len()).position(|window| window == MAGIC) {
                return Ok(Some(from + at as u64));
            }
            // The magic may span two chunks.
            from += rest.len() as u64 - (length - 1);
        }
        Ok(None)
    }
}
