//! Progress of a subscription in one stream.

use std::sync::Arc;

use crate::{
    format::frame::Frame,
    model::{error::Result, query::Query},
    read::{
        self, BATCH_BYTES, Batch,
        gone::{self, Gone},
        last_revision, places, records_at,
    },
    shared::Shared,
    values::{
        name::StreamName,
        position::{Position, Revision},
    },
};

/// Number of events that are looked up at a time.
const PAGE_EVENTS: u64 = 256;

/// A stream, and how far it was read.
#[derive(Clone, Debug)]
pub(crate) struct StreamPlace {
    pub name: StreamName,
    /// The next revision to read.
    pub next: Revision,
}

impl StreamPlace {
    /// Takes the stream's events between two positions from frames.
    pub(crate) fn take(
        &mut self,
        frames: &[Arc<Frame>],
        (from, to): (Position, Position),
        gone: &Gone,
        query: &Query,
        batch: &mut Batch,
    ) -> Result<()> {
        for frame in frames {
            let mut entries = frame.entries();
            while let Some(entry) = entries.next_entry()? {
                let event = entry.view()?;
                let wanted = event.stream == self.name.as_str() && event.revision >= self.next;
                if !wanted || event.position < from || event.position > to {
                    continue;
                }
                self.next = event.revision.next();
                if query.matches(&event) && !gone.contains(event.position) {
                    batch.push(entry.into_bytes(), 1);
                }
            }
        }
        Ok(())
    }

    /// Reads a page of the stream, from the next revision on. Returns the position up to which the log has then been
    /// read: `head`, or the position of the last event that was read if there may be more.
    pub(crate) async fn read(
        &mut self,
        shared: &Shared,
        query: &Query,
        head: Position,
        batch: &mut Batch,
    ) -> Result<Position> {
        let last = last_revision(shared, &self.name).await?;
        let Some(last) = last.filter(|last| *last >= self.next) else {
            return Ok(head);
        };
        let mut to = Revision(last.0.min(self.next.0 + PAGE_EVENTS - 1));
        let mut places = places(shared, &self.name, self.next, to).await?;
        while places.is_empty() {
            // All of these are removed.
            self.next = to.next();
            if self.next > last {
                return Ok(head);
            }
            to = Revision(last.0.min(self.next.0 + PAGE_EVENTS - 1));
            places = read::places(shared, &self.name, self.next, to).await?;
        }
        let positions: Vec<Position> = places.iter().map(|(_, position)| *position).collect();
        let (entries, looked_at) = records_at(shared, &positions).await?;
        let gone = gone::in_entries(shared, &entries).await?;
        let (mut reached, mut taken) = (head, 0);
        let count = entries.len();
        for entry in entries {
            let event = entry.view()?;
            reached = event.position;
            self.next = event.revision.next();
            if query.matches(&event) && !gone.contains(event.position) {
                batch.push(entry.into_bytes(), 1);
            }
            taken += 1;
            if batch.bytes >= BATCH_BYTES {
                break;
            }
        }
        if taken == count
            && let Some((revision, position)) = places.get(looked_at - 1)
        {
            // Some of the events may be removed, possibly the last of them.
            self.next = self.next.max(revision.next());
            reached = *position;
        }
        // Events appended after `head` was read may be included. The result is then the position of the last of them.
        Ok(if self.next > last {
            reached.max(head)
        } else {
            reached
        })
    }
}
