//! Reading from a snapshot.

use std::sync::Arc;

use annals_engine::{BoxFuture, Entry, Error, Page, Read, Result, Snapshot};

use crate::moment::Moment;
use crate::store::Store;

/// What was committed when it was opened. It keeps the directory open.
#[derive(Clone)]
pub(crate) struct View {
    // First to be dropped: files that it read may be deleted then, while the directory is still locked.
    pub(crate) moment: Arc<Moment>,
    pub(crate) store: Arc<Store>,
}

impl Snapshot for View {
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
/// mostly cached, in microseconds: less than changing threads. A range may read hundreds of blocks.
fn may_take_long(reads: &[Read]) -> bool {
    reads.iter().any(|read| matches!(read, Read::Range { .. }))
}

impl View {
    fn answer_all(&self, reads: &[Read]) -> Result<Vec<Page>> {
        reads.iter().map(|read| self.answer(read)).collect()
    }

    fn answer(&self, read: &Read) -> Result<Page> {
        read.validate()?;
        let tree = &self.store.tree;
        match read {
            Read::Get(key) => {
                let value = self.moment.get(tree, key)?;
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
            } => self.moment.page(tree, range, *direction, *limit),
        }
    }
}
