//! Reading from a snapshot.

use std::sync::Arc;

use annals_engine::{
    BoxFuture, Direction, Entry, Error, KeyRange, Page, PageLimit, Read, Result, Snapshot as EngineSnapshot,
};
use bytes::Bytes;
use fjall::{Readable, Snapshot};

use crate::fault;
use crate::store::Store;

/// What was committed when it was opened. It keeps the directory open.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) store: Arc<Store>,
    pub(crate) snapshot: Arc<Snapshot>,
}

impl EngineSnapshot for View {
    fn read(&self, reads: Vec<Read>) -> BoxFuture<'_, Result<Vec<Page>>> {
        Box::pin(async move {
            if !may_take_long(&reads) {
                return self.answer_all(&reads);
            }
            let view = self.clone();
            let answer = tokio::task::spawn_blocking(move || view.answer_all(&reads)).await;
            answer.unwrap_or_else(|error| Err(Error::Unavailable(format!("a read did not end: {error}"))))
        })
    }
}

/// Whether reads are better done on a thread that may block. A single key comes from memory or from one or two blocks,
/// mostly cached, in microseconds: less than changing threads. A range may read and decompress hundreds of blocks.
fn may_take_long(reads: &[Read]) -> bool {
    reads.iter().any(|read| matches!(read, Read::Range { .. }))
}

impl View {
    fn answer_all(&self, reads: &[Read]) -> Result<Vec<Page>> {
        reads.iter().map(|read| self.answer(read)).collect()
    }

    fn answer(&self, read: &Read) -> Result<Page> {
        read.validate()?;
        match read {
            Read::Get(key) => {
                let value = self.store.get(&self.snapshot, key)?;
                let entries = value
                    .map(|value| Entry {
                        key: key.clone(),
                        value,
                    })
                    .into_iter()
                    .collect();
                Ok(Page { entries, more: false })
            }
            Read::Range {
                range,
                direction,
                limit,
            } => self.page(range, *direction, *limit),
        }
    }

    /// One page, from the parts of the range one after the other.
    fn page(&self, range: &KeyRange, direction: Direction, limit: PageLimit) -> Result<Page> {
        let mut page = Page::default();
        let mut bytes = 0;
        let mut parts = self.store.layout.parts(range);
        if direction == Direction::Backwards {
            parts.reverse();
        }
        for (place, part) in parts {
            let keyspace = self.store.keyspace(place);
            let mut entries = self
                .snapshot
                .range::<&[u8], _>(keyspace, &part.start[..]..&part.end[..]);
            loop {
                let next = match direction {
                    Direction::Forwards => entries.next(),
                    Direction::Backwards => entries.next_back(),
                };
                let Some(next) = next else { break };
                let (key, value) = next.into_inner().map_err(|error| fault::of_read(&error))?;
                let entry = Entry {
                    key: Bytes::from(key),
                    value: Bytes::from(value),
                };
                bytes += entry.key.len() + entry.value.len();
                page.entries.push(entry);
                if page.entries.len() >= limit.entries || bytes >= limit.bytes {
                    // There may be more. To know, the next block might have to be read.
                    page.more = true;
                    return Ok(page);
                }
            }
        }
        Ok(page)
    }
}
